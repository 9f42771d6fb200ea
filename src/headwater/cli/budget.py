"""`headwater budget`: the store that budgets are kept in: begun, and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from headwater.cli.casebooks import draw, limit, now_us
from headwater.cli.gateways import at_gateway, casebook_of, counting_of, settings_of
from headwater.cli.identities import moment
from headwater.cli.options import HELP, Group, as_json, manners
from headwater.cli.terminal import Terminal
from headwater.errors import HeadwaterError, UsageError

if TYPE_CHECKING:
    from headwater.control import Balance, Counting
    from headwater.gateway.composition import GatewaySettings

_REACH: Final = "see that it can be reached, with this user and password"
#: From here on a moment is told, and no span.
_FAR_US: Final = 600_000_000


@click.group(cls=Group, context_settings=HELP)
def command() -> None:
    """Look after budgets: where what is left of them is kept."""


_at = click.option(
    "--budgets",
    envvar="HEADWATER_GATEWAY_BUDGETS",
    metavar="URL",
    help="redis://… or postgresql://…, as the folder's settings say if left out; also HEADWATER_GATEWAY_BUDGETS.",
)


@command.command()
@_at
@at_gateway
@click.option(
    "--forget/--keep",
    "forget",
    default=None,
    help="Whether what was spent before is forgotten, or hard budgets stay closed until their next period.",
)
@manners
def begin(terminal: Terminal, *, budgets: str | None, folder: Path, forget: bool | None) -> int:
    """Begin a store: once before the first start, and after one has lost what it knew.

    A store vouches for nothing that was spent before it began. Say --forget where nothing was, or where you accept that
    it is forgotten: at most what was spent before then comes on top. With --keep budgets of a day or month stay closed
    until the next one begins.
    """
    if forget is None:
        hint = "--forget where nothing was spent before, --keep to stay closed until the next period"
        raise UsageError("say what becomes of what was spent before", hint=hint)
    from headwater.control.budget import open_store

    store = open_store(budgets or settings_of(folder).budgets, folder)
    try:
        if hasattr(store, "set_up"):
            store.set_up()
        store.begin(fresh=forget)
    except Exception as error:  # a client's own words may name its password
        if isinstance(error, HeadwaterError):
            raise
        what = f"the store can't be begun ({type(error).__name__})"
        raise HeadwaterError(what, hint=_REACH) from None
    finally:
        store.close()
    terminal.out(
        "begun: what was spent before is forgotten\n" if forget else "begun: closed until the next period\n"
    )
    return 0


@command.command()
@click.argument("account", required=False)
@_at
@at_gateway
@limit
@as_json
@manners
def show(
    terminal: Terminal, *, account: str | None, budgets: str | None, folder: Path, limit: int, as_json: bool
) -> int:
    """Show how every limit of ACCOUNT stands; without it, the budgets that gateway.toml sets.

    What is left is what the store has now: what running gateways hold in leases counts as used, and comes back where
    it isn't. Of a rate that several processes share a part is kept back. Rates of a gateway that is one process are
    counted there, and no store knows them. Budgets of networks are nobody's, and are left out.
    """
    settings = settings_of(folder)
    if account is None:
        return _configured(terminal, settings, limit, as_json)
    found = _balances(account, folder, settings, counting_of(folder, settings, budgets))
    if as_json:
        import msgspec

        terminal.json([msgspec.to_builtins(one) for one in found])
        return 0
    from headwater.report import Column

    columns = [Column("limit", "name"), Column("of"), Column("at most", "number"), Column("left", "number")]
    columns += [Column("full (UTC)", minor=True)]
    cells = [[_named(one), _whose(one), _most(one), _left(one), _again(one)] for one in found]
    draw(terminal, columns, cells, below=_said(found), limit=limit)
    return 0


def _balances(account: str, folder: Path, settings: GatewaySettings, counting: Counting) -> list[Balance]:
    from headwater.casework import StandingsReader
    from headwater.cli import identities
    from headwater.control import Stands, balances
    from headwater.control.budget import StoreGone, open_to_look
    from headwater.control.identity import open_identity
    from headwater.gateway.composition import IDENTITY

    at_us, stands = now_us(), Stands()
    if book := casebook_of(folder, settings):
        with StandingsReader(*book) as reader:
            stands = (reader.read(at_us) or {}).get(account, stands)
    store = open_to_look(counting.store, folder, at_us, durable=counting.durable)
    try:
        with open_identity(folder / IDENTITY, identities.settings_of(folder / IDENTITY)) as identity:
            return balances(counting, identity, account, stands, store)
    except StoreGone as gone:
        raise HeadwaterError(f"the store of budgets can't be read ({gone})", hint=_REACH) from None
    finally:
        store.close()


def _configured(terminal: Terminal, settings: GatewaySettings, limit: int, as_json: bool) -> int:
    import msgspec

    own = settings.control.budgets
    if as_json:
        terminal.json([msgspec.to_builtins(one) for one in own])
        return 0
    from headwater.report import Column

    columns = [Column("budget", "name"), Column("kind"), Column("of each"), Column("at most", "number")]
    columns += [Column("store gone", minor=True), Column("only", minor=True)]
    cells: list[list[Any]] = []
    for one in own:
        fails = "refuses" if one.budget().closed else "serves"
        only = f"{len(one.only)} named" if one.only else "all"
        cells.append([one.name, one.kind.value, one.scope.value, _per(one.limit, one.per), fails, only])
    below = [] if own else ["gateway.toml sets no budgets beside the tiers' limits"]
    draw(terminal, columns, cells, below=below, limit=limit)
    return 0


def _named(one: Balance) -> str:
    return one.name if one.of != "step" else f"{one.name} (a step's)"


def _whose(one: Balance) -> str:
    return f"{one.scope} {one.key}".strip() if one.of == "own" else "tier" if one.of == "tier" else "casebook"


def _most(one: Balance) -> str:
    return _per(one.limit, one.per)


def _per(limit: int, per: str) -> str:
    return f"{limit:,}" if per == "none" else f"{limit:,}/{per}"


def _left(one: Balance) -> str:
    return "?" if one.left is None else f"{one.left:,}"


def _again(one: Balance) -> str:
    """When all of it is there again: a time in UTC, or in how many seconds."""
    if one.resets_us is None:
        return "never" if not one.limit else "-"
    if one.resets_us >= _FAR_US:
        return moment(now_us() + one.resets_us)[5:]
    return f"in {-(-one.resets_us // 1_000_000)} s" if one.resets_us else "now"


def _said(found: list[Balance]) -> list[str]:
    """What the table leaves open."""
    told = [] if found else ["no limits"]
    if any(one.left is None for one in found):
        told.append("? a gateway of one process counts its rates itself: no store knows them")
    if any(one.per == "none" and one.limit for one in found):
        told.append("- what runs at once comes back when requests end")
    return told
