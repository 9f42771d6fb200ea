"""`headwater budget`: the store that budgets are kept in: begun, and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headwater.cli.options import HELP, PATH, manners
from headwater.cli.terminal import Terminal
from headwater.errors import HeadwaterError, UsageError, Where


@click.group(context_settings=HELP)
def command() -> None:
    """Look after budgets: where what is left of them is kept."""


_at = click.option(
    "--budgets",
    envvar="HEADWATER_GATEWAY_BUDGETS",
    metavar="URL",
    help="redis://… or postgresql://…, as the folder's settings say if left out; also HEADWATER_GATEWAY_BUDGETS.",
)
_folder = click.option(
    "--folder",
    type=PATH,
    default=Path("gateway"),
    show_default=True,
    envvar="HEADWATER_GATEWAY",
    metavar="DIR",
    help="The gateway's folder; also HEADWATER_GATEWAY.",
)


@command.command()
@_at
@_folder
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
    store = _opened(budgets or _set(folder), folder)
    try:
        if hasattr(store, "set_up"):
            store.set_up()
        store.begin(fresh=forget)
    except Exception as error:  # a client's own words may name its password
        if isinstance(error, HeadwaterError):
            raise
        what = f"the store can't be begun ({type(error).__name__})"
        raise HeadwaterError(what, hint="see that it can be reached, with this user and password") from None
    finally:
        store.close()
    terminal.out(
        "begun: what was spent before is forgotten\n" if forget else "begun: closed until the next period\n"
    )
    return 0


def _set(folder: Path) -> str:
    from headwater.cli.serve import settings_of

    return settings_of(folder).budgets


def _opened(budgets: str, folder: Path) -> Any:
    from headwater.control.budget import PostgresStore, RedisStore, SqliteStore

    if budgets == "node":
        return SqliteStore(folder / "budgets.sqlite")
    if budgets.startswith(("redis://", "rediss://", "unix://")):
        return RedisStore(budgets)
    if budgets.startswith(("postgres://", "postgresql://")):
        return PostgresStore(budgets)
    hint = "node, redis://HOST/0 or postgresql://HOST/DATABASE"
    raise UsageError("names no store of budgets", where=Where(field="budgets"), hint=hint)
