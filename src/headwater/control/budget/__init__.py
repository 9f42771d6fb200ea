"""Budgets that can't be overrun, also by many replicas: the hot path of rate control, as pure steps.

`kinds` says what can be limited, `budgets` admits, refuses or names what has to be leased, `upkeep` goes on without
requests, `lease` is what is said to a store, `granting` what a store does with it, and `looking` shows people what is
left. `stores` has the stores, each imported where it is used. Nothing here reads a clock or waits, but the stores.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headwater.control.budget.budgets import Budgets, Refill, Reservation
from headwater.control.budget.calendar import Per
from headwater.control.budget.cells import Cell, Cells
from headwater.control.budget.kinds import (
    KINDS,
    NOBODY,
    Amounts,
    Budget,
    Fails,
    Kind,
    Scope,
    Seen,
    Shape,
    Sight,
    Taken,
)
from headwater.control.budget.lease import Answer, Ask, Store, StoreGone
from headwater.control.budget.looking import ask_nothing, kind_of, named, open_store, open_to_look
from headwater.control.budget.pots import shared_rate
from headwater.control.budget.refusal import Refused, Standing, Why
from headwater.control.budget.stores.memory import MemoryStore
from headwater.control.budget.upkeep import Upkeep, leaving, tick

if TYPE_CHECKING:
    from headwater.control.budget.stores.postgres import PostgresStore
    from headwater.control.budget.stores.postgres_async import AsyncPostgresStore
    from headwater.control.budget.stores.redis import RedisStore
    from headwater.control.budget.stores.redis_async import AsyncRedisStore
    from headwater.control.budget.stores.sqlite import SqliteStore

__all__ = [
    "KINDS",
    "NOBODY",
    "Amounts",
    "Answer",
    "Ask",
    "AsyncPostgresStore",
    "AsyncRedisStore",
    "Budget",
    "Budgets",
    "Cell",
    "Cells",
    "Fails",
    "Kind",
    "MemoryStore",
    "Per",
    "PostgresStore",
    "RedisStore",
    "Refill",
    "Refused",
    "Reservation",
    "Scope",
    "Seen",
    "Shape",
    "Sight",
    "SqliteStore",
    "Standing",
    "Store",
    "StoreGone",
    "Taken",
    "Upkeep",
    "Why",
    "ask_nothing",
    "kind_of",
    "leaving",
    "named",
    "open_store",
    "open_to_look",
    "shared_rate",
    "tick",
]

#: Stores that need a client or a file are loaded where they are used.
_STORES = {
    "AsyncPostgresStore": "postgres_async",
    "AsyncRedisStore": "redis_async",
    "PostgresStore": "postgres",
    "RedisStore": "redis",
    "SqliteStore": "sqlite",
}


def __getattr__(name: str) -> Any:
    if name in _STORES:
        return getattr(import_module(f"headwater.control.budget.stores.{_STORES[name]}"), name)
    raise AttributeError(f"module 'headwater.control.budget' has no attribute {name!r}")
