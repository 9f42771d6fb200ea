"""`headwater inspect`: what a log holds and what it lacks, before anything is concluded from it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.options import PATH, as_json, log_form, manners, max_bad, reading, too_many_bad
from headwater.cli.terminal import Terminal
from headwater.errors import UnreadableInput

if TYPE_CHECKING:
    from headwater.detect import Coverage
    from headwater.exchange import Inspection
    from headwater.report import Board

_REASONS = 5
#: Columns, one of which would do, that are named in the short list.
_COLUMNS = 3


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="LOGS...")
@click.option("--accounts", type=PATH, multiple=True, metavar="FILE", help="An account table to look at too.")
@log_form
@max_bad
@click.option("-v", "--verbose", is_flag=True, help="Say of each kind of evidence on its own what it needs.")
@as_json
@manners
def command(
    terminal: Terminal,
    *,
    paths: tuple[Path, ...],
    accounts: tuple[Path, ...],
    max_bad: int | None,
    verbose: bool,
    as_json: bool,
    **form: Any,
) -> int:
    """Say what a log holds, what is missing, and which evidence that rules out.

    LOGS are files or folders. Nothing is written. A log of which no row can be used is an error.
    """
    from headwater.exchange import inspect

    found = inspect(paths, accounts=accounts or None, **reading(**form))
    cards = coverage(found)
    found = replace(found, ruled_out={card.title: card.missing for card in cards if not card.available})
    if as_json:
        terminal.json(found)
    else:
        terminal.draw(board(found, cards, verbose=verbose))
    if not found.exchanges:
        raise UnreadableInput(
            "no row of the input could be used",
            hint="the reasons stand above; --format, --mapping and --set help where a log is read as what it isn't",
        )
    return too_many_bad(terminal, found.set_aside, max_bad)


def coverage(found: Inspection) -> tuple[Coverage, ...]:
    """What each kind of evidence could see in this log."""
    from headwater.detect import coverage, load

    columns = {name for name, filled in found.filled.items() if filled}
    columns |= {f"account.{name}" for name, filled in found.account_filled.items() if filled}
    if "prompt" in columns:
        columns.add("imprint")
    return coverage(load(), frozenset(columns))


def _ruled_out(cards: tuple[Coverage, ...], *, verbose: bool, table: bool) -> list[str]:
    """Evidence that this log cannot give: by what is missing, or (`verbose`) each on its own.

    Without an account `table` it is the table that is missing, not its columns.
    """
    from headwater.explain import words

    lost = [card for card in cards if not card.available]
    if not lost:
        return []
    if verbose:
        needs = ((card.title, words.all_needed(card.missing)) for card in lost)
        return [f"ruled out: {title} (needs {what})" for title, what in needs]
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for card in lost:
        groups[words.all_needed(card.missing, table=table, most=_COLUMNS)].append(card.title)
    by_size = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    told = [f"{len(lost)} of {words.many(len(cards), 'kind')} of evidence ruled out (-v: each on its own):"]
    told += [f"  no {what}: {', '.join(titles)}" for what, titles in by_size if len(titles) > 1]
    alone = [f"{titles[0]} (no {what})" for what, titles in by_size if len(titles) == 1]
    return [*told, f"  {', '.join(alone)}"] if alone else told


def _too_few(found: Inspection) -> str | None:
    """That the log holds too few customers."""
    from headwater.detect import DetectSettings, too_few

    fewest = DetectSettings().fewest_accounts
    return (
        too_few(found.accounts, found.customers, found.largest_customer, fewest) if found.exchanges else None
    )


def board(found: Inspection, cards: tuple[Coverage, ...], *, verbose: bool) -> Board:
    """The inspection as a terminal shows it."""
    from headwater.exchange import HOLDS_ACCOUNTS, not_read
    from headwater.explain import words
    from headwater.report import Board, Column

    told = [
        words.many(found.exchanges, "exchange"),
        words.many(found.accounts, "account"),
        words.many(found.organisations, "organisation"),
    ]
    if found.first_at_us is not None and found.last_at_us is not None:
        told.append(f"{words.when(found.first_at_us)} to {words.when(found.last_at_us)}")
    above = [(" · ".join(told), "")]
    above += [(f"{file}: {form}", "") for file, form in found.formats[:10]]
    if len(found.formats) > 10:
        above.append((f"… and {words.many(len(found.formats) - 10, 'more file')}", ""))
    rows = [
        [name, words.share(filled), table]
        for table, columns in (("exchange", found.filled), ("account", found.account_filled))
        for name, filled in columns.items()
        if filled
    ]
    below = []
    if found.exchanges:
        below += [f"missing: {', '.join(found.missing) or 'nothing'}"]
        below += _ruled_out(cards, verbose=verbose, table=bool(found.account_filled))
    if found.unlisted:
        below.append(f"{words.many(found.unlisted, 'account')} of the log stand in no account table")
    if found.set_aside:
        below.append(f"{words.many(found.set_aside, 'row')} set aside:")
        below += [f"  {words.count(n)} × {reason}" for reason, n in found.reasons[:_REASONS]]
        below += [f"  first: {bad.where}" for bad in found.examples[:1]]
    below += [f"note: {few}"] if (few := _too_few(found)) else []
    below += [f"note: {words.count(n)} × {what}" for what, n in found.notices[:_REASONS]]
    below += [f"note: {path} {HOLDS_ACCOUNTS}: give it with --accounts" for path in found.accounts_unread]
    below += [f"note: {told}" for told in not_read(found.outputs_unread)]
    columns = [Column("column", "name"), Column("filled", "number"), Column("table")]
    return Board(above=above, columns=columns, rows=rows, below=below)
