"""Looking at budgets without taking part: what is left in a store, for people who ask.

A store's `look` answers what it would answer somebody who asks for nothing, and leaves everything as it is. What
replicas hold in leases counts as used there.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from headwater.control.budget.calendar import LENGTH_US
from headwater.control.budget.kinds import Budget, Shape
from headwater.control.budget.lease import Ask
from headwater.control.budget.pots import shared_rate
from headwater.control.budget.stores.memory import MemoryStore
from headwater.errors import ConfigurationError, Where

if TYPE_CHECKING:
    from headwater.control.budget.stores.postgres import PostgresStore
    from headwater.control.budget.stores.redis import RedisStore
    from headwater.control.budget.stores.sqlite import SqliteStore

#: The file of the store `node`, in a gateway's folder.
FILE: Final = "budgets.sqlite"
S = TypeVar("S")


def ask_nothing(budget: Budget, key: str) -> Ask:
    """The message that asks nothing of a budget's cell; `UsageError` where the budget can't be shared."""
    window_us = LENGTH_US[budget.per] or 1
    shared = gcd(budget.limit, window_us)
    capacity, lasts_us = shared_rate(budget) if budget.shape is Shape.RATE else (budget.most, budget.lasts_us)
    return Ask(
        budget.cell(key), budget.shape, budget.per, budget.limit, capacity, budget.limit // shared,
        window_us // shared, lasts_us, 1, 0, 0, 0, 0, 0, 0, "", 0,
    )  # fmt: skip


def open_store(
    budgets: str, folder: Path, *, durable: bool = False
) -> SqliteStore | RedisStore | PostgresStore:
    """The store that the setting `budgets` names: `node` (a file in `folder`), or a URL of Redis or PostgreSQL.

    Raises `ConfigurationError` where it names none, `UsageError` where its client isn't installed.
    """
    kind = kind_of(budgets)
    if kind == "node":
        from headwater.control.budget.stores.sqlite import SqliteStore

        return SqliteStore(folder / FILE)
    if kind == "redis":
        from headwater.control.budget.stores.redis import RedisStore

        return named(lambda: RedisStore(budgets, durable=durable))
    from headwater.control.budget.stores.postgres import PostgresStore

    return named(lambda: PostgresStore(budgets))


def kind_of(budgets: str) -> Literal["node", "redis", "postgres"]:
    """Which kind of store the setting `budgets` names; `ConfigurationError` where it names none."""
    if budgets == "node":
        return "node"
    if budgets.startswith(("redis://", "rediss://", "unix://")):
        return "redis"
    if budgets.startswith(("postgres://", "postgresql://")):
        return "postgres"
    raise _nameless()


def named(make: Callable[[], S]) -> S:
    """A store of a URL; `ConfigurationError` where its client can't read it, whose own words may name a password."""
    try:
        return make()
    except ValueError:
        raise _nameless() from None


def _nameless() -> ConfigurationError:
    hint = "node, redis://HOST/0 or postgresql://HOST/DATABASE"
    return ConfigurationError("names no store of budgets", where=Where(field="budgets"), hint=hint)


def open_to_look(
    budgets: str, folder: Path, at_us: int, *, durable: bool = False
) -> MemoryStore | SqliteStore | RedisStore | PostgresStore:
    """The same, to be looked at only: where there is no file yet, none is made, and nothing was spent."""
    if budgets == "node" and not (folder / FILE).exists():
        return MemoryStore(lambda: at_us, fresh=True)
    return open_store(budgets, folder, durable=durable)
