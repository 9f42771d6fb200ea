"""`headwater tier`: what each tier may use, as it is in force, and how an operator changes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.identities import acting, done, reading, with_history
from headwater.cli.options import HELP, PATH, Group
from headwater.cli.terminal import Terminal, clean
from headwater.errors import UsageError, Where, unreadable

if TYPE_CHECKING:
    from headwater.control.identity import Identity

_MOST_FILE = 65_536
_MILLION = 1_000_000


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Say and change what each tier may use."""


@command.command("list")
@reading
def list_(terminal: Terminal, *, identity: Identity, as_json: bool) -> int:
    """Show the table in force: a line an entry, a column a tier."""
    from headwater.control.identity import FEATURES, LIMITS, told
    from headwater.report import Board, Column

    tiers = identity.tiers()
    if as_json:
        terminal.json([told(tier) for tier in tiers.values()])
        return 0
    columns = [Column("", "name"), *(Column(name.removeprefix("verified-"), "number") for name in tiers)]
    rows: list[list[Any]] = [
        [name, *(_cell(getattr(tier, name)) for tier in tiers.values())] for name in (*LIMITS, *FEATURES)
    ]
    terminal.draw(
        Board(
            columns=columns,
            rows=rows,
            above=[],
            below=["contact, payment and organisation: that it is verified; M: millions"],
        )
    )
    return 0


@command.command()
@click.argument("name", metavar="TIER")
@reading
def show(terminal: Terminal, *, identity: Identity, name: str, as_json: bool) -> int:
    """Print one tier as TOML: a beginning for `tier adopt`."""
    from headwater.control.identity import FEATURES, LIMITS, TIERS, plain, told

    if name not in TIERS:
        raise UsageError("there is no such tier", hint=f"tiers: {', '.join(TIERS)}")
    tier = identity.tiers()[name]
    if as_json:
        terminal.json(told(tier))
        return 0
    terminal.out(f"# {TIERS[name]}\n[{name}]\n")
    terminal.out("".join(f"{entry} = {plain(getattr(tier, entry))}\n" for entry in (*LIMITS, *FEATURES)))
    return 0


@command.command()
@click.argument("name", metavar="TIER")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY=VALUE…")
@acting
def change(
    terminal: Terminal,
    *,
    identity: Identity,
    name: str,
    entries: tuple[str, ...],
    by: str,
    reason: str,
    at_us: int,
    as_json: bool,
) -> int:
    """Change entries of a tier, such as requests_per_minute=600, spend_per_month_micros=unlimited or batch=true.

    Relays know within a second.
    """
    asked = dict(map(_entry, entries))
    row = identity.change_tier(name, by, at_us, asked, reason=reason)
    done(terminal, identity, row, as_json, f"changed tier {name}: {', '.join(sorted(asked))}")
    _warn(terminal, identity)
    return 0


@command.command()
@click.argument("file", type=PATH, metavar="FILE")
@acting
def adopt(
    terminal: Terminal, *, identity: Identity, file: Path, by: str, reason: str, at_us: int, as_json: bool
) -> int:
    """Put a table of your own in force: TOML, one table a tier; what it doesn't say is as Headwater ships it."""
    from headwater.control.identity import overlaid, shipped_tiers

    tiers = overlaid(shipped_tiers(), _text(file), str(file))
    different = identity.adopt_tiers(tiers, by, at_us, reason=reason)
    if as_json:
        terminal.json({"changed": different})
    else:
        terminal.out(f"in force: {', '.join(different) or 'nothing is different'}\n")
    _warn(terminal, identity)
    return 0


def _warn(terminal: Terminal, identity: Identity) -> None:
    from headwater.control.identity import oddities

    for one in oddities(identity.tiers()):
        terminal.warn(one)


def _entry(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        what = f"not ENTRY=VALUE, a text of {len(text)} characters"
        raise UsageError(what, hint="such as requests_per_minute=600")
    if value in ("true", "false"):
        return name, value == "true"
    digits = value.replace("_", "")
    return name, int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else value


def _text(file: Path) -> str:
    from headwater.errors import ConfigurationError

    try:
        with file.open("rb") as opened:
            data = opened.read(_MOST_FILE + 1)
    except OSError as error:
        raise unreadable(file, error) from None
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ConfigurationError("is not valid UTF-8", where=Where(clean(str(file)))) from None


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if value is None:
        return "unlimited"
    return f"{value // _MILLION:,} M" if value and value % _MILLION == 0 else f"{value:,}"


with_history(command, ("tier",), "tier", "TIER")
