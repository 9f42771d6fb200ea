"""`headwater inspect`: what a log holds and what it lacks, before anything is concluded from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.options import PATH, as_json, log_form, manners, max_bad, reading, too_many_bad
from headwater.cli.terminal import Terminal

if TYPE_CHECKING:
    from headwater.exchange import Inspection
    from headwater.report import Board

_REASONS = 5


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="LOGS...")
@click.option("--accounts", type=PATH, multiple=True, metavar="FILE", help="An account table to look at too.")
@log_form
@max_bad
@as_json
@manners
def command(
    terminal: Terminal,
    *,
    paths: tuple[Path, ...],
    accounts: tuple[Path, ...],
    max_bad: int | None,
    as_json: bool,
    **form: Any,
) -> int:
    """Say what a log holds, what is missing, and which evidence that rules out.

    LOGS are files or folders. Nothing is written.
    """
    from headwater.exchange import inspect

    found = inspect(paths, accounts=accounts or None, **reading(**form))
    found = replace(found, ruled_out=ruled_out(found))
    if as_json:
        terminal.json(found)
    else:
        terminal.draw(board(found))
    return too_many_bad(terminal, found.set_aside, max_bad)


def ruled_out(found: Inspection) -> dict[str, tuple[str, ...]]:
    """Evidence that this log cannot give, by title, and the columns that it lacks."""
    from headwater.detect import coverage, fold

    columns = {name for name, filled in found.filled.items() if filled}
    columns |= {f"account.{name}" for name, filled in found.account_filled.items() if filled}
    if "prompt" in columns:
        columns.add("imprint")
    cards = coverage(fold.load(), frozenset(columns))
    return {card.title: card.missing for card in cards if not card.available}


def _too_few(found: Inspection) -> str | None:
    """That the log holds too few customers."""
    from headwater.detect import DetectSettings, too_few

    fewest = DetectSettings().fewest_accounts
    return (
        too_few(found.accounts, found.customers, found.largest_customer, fewest) if found.exchanges else None
    )


def board(found: Inspection) -> Board:
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
    below = [f"missing: {', '.join(found.missing) or 'nothing'}"]
    below += [
        f"ruled out: {evidence} (needs {', '.join(columns)})" for evidence, columns in found.ruled_out.items()
    ]
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
