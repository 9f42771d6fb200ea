"""`headwater policy`: check a policy pack, run its tests, compare two, and replay one over what was recorded."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headwater.cli.casebooks import now_us, tell_known
from headwater.cli.options import HELP, PATH, Group, as_json, manners
from headwater.cli.terminal import Terminal, clean

if TYPE_CHECKING:
    from headwater.policy import AccountFacts, Change, Hit, Moved, Pack, Replayed, Subject
    from headwater.report import Cell

F = TypeVar("F", bound=Callable[..., Any])


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Check, test, compare and replay policy packs."""


def _over(*, required: bool) -> Callable[[F], F]:
    """Add `--over`, `--considered` and `--accounts`."""

    def added(command: F) -> F:
        text = "What is known of accounts (CSV, JSON lines, Parquet); may be repeated."
        command = click.option("--accounts", type=PATH, multiple=True, metavar="FILE", help=text)(command)
        text = "Also the accounts of groups that were only considered."
        command = click.option("--considered", is_flag=True, help=text)(command)
        text = "A report folder, its campaigns.json, or recorded facts (JSON lines)."
        return click.option("--over", type=PATH, metavar="REPORT|FILE", required=required, help=text)(command)

    return added


@command.command()
@click.argument("pack", type=PATH)
@as_json
@manners
def check(terminal: Terminal, *, pack: Path, as_json: bool) -> int:
    """Say whether a pack loads, and what a person should look at in it.

    A fault ends with exit code 2 and names file, line and field. Remarks don't: lines that decide nothing that was
    tried, rules that tell the customer too little, accounts closed by a program.

    PACK is a YAML file, or one that comes with Headwater: default, observe-only, balanced, strict, research-access.
    """
    from headwater.explain import words
    from headwater.policy import examine, load_pack

    loaded = load_pack(pack)
    remarks = examine(loaded)
    if as_json:
        terminal.json({"pack": loaded.name, "sha256": loaded.sha256, "remarks": remarks})
        return 0
    parts = {name: len(getattr(loaded, f"{name}s")) for name in ("rule", "limit", "overlay", "programme")}
    counted = ", ".join(words.many(count, name) for name, count in parts.items())
    terminal.out(f"{clean(_called(loaded))} loads: {counted}\n")
    for remark in remarks:
        terminal.out(f"{clean(remark.line)}: {clean(remark.what)}\n  {clean(remark.hint)}\n")
    return 0


@command.command("test")
@click.argument("pack", type=PATH)
@click.argument("tests", type=PATH, required=False)
@as_json
@manners
def test(terminal: Terminal, *, pack: Path, tests: Path | None, as_json: bool) -> int:
    """Run the tests of a pack.

    A test gives facts, and the decision that they should come to. TESTS is a YAML file; without it, the one beside the
    pack (acme.tests.yaml beside acme.yaml). Exit code 1 where a test fails.
    """
    from headwater.policy import cases_beside, load_pack, read_cases, run_cases, untested
    from headwater.policy.pack import read_bounded

    loaded = load_pack(pack)
    data, name = (read_bounded(tests), str(tests)) if tests else cases_beside(pack)
    results = run_cases(loaded, read_cases(data, name))
    failed = [result for result in results if not result.passed]
    bare = untested(loaded, results)
    if as_json:
        terminal.json({"pack": loaded.name, "sha256": loaded.sha256, "results": results, "untested": bare})
        return 1 if failed else 0
    for result in failed:
        terminal.out(f"failed: {clean(result.name)}: {clean('; '.join(result.differs))}\n")
    told = f"{len(results) - len(failed)} of {len(results)} tests passed"
    terminal.out(f"{clean(_called(loaded))}: {told}\n")
    if bare:
        terminal.say(f"decides no test: {clean(', '.join(bare))}")
    return 1 if failed else 0


@command.command()
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@_over(required=False)
@as_json
@manners
def diff(
    terminal: Terminal,
    *,
    old: Path,
    new: Path,
    over: Path | None,
    considered: bool,
    accounts: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Compare two packs.

    Says what changed from OLD to NEW, line by line; with --over, whose decision changes.
    """
    from headwater.policy import compare_packs, load_pack, replay

    before, after = load_pack(old), load_pack(new)
    changes = compare_packs(before, after)
    replayed = None
    if over is not None:
        subjects = _subjects(terminal, over, accounts, considered)
        replayed = replay(after, subjects, against=before)
    if as_json:
        moved = None if replayed is None else replayed.moved
        terminal.json({"old": before.sha256, "new": after.sha256, "changes": changes, "moved": moved})
        return 0
    terminal.out(f"{clean(_called(before))} → {clean(_called(after))}\n")
    terminal.out("".join(_told(changes)) or "nothing changed\n")
    if replayed is not None:
        _draw_moved(terminal, replayed, over)
    return 0


@command.command("replay")
@click.argument("pack", type=PATH)
@_over(required=True)
@click.option("--against", type=PATH, metavar="PACK", help="Also say what is otherwise than under this pack.")
@click.option(
    "--outcomes",
    type=PATH,
    metavar="FILE",
    help="Known outcomes of accounts: account, outcome (upheld, reversed).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="csv has every account, json also the examples.",
)
@manners
def replay_command(
    terminal: Terminal,
    *,
    pack: Path,
    over: Path,
    considered: bool,
    accounts: tuple[Path, ...],
    against: Path | None,
    outcomes: Path | None,
    form: str,
) -> int:
    """Say whom a pack would have hit: nothing is done to anybody.

    Runs it over the accounts of an investigation's campaigns, or over recorded facts, and shows declared parties
    first, then each rung with its campaigns, accounts and exchanges, and ten accounts by name, which `headwater
    explain` opens.

    The table of --accounts has a column account, and those of these that are known: tier (0 to 3), customer, programme,
    region, terms_accepted_days or terms_accepted_at, notices; as for `headwater step propose`.
    """
    from headwater.policy import load_pack, read_outcomes, replay

    loaded = load_pack(pack)
    other = load_pack(against) if against else None
    known = read_outcomes(outcomes) if outcomes else None
    found = replay(loaded, _subjects(terminal, over, accounts, considered), against=other, outcomes=known)
    if form == "json":
        terminal.json(found)
    elif form == "csv":
        terminal.out(_csv(found.hits))
    else:
        _draw(terminal, found, over)
    return 0


def _subjects(
    terminal: Terminal, over: Path, accounts: tuple[Path, ...], considered: bool
) -> Iterable[Subject]:
    from headwater.explain import load, words
    from headwater.policy import read_facts, subjects_of

    if not _is_report(over):
        if accounts or considered:
            raise click.UsageError("--accounts and --considered go with a report; recorded facts say it all")
        return read_facts(over)
    findings = load(over)
    if findings.considered and not considered:
        left = words.many(len(findings.considered), "group")
        terminal.say(f"left out: {left} that were only considered (--considered)")
    return subjects_of(findings, _known(terminal, accounts), considered=considered)


def _known(terminal: Terminal, accounts: tuple[Path, ...]) -> Mapping[str, AccountFacts]:
    """What the operator's tables say, read as `headwater step propose` reads them."""
    from headwater.casework import read_known
    from headwater.exchange import SetAside

    if not accounts:
        return {}
    aside = SetAside(keep=5)
    known = read_known(accounts, aside, now_us())
    tell_known(terminal, known, aside)
    return known.facts


def _is_report(over: Path) -> bool:
    return over.is_dir() or over.suffix == ".json"


def _called(pack: Pack) -> str:
    return f"policy pack “{pack.name}” ({pack.sha256[:12]})"


def _told(changes: Iterable[Change]) -> Iterable[str]:
    return (f"{clean(each.line)}: {clean(each.what)}\n" for each in changes)


def _csv(hits: Iterable[Hit]) -> str:
    from dataclasses import fields

    from headwater.exchange import safe_cell
    from headwater.policy import Hit

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [field.name for field in fields(Hit)]
    writer.writerow(names)
    for hit in hits:
        writer.writerow([safe_cell(clean(str(getattr(hit, name)))) for name in names])
    return out.getvalue()


def _draw(terminal: Terminal, found: Replayed, over: Path) -> None:
    from headwater.explain import words
    from headwater.report import Board, Column

    told = f"{words.many(found.accounts, 'account')} of {words.many(found.campaigns, 'campaign')}"
    called = f"policy pack “{found.pack}” ({found.pack_sha256[:12]})"
    known: list[list[Cell]] = [
        [hit.declared, hit.account, hit.rung, hit.rule, hit.exchanges] for hit in found.known[:10]
    ]
    if known:
        columns = [Column("known party", "name"), Column("account", "name"), Column("rung"), Column("by")]
        more = len(found.known) - len(known)
        terminal.draw(
            Board(
                above=[(called, told), ("", "")],
                columns=[*columns, Column("exchanges", "number")],
                rows=known,
                below=[f"and {more:,} more accounts of known parties", ""] if more else [""],
            )
        )
    shown = any(row.upheld or row.reversed for row in found.rows)
    columns = [Column("rung"), *(Column(name, "number") for name in ("campaigns", "accounts", "exchanges"))]
    columns += [Column("no person", "number")]
    columns += [Column(name, "number") for name in ("right", "wrong", "wrong at most")] if shown else []
    rows: list[list[Cell]] = []
    for row in found.rows:
        cells: list[Cell] = [row.rung, row.campaigns, row.accounts, row.exchanges, row.automatic]
        if shown:
            most = None if row.wrong_at_most is None else words.share(row.wrong_at_most)
            cells += [row.upheld, row.reversed, most]
        rows.append(cells)
    terminal.draw(Board(above=[] if known else [(called, told)], columns=columns, rows=rows, below=[""]))
    _draw_examples(
        terminal, [hit for row in found.rows if row.rung != "observe" for hit in row.examples], over
    )
    if found.against is not None:
        _draw_moved(terminal, found, over)


def _draw_examples(terminal: Terminal, hits: list[Hit], over: Path) -> None:
    from headwater.report import Board, Column

    if not hits:
        terminal.out("nobody would have been met by more than watching\n")
        return
    columns = [Column("account", "name"), Column("campaign"), Column("rung"), Column("by")]
    columns += [Column("persons", "number"), Column("exchanges", "number")]
    rows: list[list[Cell]] = [
        [hit.account, hit.campaign, hit.rung, hit.rule, hit.persons, hit.exchanges] for hit in hits
    ]
    terminal.draw(Board(above=[], columns=columns, rows=rows, below=_open(hits[0], over)))


def _draw_moved(terminal: Terminal, found: Replayed, over: Path | None) -> None:
    from headwater.report import Board, Column

    if not found.moved:
        terminal.out("no account's rung changes\n")
        return
    columns = [Column("was"), Column("would be"), Column("accounts", "number"), Column("exchanges", "number")]
    rows = [[*_moved(each), _named(each)] for each in found.moved]
    below = _open(found.moved[0].examples[0], over) if over else []
    terminal.draw(Board(above=[], columns=[*columns, Column("for example")], rows=rows, below=below))


def _moved(each: Moved) -> list[Cell]:
    return [each.was, each.now, each.accounts, each.exchanges]


def _named(each: Moved) -> str:
    return ", ".join(hit.account for hit in each.examples[:3])


def _open(hit: Hit, over: Path) -> list[str]:
    """How an example is opened, where there is a report to open."""
    if not _is_report(over):
        return []
    return ["", f"headwater explain {shlex.quote(hit.account)} --report {shlex.quote(str(over))}"]
