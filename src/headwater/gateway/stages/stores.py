"""The store that budgets are leased from, as one event loop drives it; chosen by the setting `budgets`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headwater.control.budget import (
    Answer,
    Ask,
    AsyncPostgresStore,
    AsyncRedisStore,
    RedisStore,
    Store,
    StoreGone,
    kind_of,
    named,
    open_store,
)
from headwater.errors import ConfigurationError, Where
from headwater.gateway.stages.leases import AsyncStore

if TYPE_CHECKING:
    pass

#: Seconds that a store on this machine's disk is waited for.
_PATIENCE_S: Final = 2.0


class InThread:
    """A store that waits for its disk, in a thread of its own."""

    def __init__(self, make: Callable[[], Any], patience_s: float = _PATIENCE_S) -> None:
        """`make` is called in that thread, and may raise what its store raises; `ready` waits for it."""
        self._patience_s = patience_s
        self._thread = ThreadPoolExecutor(1, "budgets")
        self._made = self._thread.submit(make)
        self._under_way: Future[list[Answer]] | None = None

    async def exchange(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`. A disk that hangs is `StoreGone`, too: whatever it still does, a number is answered once."""
        if self._under_way is not None and not self._under_way.done():
            raise StoreGone("the disk still is at the last message")
        self._under_way = self._thread.submit(self._asked, replica, asks)
        answered = asyncio.wrap_future(self._under_way)
        done, _ = await asyncio.wait([answered], timeout=self._patience_s)
        if not done:
            answered.add_done_callback(_heard)
            raise StoreGone("the disk takes too long")
        return answered.result()

    async def close(self) -> None:
        """Close it where it was opened."""
        closed = self._thread.submit(lambda: self._made.result().close())
        await asyncio.wait([asyncio.wrap_future(closed)], timeout=self._patience_s)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def ready(self) -> None:
        """Wait until it is open; raises where it can't be."""
        self._made.result()

    def _asked(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        store: Store = self._made.result()
        return store.exchange(replica, asks)


def _heard(late: asyncio.Future[list[Answer]]) -> None:
    """An answer that nobody waits for any more; what it says is asked for again."""
    if not late.cancelled():
        late.exception()


def check_store(budgets: str, folder: Path, *, durable: bool = False) -> None:
    """See that `store_of` will work, as far as can be known without the store; raises what it does.

    A Redis that knows nothing of before keeps budgets of a day closed until the next one: that is an error, too.
    """
    store = open_store(budgets, folder, durable=durable)
    try:
        begun = store.begun() if isinstance(store, RedisStore) else True
    except StoreGone:  # it may come back; until then each budget fails as it says
        return
    finally:
        store.close()
    if not begun:
        hint = "headwater budget begin --forget where nothing was spent before, else --keep"
        where = Where(field="budgets")
        raise ConfigurationError("the store of budgets hasn't been begun", where=where, hint=hint)


def store_of(budgets: str, folder: Path, *, durable: bool = False) -> AsyncStore:
    """The store that `budgets` names: a URL of Redis or PostgreSQL, or `node`, a file in `folder`.

    `durable`: a Redis that keeps every write over a restart. Raises `ConfigurationError` where it names none,
    `UsageError` where its client isn't installed.
    """
    kind = kind_of(budgets)
    if kind == "redis":
        return named(lambda: AsyncRedisStore(budgets, durable=durable))
    if kind == "postgres":
        return named(lambda: AsyncPostgresStore(budgets))
    store = InThread(lambda: open_store(budgets, folder))
    store.ready()
    return store
