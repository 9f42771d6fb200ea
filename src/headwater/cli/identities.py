"""What the commands that act on an identity store share: which one, who acts, how a change is undone and shown.

Times are read and written here; what may be changed is the room's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from headwater.cli.casebooks import by_person, draw, limit, now_us
from headwater.cli.options import PATH, as_json, manners
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError, Where

if TYPE_CHECKING:
    from headwater.control.identity import Change, Identity, IdentitySettings

F = TypeVar("F", bound=Callable[..., Any])
_SPAN: Final = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_HOURS: Final = {"h": 1, "d": 24, "w": 168}
_HOUR_US: Final = 3_600_000_000


def at_identity(command: F) -> F:
    """Add `--identity`."""
    return click.option(
        "--identity",
        "folder",
        type=PATH,
        envvar="HEADWATER_IDENTITY",
        metavar="DIR",
        help="The identity store; also HEADWATER_IDENTITY.",
    )(command)


def reading(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command that shows something its options, and an open store as `identity`."""

    @at_identity
    @as_json
    @manners
    @wraps(command)
    def wrapped(terminal: Terminal, *, folder: Path | None, **rest: Any) -> int:
        with opened(folder) as identity:
            return command(terminal, identity=identity, **rest)

    return wrapped


def acting(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command that changes something its options, an open store, who acts (`by`), why, and the time."""

    @by_person
    @click.option("--reason", default="", metavar="TEXT", help="Why; kept with the change.")
    @at_identity
    @as_json
    @manners
    @wraps(command)
    def wrapped(terminal: Terminal, *, folder: Path | None, by: str | None, **rest: Any) -> int:
        if not by:
            raise UsageError("say who acts", hint="--by NAME, or HEADWATER_PERSON")
        with opened(folder) as identity:
            return command(terminal, identity=identity, by=by, at_us=now_us(), **rest)

    return wrapped


@contextmanager
def opened(folder: Path | None) -> Iterator[Identity]:
    """The store in `folder`; `UsageError` where none is named."""
    from headwater.control.identity import open_identity

    with open_identity(named(folder), settings_of(named(folder))) as identity:
        yield identity


def named(folder: Path | None) -> Path:
    """The folder that was named."""
    if folder is None:
        hint = "--identity DIR, or HEADWATER_IDENTITY; `headwater account init DIR` makes one"
        raise UsageError("say which identity store", hint=hint)
    return folder


def settings_of(folder: Path) -> IdentitySettings:
    """The settings that a store's own file gives; the environment has no say in who is let in."""
    from headwater.cli.settings import load_settings
    from headwater.control.identity import SETTINGS, IdentitySettings
    from headwater.errors import UnreadableInput

    if not (folder / SETTINGS).is_file():
        hint = "`headwater account init DIR` makes one"
        raise UnreadableInput("is no identity store", where=Where(str(folder)), hint=hint)
    return load_settings(IdentitySettings, folder / SETTINGS, {})


def with_history(group: click.Group, kinds: tuple[str, ...], what: str, metavar: str) -> None:
    """Add `history` and `undo` to a group whose commands change rows of `kinds`."""

    @group.command(help=f"List changes, newest first: of one {what}, or all.", short_help="List changes.")
    @click.argument("name", required=False, metavar=f"[{metavar}]")
    @limit
    @reading
    def history(
        terminal: Terminal, *, identity: Identity, name: str | None, limit: int, as_json: bool
    ) -> int:
        found = identity.history(kinds=kinds, row=_row_name(identity, kinds, name), limit=limit or 1_000_000)
        show_changes(terminal, found, as_json)
        return 0

    @group.command(
        help="Undo change number CHANGE, with all that was changed together with it: the rows are what they were"
        " before. An undo is a change too, and can be undone.",
        short_help="Undo a change.",
    )
    @click.argument("change", type=click.IntRange(1))
    @acting
    def undo(
        terminal: Terminal,
        *,
        identity: Identity,
        change: int,
        by: str,
        reason: str,
        at_us: int,
        as_json: bool,
    ) -> int:
        identity.undo(change, by, at_us, kinds=kinds, reason=reason)
        made = identity.history(limit=1)[0]
        if as_json:
            terminal.json({"undone": change, "change": made.id})
        else:
            terminal.out(f"undone: change {change}, by change {made.id}\n")
        return 0


def _row_name(identity: Identity, kinds: tuple[str, ...], name: str | None) -> str | None:
    return identity.key(name).id if name and kinds == ("key",) and "/" in name else name


def show_changes(terminal: Terminal, changes: list[Change], as_json: bool) -> None:
    """Show changes: when, what, by whom, why."""
    from headwater.report import Column

    if as_json:
        terminal.json([_change(one) for one in changes])
        return
    columns = [Column("change", "number"), Column("when"), Column("what", "name"), Column("of", "name")]
    columns += [Column("by"), Column("why", minor=True)]
    rows: list[list[Any]] = [
        [
            one.id,
            moment(one.at_us),
            f"{one.kind} {one.what}",
            clean(one.row.replace("\n", " ")),
            one.by,
            one.reason,
        ]
        for one in changes
    ]
    draw(terminal, columns, rows, below=() if rows else ["nothing has been changed"], limit=0)


def _change(one: Change) -> dict[str, Any]:
    from headwater.control.identity import decoded, told

    before, after = (
        told(decoded(one.kind, body)) if body is not None else None for body in (one.before, one.after)
    )
    plain = one._asdict()
    return {**plain, "before": before, "after": after}


def done(terminal: Terminal, identity: Identity, row: Any, as_json: bool, text: str) -> None:
    """Say what was done to a row, and how it is undone."""
    from headwater.control.identity import told

    made = identity.history(limit=1)[0]
    if as_json:
        terminal.json({**(told(row) or {}), "change": made.id})
    else:
        terminal.out(f"{clean(text)} (change {made.id})\n")


def show_row(terminal: Terminal, entries: Mapping[str, Any]) -> None:
    """One row, an entry a line; what is empty isn't shown."""
    width = max(map(len, entries))
    for name, value in entries.items():
        if value not in (None, "", (), []):
            terminal.out(f"{name:<{width}}  {clean(str(value))}\n")


def moment(at_us: int | None) -> str:
    """A time to the minute, UTC; nothing where there is none."""
    if at_us is None:
        return ""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
    return at.strftime("%Y-%m-%d %H:%M")


def span_us(text: str, field: str) -> int:
    """`12h`, `90d` or `6w` in microseconds; 0 is none at all."""
    found = _SPAN.fullmatch(text)
    if text != "0" and found is None:
        what = f"not a span of time, a text of {len(text)} characters"
        raise UsageError(
            what, where=Where(field=field), hint="0, or hours, days or weeks such as 12h, 90d or 6w"
        )
    return int(found[1]) * _HOURS[found[2]] * _HOUR_US if found else 0


def given(**entries: Any) -> dict[str, Any]:
    """The entries that were given: None and empty lists weren't."""
    return {name: value for name, value in entries.items() if value is not None and value != ()}
