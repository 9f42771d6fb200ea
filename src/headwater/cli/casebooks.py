"""What the commands that act on a casebook share: which one, who acts, when, and how records are shown.

The only place at which these commands read a clock.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headwater.cli.options import PATH
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError

if TYPE_CHECKING:
    from headwater.casework import Casebook, CasebookSettings, Kept, Known, Unread
    from headwater.exchange import SetAside
    from headwater.report import Cell, Column

F = TypeVar("F", bound=Callable[..., Any])

#: Rows that a table shows where nobody asks for more.
ROWS = 20
#: Microseconds since 1970: 2024, when there was none of this, and 2100.
_EARLIEST_US, _LATEST_US = 1_704_067_200_000_000, 4_102_444_800_000_000
#: Where the campaign stands in a table of steps, and how short its name may be cut.
_CAMPAIGN, _LEAST_NAME = 2, 8
#: Rows set aside that are named one by one.
_NAMED = 5


def at_casebook(command: F) -> F:
    """Add `--casebook`."""
    return click.option(
        "--casebook",
        "folder",
        type=PATH,
        envvar="HEADWATER_CASEBOOK",
        metavar="DIR",
        help="The casebook; also HEADWATER_CASEBOOK.",
    )(command)


def by_person(command: F) -> F:
    """Add `--by`."""
    return click.option(
        "--by", envvar="HEADWATER_PERSON", metavar="NAME", help="Who acts; also HEADWATER_PERSON."
    )(command)


def in_form(command: F) -> F:
    """Add `--format`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="How the result is printed.",
    )(command)


def revealing(command: F) -> F:
    """Add `--reveal`."""
    return click.option("--reveal", is_flag=True, help="Show account ids instead of pseudonyms.")(command)


def now_us() -> int:
    """The time, in microseconds since 1970 UTC; `UsageError` where the clock can't be right."""
    now = time.time_ns() // 1000
    if not _EARLIEST_US <= now < _LATEST_US:
        from headwater.casework import moment

        raise UsageError(
            f"this machine's clock says {moment(now)}, which can't be",
            hint="set it: what is decided, told to customers and erased goes by it",
        )
    return now


@contextmanager
def opened(folder: Path | None) -> Iterator[Casebook]:
    """The casebook in `folder`; `UsageError` where none is named."""
    from headwater.casework import open_casebook

    if folder is None:
        raise UsageError(
            "say which casebook",
            hint="--casebook DIR, or HEADWATER_CASEBOOK; `headwater casebook new` makes one",
        )
    with open_casebook(folder, settings_of(folder)) as book:
        yield book


def settings_of(folder: Path) -> CasebookSettings:
    """The settings that a casebook's own file gives; the environment has no say in what customers are told."""
    from headwater.casework import SETTINGS, CasebookSettings
    from headwater.cli.settings import load_settings

    if not (folder / SETTINGS).is_file():
        from headwater.errors import UnreadableInput, Where

        hint = "headwater casebook new DIR makes one"
        raise UnreadableInput("is no casebook", where=Where(str(folder)), hint=hint)
    return load_settings(CasebookSettings, folder / SETTINGS, {})


@dataclass(frozen=True)
class Names:
    """How accounts are called on the screen: by their pseudonyms, or by their ids where that was asked for."""

    ids: dict[str, str] = field(default_factory=dict)

    def __call__(self, pseudonym: str) -> str:
        """The name of an account."""
        return self.ids.get(pseudonym, pseudonym)


def names(book: Casebook, reveal: bool) -> Names:
    """The names to show."""
    return Names(book.accounts() if reveal else {})


def step_table(found: Sequence[Kept], called: Names) -> tuple[list[Column], list[list[Cell]]]:
    """A table of steps that fits the terminal: ids whole, without the last column, and names cut, where it's narrow."""
    from headwater.report import Column

    columns = [
        Column("step"),
        Column("account"),
        Column("campaign", "name"),
        Column("rung"),
        Column("state"),
        Column("until"),
    ]
    rows = [_step_row(kept, called) for kept in found]
    width = shutil.get_terminal_size().columns
    if _wide(columns, rows) > width:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    if (over := _wide(columns, rows) - width) > 0:
        longest = max(len(row[_CAMPAIGN]) for row in rows)
        room = max(_LEAST_NAME, longest - over)
        for row in rows:
            name = row[_CAMPAIGN]
            row[_CAMPAIGN] = name if len(name) <= room else f"{name[: room - 1]}…"
    return columns, [list(row) for row in rows]


def _step_row(kept: Kept, called: Names) -> list[str]:
    return [
        kept.id,
        called(kept.step.account),
        kept.campaign,
        kept.step.rung.word,
        kept.step.state.value,
        when(kept),
    ]


def _wide(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    """Columns of a terminal that the table needs, two between each two."""
    cells = [[column.title, *(row[at] for row in rows)] for at, column in enumerate(columns)]
    return sum(max(map(len, column)) for column in cells) + 2 * len(columns)


def step_record(kept: Kept, called: Names) -> dict[str, Any]:
    """One step as JSON."""
    step, terms = kept.step, kept.step.terms
    return {
        "step": kept.id,
        "account": called(step.account),
        "campaign": kept.campaign,
        "batch": kept.batch,
        "verdict": kept.verdict,
        "rung": step.rung.word,
        "state": step.state.value,
        "revision": step.revision,
        "rule": terms.rule,
        "reason": terms.reason,
        "reason_class": terms.reason_class,
        "clause": terms.clause,
        "persons": terms.persons,
        "decided_by": list(step.deciders),
        "proposed_us": step.proposed_us,
        "begins_us": step.begins_us,
        "began_us": step.began_us,
        "expires_us": step.expires_us,
        "pack": kept.basis.decision.pack,
        "pack_sha256": kept.basis.decision.pack_sha256,
        "inputs_sha256": kept.basis.decision.inputs_sha256,
    }


def when(kept: Kept) -> str:
    """Until when a step stands, or from when on it will."""
    from headwater.casework import moment
    from headwater.control import State

    step = kept.step
    if step.state is State.STANDING and step.expires_us is not None:
        return moment(step.expires_us)
    if step.state is State.ANNOUNCED and step.begins_us is not None:
        return f"from {moment(step.begins_us)}"
    return "" if not step.ended else moment(step.counted[-1].at_us)


def draw(
    terminal: Terminal,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    above: Sequence[tuple[str, str]] = (),
    below: Sequence[str] = (),
    limit: int = ROWS,
) -> None:
    """Draw a table of at most `limit` rows (0: all), and say how many more there are."""
    from headwater.report import Board

    shown = rows if limit == 0 else rows[:limit]
    more = [f"and {len(rows) - len(shown):,} more: --limit 0 shows all"] if len(shown) < len(rows) else []
    terminal.draw(Board(above=above, columns=columns, rows=shown, below=[*more, *map(clean, below)]))


def tell_aside(terminal: Terminal, aside: Sequence[Unread]) -> None:
    """Name rows that can't be read, count them, and say where to go on."""
    for one in aside[:_NAMED]:
        terminal.warn(clean(f"set aside: {one.id}: {one.why}"))
    if len(aside) > _NAMED:
        terminal.warn(f"{len(aside):,} rows were set aside in all")
    if aside:
        terminal.say("headwater casebook check says what differs from the log")


def tell_known(terminal: Terminal, known: Known, aside: SetAside) -> None:
    """Say what of the operator's tables wasn't used: rows that were set aside, values, columns."""
    for row in aside.rows:
        terminal.warn(clean(f"set aside: {row.where}: {row.what}"))
    if aside.total > len(aside.rows):
        terminal.warn(f"{aside.total:,} rows were set aside in all")
    for what, count in aside.by_notice():
        terminal.say(clean(f"{what} ({count:,} values)"))
    if known.passed_over:
        terminal.say(clean(f"columns that mean nothing here: {', '.join(known.passed_over)}"))


def limit(command: F) -> F:
    """Add `--limit`."""
    return click.option(
        "--limit", type=click.IntRange(0), default=ROWS, show_default=True, help="Rows to show; 0: all."
    )(command)
