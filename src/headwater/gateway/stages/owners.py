"""Whose files, batches and stored responses are whose: a model server behind one key can't tell its clients apart.

Kept in a file of the gateway's folder, written in a thread of its own; what was said in this process is known at once,
what another said once it is written. An object that nobody is known to own is nobody's, and whose one is never changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from headwater.store import Migration, Store

_LOG: Final = logging.getLogger("headwater.gateway")
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
            note TEXT NOT NULL,
            tokens INTEGER NOT NULL,
            at_us INTEGER NOT NULL,
            said BLOB
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX objects_at ON objects (kind, at_us);
        CREATE INDEX objects_of ON objects (account, kind, at_us, id);
        """,
    ),
    Migration(
        "objects",
        2,
        """
        CREATE TABLE charges (
            batch TEXT PRIMARY KEY,
            charge BLOB NOT NULL,
            at_us INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """,
    ),
)
_KNOWN: Final = 65_536
_AT_ONCE: Final = 500
#: Stored responses are kept upstream for 30 days, files and batches until they are deleted.
_RESPONSES_US: Final = 31 * 86_400_000_000
_SWEEP_EVERY: Final = 10_000
#: Statements that are kept while the disk refuses.
_MOST_WAITING: Final = 100_000
_OWN: Final = "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (id) DO NOTHING"
_NOTE: Final = "UPDATE objects SET note = ?, tokens = ? WHERE id = ?"
_SAID: Final = "UPDATE objects SET said = ? WHERE id = ?"
_GONE: Final = "DELETE FROM objects WHERE id = ?"
_OF: Final = "SELECT account, kind, batch, note, tokens FROM objects WHERE id = ?"
_CHARGE: Final = "INSERT INTO charges VALUES (?, ?, ?) ON CONFLICT (batch) DO NOTHING"
#: What a batch was charged comes back within its month, or never.
_CHARGES_US: Final = 31 * 86_400_000_000
_SWEEP_CHARGES: Final = "DELETE FROM charges WHERE at_us < ?"
_SWEEP: Final = "DELETE FROM objects WHERE kind IN ('response', 'item') AND at_us < ?"

Statement = tuple[str, tuple[Any, ...]]


class Owned(NamedTuple):
    """An object upstream.

    `kind`: file, batch (OpenAI's), message_batch (Anthropic's), results (a batch's file), ours (a file that the gateway
    made), response, or item (of a response, or a container). `batch`: our name of the batch or request that it is
    about. `note`: what else must be known of it. `tokens`: of a response with all that it carries on.
    """

    account: str
    kind: str
    batch: str = ""
    note: str = ""
    tokens: int = 0


class Listed(NamedTuple):
    """An object of a list; `said`: the server's words on it, where they won't change any more."""

    id: str
    owned: Owned
    at_us: int
    said: bytes | None


class Owners:
    """Who owns what, in one event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "owners")
        self._store = self._thread.submit(Store.open, path, MIGRATIONS)
        self._store.result()
        self._known: dict[str, Owned] = {}
        #: What isn't on the disk yet.
        self._fresh: dict[str, Owned] = {}
        self._left: set[str] = set()
        self._waiting: list[Statement] = []
        self._round: asyncio.Future[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._written = 0

    def own(self, name: str, owned: Owned, at_us: int) -> asyncio.Future[None]:
        """Say whose a new object is; done once it is on the disk. One that is somebody's stays theirs."""
        if self.known(name) is None:
            self._keep(name, owned)
            self._fresh[name] = owned
            self._left.discard(name)
        elif name not in self._fresh:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        return self._write(_OWN, (name, *owned, at_us))

    def change(self, name: str, owned: Owned) -> asyncio.Future[None]:
        """Say what else is known of an object: its note and its tokens."""
        self._keep(name, owned)
        return self._write(_NOTE, (owned.note, owned.tokens, name))

    def tell(self, name: str, said: bytes) -> None:
        """Keep what the server says of an object, as it won't change any more."""
        self._write(_SAID, (said, name))

    def charge(self, batch: str, charge: bytes, at_us: int) -> None:
        """Keep what a batch was charged; `batch`: our name of it."""
        self._write(_CHARGE, (batch, charge, at_us))

    async def take_charge(self, batch: str) -> bytes | None:
        """What a batch was charged, which is given once; None where that isn't known, or was given before."""
        found: bytes | None = await self._asked(partial(_taken, batch=batch))
        return found

    def gone(self, name: str) -> None:
        """An object isn't there any more."""
        self._known.pop(name, None)
        self._fresh.pop(name, None)
        self._left.add(name)
        self._write(_GONE, (name,))

    def known(self, name: str) -> Owned | None:
        """Whose an object is, as far as this process has heard."""
        return self._known.get(name) or self._fresh.get(name)

    async def of(self, name: str) -> Owned | None:
        """Whose an object is."""
        found = self.known(name)
        if found is None and name and name not in self._left:
            found = await self._asked(partial(_read, name=name))
            found = self.known(name) or (
                None if name in self._left else found
            )  # it may have been said meanwhile
            if found is not None:
                self._keep(name, found)
        return found

    async def all_of(self, names: Sequence[str]) -> list[Owned | None]:
        """Whose several objects are, in their order."""
        unknown = [name for name in names if name and self.known(name) is None and name not in self._left]
        found: dict[str, Owned] = {}
        for at in range(0, len(unknown), _AT_ONCE):
            found.update(await self._asked(partial(_read_all, names=unknown[at : at + _AT_ONCE])))
        for name, owned in found.items():
            if self.known(name) is None and name not in self._left:
                self._keep(name, owned)
        return [self.known(name) or (None if name in self._left else found.get(name)) for name in names]

    async def place(self, account: str, kinds: Sequence[str], name: str) -> tuple[int, str] | None:
        """Where one of the account's objects stands in its list; None where it isn't its own."""
        found: tuple[int, str] | None = await self._asked(
            partial(_placed, account=account, kinds=tuple(kinds), name=name)
        )
        return found

    async def page(
        self,
        account: str,
        kinds: Sequence[str],
        behind: tuple[int, str] | None,
        limit: int,
        *,
        newest: bool = True,
    ) -> list[Listed]:
        """The account's objects behind a place, the newest first or last."""
        found: list[Listed] = await self._asked(
            partial(_paged, account=account, kinds=tuple(kinds), behind=behind, limit=limit, newest=newest)
        )
        return found

    async def stop(self) -> None:
        """Write what waits, and close the file."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._asked(Store.close)
        self._thread.shutdown()

    def _keep(self, name: str, owned: Owned) -> None:
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[name] = owned

    def _write(self, sql: str, params: tuple[Any, ...]) -> asyncio.Future[None]:
        self._waiting.append((sql, params))
        loop = asyncio.get_running_loop()
        if self._round is None:
            self._round = loop.create_future()
        if self._writing is None or self._writing.done():
            self._writing = loop.create_task(self._rounds())
        return self._round

    async def _rounds(self) -> None:
        """Write round by round: what is said while one is written goes into the next."""
        while self._round is not None:
            await asyncio.sleep(0)  # what is said in the same turn is written together
            statements, self._waiting = self._waiting, []
            heard, self._round = self._round, None
            try:
                others = await self._asked(partial(_wrote, statements=statements))
            except Exception as error:
                _LOG.error("whose objects are whose can't be written (%s)", type(error).__name__)
                self._waiting = (statements + self._waiting)[-_MOST_WAITING:]  # with the next round
                heard.set_exception(error)
                heard.exception()  # not everybody waits for it
                continue
            for name, owned in others.items():
                self._keep(name, owned)
            for sql, params in statements:
                if sql is _OWN:
                    self._fresh.pop(params[0], None)
                elif sql is _GONE:
                    self._left.discard(params[0])
            heard.set_result(None)
            await self._swept(statements)

    async def _swept(self, statements: list[Statement]) -> None:
        self._written += len(statements)
        if self._written >= _SWEEP_EVERY:
            self._written = 0
            latest = max((params[-1] for sql, params in statements if sql is _OWN), default=0)
            old = [(_SWEEP, (latest - _RESPONSES_US,)), (_SWEEP_CHARGES, (latest - _CHARGES_US,))]
            await self._asked(partial(_wrote, statements=old))

    async def _asked(self, ask: Callable[[Store], Any]) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: ask(self._store.result()))


def _read(store: Store, name: str) -> Owned | None:
    with store.read() as tx:
        row = tx.row(_OF, (name,))
    return None if row is None else Owned(*row)


def _read_all(store: Store, names: Sequence[str]) -> dict[str, Owned]:
    sql = f"SELECT id, account, kind, batch, note, tokens FROM objects WHERE id IN ({_places(names)})"
    with store.read() as tx:
        return {row[0]: Owned(*row[1:]) for row in tx.rows(sql, tuple(names))}


def _wrote(store: Store, statements: list[Statement]) -> dict[str, Owned]:
    """Run them; what is owned otherwise than was just said: a server may give one name twice."""
    others = {}
    with store.write() as tx:
        for sql, params in statements:
            tx.run(sql, params)
        for sql, params in statements:
            if sql is _OWN:
                row = tx.row(_OF, (params[0],))
                if row is not None and row[0] != params[1]:
                    others[params[0]] = Owned(*row)
    return others


def _taken(store: Store, batch: str) -> bytes | None:
    with store.write() as tx:
        row = tx.row("SELECT charge FROM charges WHERE batch = ?", (batch,))
        tx.run("DELETE FROM charges WHERE batch = ?", (batch,))
    return None if row is None else bytes(row[0])


def _placed(store: Store, account: str, kinds: tuple[str, ...], name: str) -> tuple[int, str] | None:
    sql = f"SELECT at_us, id FROM objects WHERE id = ? AND account = ? AND kind IN ({_places(kinds)})"
    with store.read() as tx:
        found = tx.row(sql, (name, account, *kinds))
    return None if found is None else (int(found[0]), str(found[1]))


def _paged(
    store: Store,
    account: str,
    kinds: tuple[str, ...],
    behind: tuple[int, str] | None,
    limit: int,
    *,
    newest: bool,
) -> list[Listed]:
    order, sign = ("DESC", "<") if newest else ("ASC", ">")
    place = "" if behind is None else f" AND (at_us, id) {sign} (?, ?)"
    sql = (
        "SELECT id, account, kind, batch, note, tokens, at_us, said FROM objects "
        f"WHERE account = ? AND kind IN ({_places(kinds)}){place} ORDER BY at_us {order}, id {order} LIMIT ?"
    )
    with store.read() as tx:
        rows = tx.rows(sql, (account, *kinds, *(behind or ()), limit))
    return [Listed(row[0], Owned(*row[1:6]), row[6], row[7]) for row in rows]


def _places(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
