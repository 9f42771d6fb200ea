"""The store that budgets are leased from, as one event loop drives it; chosen by the setting `budgets`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from headwater.control.budget import Answer, Ask, Store
from headwater.errors import ConfigurationError, Where
from headwater.gateway.stages.leases import AsyncStore


class InThread:
    """A store that waits for its disk, in a thread of its own."""

    def __init__(self, make: Callable[[], Any]) -> None:
        """`make` is called in that thread, and may raise what its store raises; `ready` waits for it."""
        self._thread = ThreadPoolExecutor(1, "budgets")
        self._made = self._thread.submit(make)

    async def exchange(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._asked, replica, asks)

    async def close(self) -> None:
        """Close it where it was opened."""
        await asyncio.get_running_loop().run_in_executor(self._thread, lambda: self._made.result().close())
        self._thread.shutdown()

    def ready(self) -> None:
        """Wait until it is open; raises where it can't be."""
        self._made.result()

    def _asked(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        store: Store = self._made.result()
        return store.exchange(replica, asks)


def store_of(budgets: str, folder: Path, *, durable: bool = False) -> AsyncStore:
    """The store that `budgets` names: a URL of Redis or PostgreSQL, or `node`, a file in `folder`.

    Raises `ConfigurationError` where it names none, `UsageError` where its client isn't installed.
    """
    if budgets.startswith(("redis://", "rediss://", "unix://")):
        from headwater.control.budget import AsyncRedisStore

        return AsyncRedisStore(budgets, durable=durable)
    if budgets.startswith(("postgres://", "postgresql://")):
        from headwater.control.budget import AsyncPostgresStore

        return AsyncPostgresStore(budgets)
    if budgets != "node":
        hint = "node, redis://HOST/0 or postgresql://HOST/DATABASE"
        raise ConfigurationError("names no store of budgets", where=Where(field="budgets"), hint=hint)
    from headwater.control.budget import SqliteStore

    store = InThread(lambda: SqliteStore(folder / "budgets.sqlite"))
    store.ready()
    return store
