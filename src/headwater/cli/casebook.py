"""`headwater casebook`: make one, keep its clock, learn from it, and give or erase what it holds on an account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.casebooks import (
    at_casebook,
    by_person,
    draw,
    in_form,
    limit,
    now_us,
    opened,
    revealing,
    tell_aside,
)
from headwater.cli.follow import follow
from headwater.cli.options import HELP, PATH, Group, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UnreadableInput, Where, unreadable

if TYPE_CHECKING:
    from headwater.casework import Agreement, Rate, Ticked

_MOST_PACK = 1 << 20
#: How an ended step is told to `policy replay`; a proposal that was declined happened to nobody.
_TOLD = {"confirmed": "upheld", "reversed": "reversed", "lowered": "reversed", "unconfirmed": "reversed"}


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Keep a casebook: who decided what about which account, and why."""


@command.command()
@click.argument("directory", type=PATH, metavar="DIR")
@click.option("--operator", required=True, metavar="NAME", help="Who you are to your customers.")
@click.option(
    "--appeals", required=True, metavar="PLACE", help="Where customers appeal: a page or an address."
)
@click.option(
    "--origin", metavar="NAME", help="The log's name to all who check it; made of the others if left out."
)
@click.option(
    "--policy", default="default", metavar="FILE|NAME", help="The pack to put in force.", show_default=True
)
@manners
def new(
    terminal: Terminal, *, directory: Path, operator: str, appeals: str, origin: str | None, policy: str
) -> int:
    """Make a casebook in DIR: its store, its log with a key of its own, its settings and its policy.

    Prints the log's verifier key: whoever checks the log needs it, from you.
    """
    from headwater.casework import CasebookSettings, new_casebook, origin_for

    settings = CasebookSettings(
        operator=operator, appeals=appeals, origin=origin or origin_for(appeals, directory)
    )
    verifier = new_casebook(directory, settings, _pack(policy), now_us())
    terminal.out(f"{verifier}\n")
    terminal.say(
        clean(f"made {directory}; next: headwater step propose REPORT --casebook {directory} --by NAME")
    )
    return 0


@command.command()
@click.argument("file", metavar="FILE|NAME")
@at_casebook
@by_person
@manners
def policy(terminal: Terminal, *, file: str, folder: Path | None, by: str | None) -> int:
    """Put the policy pack FILE, or a shipped one, in force.

    A pack with any fault is not put in force, and the old one stays. Steps that were proposed keep what they rest on.
    """
    from headwater.policy import parse_pack

    data = _pack(file)
    pack = parse_pack(data, file)
    with opened(folder) as book:
        before = book.pack
        book.adopt(data, pack, by or "", now_us())
    terminal.out(
        clean(f"{pack.name} {pack.sha256[:12]} is in force, after {before.name} {before.sha256[:12]}") + "\n"
    )
    return 0


@command.command()
@click.option("--far", is_flag=True, help="Also where the last that was done here is more than 30 days away.")
@at_casebook
@in_form
@manners
def tick(terminal: Terminal, *, far: bool, folder: Path | None, form: str) -> int:
    """Do what is due: begin, end and lapse steps, tell customers, erase what was kept long enough.

    Run it every few minutes; twice does no more than once. A clock that is more than 30 days away from the last that
    was done in the casebook is taken to be wrong, and nothing is changed. Exit code 1 where an appeal is overdue.
    """
    with opened(folder) as book:
        ticked = book.tick(now_us(), far=far)
    tell_aside(terminal, ticked.unread)
    if form == "json":
        terminal.json(
            {
                "began": ticked.began,
                "expired": ticked.expired,
                "lapsed": ticked.lapsed,
                "notified": ticked.notified,
                "overdue": [one.id for one in ticked.overdue],
                "unanswered": ticked.unanswered,
                "erased": ticked.erased,
                "unread": [one.id for one in ticked.unread],
            }
        )
    else:
        _ticked(terminal, ticked)
    return 1 if ticked.overdue else 0


def _ticked(terminal: Terminal, ticked: Ticked) -> None:
    from headwater.casework import moment
    from headwater.report import Column

    rows: list[list[Any]] = [
        [name, len(found), ", ".join(found[:3]) + (", …" if len(found) > 3 else "")]
        for name, found in (
            ("began", ticked.began),
            ("ended: their time was over", ticked.expired),
            ("lapsed: nobody decided", ticked.lapsed),
            ("told to the customer", ticked.notified),
            ("ended: the appeal was not answered", ticked.unanswered),
        )
        if found
    ]
    rows += [[f"erased: {name}", count, ""] for name, count in ticked.erased.items()]
    below = [f"overdue: {one.id}, since {moment(one.answer_by_us)}" for one in ticked.overdue]
    draw(
        terminal,
        [Column("what was due"), Column("", "number"), Column("which", "name")],
        rows,
        below=below or ([] if rows else ["nothing was due"]),
        limit=0,
    )


@command.command()
@limit
@at_casebook
@in_form
@manners
def check(terminal: Terminal, *, limit: int, folder: Path | None, form: str) -> int:
    """Compare what the casebook holds with what its log says: steps, events, notices, statements, appeals.

    What was changed in the store past Headwater is named, with what differs. Exit code 0 where all agree, 1 where
    something differs. `headwater log verify` checks the log itself.
    """
    with opened(folder) as book:
        found = book.check()
    if form == "json":
        terminal.json(
            {
                "agrees": not found.differences,
                "compared": found.compared,
                "untold": found.untold,
                "differences": found.differences,
            }
        )
    else:
        _checked(terminal, found, limit)
    return 1 if found.differences else 0


def _checked(terminal: Terminal, found: Agreement, limit: int) -> None:
    from headwater.explain import words
    from headwater.report import Column

    counted = ", ".join(words.many(count, name.removesuffix("s")) for name, count in found.compared.items())
    below = [f"compared with the log: {counted or 'nothing is held yet'}"]
    if found.untold:
        below.append(f"{found.untold:,} can't be compared any more: the log's records of them were erased")
    if not found.differences:
        below.append("all agree")
    rows: list[list[Any]] = [[one.id, one.what] for one in found.differences]
    draw(terminal, [Column("which"), Column("what differs", "text")], rows, below=below, limit=limit)


@command.command()
@click.option(
    "--accounts", is_flag=True, help="A line of JSON for each ended step instead: account, outcome."
)
@revealing
@at_casebook
@in_form
@manners
def outcomes(terminal: Terminal, *, accounts: bool, reveal: bool, folder: Path | None, form: str) -> int:
    """Say how often steps were taken back, per rule, rung and kind of evidence, with the 95% interval.

    A reversed step, and one that expired unconfirmed, counts as a false positive. `investigate --outcomes` takes the
    JSON, and `policy replay --outcomes` that of --accounts --reveal.
    """
    from headwater.casework import outcomes_document

    with opened(folder) as book:
        found = book.outcomes()
        ended = book.outcomes_of_accounts() if accounts else []
    if accounts:
        for pseudonym, account, outcome in ended:
            if (told := _TOLD.get(outcome.value)) is not None:
                terminal.json({"account": account if reveal else pseudonym, "outcome": told})
    elif form == "json":
        terminal.json(outcomes_document(found))
    else:
        _rates(terminal, found)
    return 0


def _rates(terminal: Terminal, found: list[Rate]) -> None:
    from headwater.report import Column

    columns = [
        Column("of"),
        Column("name", "name"),
        Column("ended", "number"),
        Column("taken back", "number"),
        Column("share, 95%"),
        Column("declined", "number", minor=True),
    ]
    rows: list[list[Any]] = [[r.by, r.name, r.ended, r.false, _share(r), r.declined] for r in found]
    draw(terminal, columns, rows, below=[] if rows else ["no step has ended yet"], limit=0)


def _share(rate: Rate) -> str:
    return f"{rate.low:.1%} to {rate.high:.1%}" if rate.ended else "unknown"


@command.command()
@click.argument("account", metavar="ACCOUNT")
@click.option("-o", "--output", type=PATH, required=True, metavar="DIR", help="A new folder.")
@click.option(
    "--for-customer", is_flag=True, help="Without rules, figures and what persons noted among themselves."
)
@at_casebook
@by_person
@manners
def export(
    terminal: Terminal,
    *,
    account: str,
    output: Path,
    for_customer: bool,
    folder: Path | None,
    by: str | None,
) -> int:
    """Write everything that is held on ACCOUNT (an id or a pseudonym) into a new folder, with the log's proofs."""
    with opened(folder) as book:
        written, missing = book.export(account, output, by or "", now_us(), for_customer=for_customer)
    terminal.out(f"{output}: {len(written):,} files\n")
    for line in missing:
        terminal.say(clean(f"not proven: {line}"))
    return 0


@command.command()
@click.argument("account", metavar="ACCOUNT")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the log, so name no account.")
@click.option("--even-so", is_flag=True, help="End what is in force or waits, first.")
@at_casebook
@by_person
@in_form
@manners
def erase(
    terminal: Terminal,
    *,
    account: str,
    reason: str,
    even_so: bool,
    folder: Path | None,
    by: str | None,
    form: str,
) -> int:
    """Erase what is held on ACCOUNT (an id or a pseudonym); the log still verifies.

    A step in force or an open appeal holds it back, unless --even-so.
    """
    from headwater.report import Column

    with opened(folder) as book:
        erased = book.erase(account, by or "", reason, now_us(), even_so=even_so)
    if form == "json":
        terminal.json({"erased": erased.counts, "stays": erased.stays})
        return 0
    rows: list[list[Any]] = [[name, count] for name, count in erased.counts.items()]
    below = [f"stays: {one}" for one in erased.stays]
    draw(terminal, [Column("erased"), Column("rows", "number")], rows, below=below, limit=0)
    return 0


command.add_command(follow)


def _pack(name: str) -> bytes:
    """The bytes of a pack's file, or of a shipped one of that name."""
    from importlib.resources import files

    from headwater.policy import SHIPPED

    path = Path(name)
    if name in SHIPPED and not path.exists():
        return files("headwater.policy").joinpath(f"packs/{name}.yaml").read_bytes()
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_PACK + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(data) > _MOST_PACK:
        raise UnreadableInput("is too large for a pack", where=Where(name))
    return data
