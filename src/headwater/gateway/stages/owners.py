"""Whose files, batches and stored responses are whose: a model server behind one key can't tell its clients apart.

Kept in a file of the gateway's folder, written in a thread of its own; what was said in this process is known at once,
what another said once it is written. An object that nobody is known to own is nobody's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from headwater.store import Migration, Store

MIGRATIONS: Final = (
    Migration(
        "objects",
        1,
        """
        CREATE TABLE objects (
            id TEXT PRIMARY KEY,
            account TEXT NOT NULL,
            kind TEXT NOT NULL,
            batch TEXT NOT NULL,
            at_us INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX objects_at ON objects (at_us);
        """,
    ),
)
_KNOWN: Final = 65_536
#: Stored responses are kept upstream for 30 days, files and batches until they are deleted.
_RESPONSES_US: Final = 31 * 86_400_000_000
_SWEEP_EVERY: Final = 10_000


class Owned(NamedTuple):
    """An object upstream. `kind`: file, batch, results or response; `batch`: our name of the batch that it's about."""

    account: str
    kind: str
    batch: str = ""


class Owners:
    """Who owns what, in one event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "owners")
        self._store = self._thread.submit(Store.open, path, MIGRATIONS)
        self._store.result()
        self._known: dict[str, Owned] = {}
        self._waiting: list[tuple[str, Owned, int]] = []
        self._writing: asyncio.Task[None] | None = None
        self._written = 0

    def own(self, name: str, owned: Owned, at_us: int) -> asyncio.Future[None]:
        """Say whose an object is; done once it is on the disk."""
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[name] = owned
        self._waiting.append((name, owned, at_us))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())
        return self._writing

    def known(self, name: str) -> Owned | None:
        """Whose an object is, as far as this process has heard."""
        return self._known.get(name)

    async def of(self, name: str) -> Owned | None:
        """Whose an object is."""
        found = self._known.get(name)
        if found is None:
            found = await self._asked(partial(_read, name=name))
            if found is not None:
                self._known[name] = found
        return found

    async def stop(self) -> None:
        """Write what waits, and close the file."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._asked(Store.close)
        self._thread.shutdown()

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # what is said in the same turn is written together
            rows, self._waiting = self._waiting, []
            await self._asked(partial(_wrote, rows=rows))
            self._written += len(rows)
            if self._written >= _SWEEP_EVERY:
                self._written = 0
                before = rows[-1][2] - _RESPONSES_US
                await self._asked(partial(_swept, before_us=before))

    async def _asked(self, ask: Callable[[Store], Any]) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: ask(self._store.result()))


def _read(store: Store, name: str) -> Owned | None:
    with store.read() as tx:
        row = tx.row("SELECT account, kind, batch FROM objects WHERE id = ?", (name,))
    return None if row is None else Owned(*row)


def _wrote(store: Store, rows: list[tuple[str, Owned, int]]) -> None:
    # Whose an object is doesn't change: a server that gives one name twice gives nobody what was another's.
    sql = "INSERT INTO objects VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
    with store.write() as tx:
        tx.many(sql, [(name, *owned, at_us) for name, owned, at_us in rows])


def _swept(store: Store, before_us: int) -> None:
    with store.write() as tx:
        tx.run("DELETE FROM objects WHERE kind = 'response' AND at_us < ?", (before_us,))
