"""What can be done within one transaction: statements, compare-and-swap, and messages for the rooms above (outbox)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from headwater.errors import ConflictError
from headwater.store.wording import worded

Params: TypeAlias = Sequence[Any] | Mapping[str, Any]

_ONE = 1


class Waiting(NamedTuple):
    """A message in the outbox; `id` counts upwards in the order in which they were written, and never comes again."""

    id: int
    topic: str
    subject: str
    payload: bytes
    at_us: int


class Transaction:
    """An open transaction, to be passed on; it ends with the `with` that began it, and can't be used after that."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._open: sqlite3.Connection | None = connection
        self._path = path

    def run(self, sql: str, params: Params = ()) -> int:
        """Run one statement; the number of rows that it changed."""
        with worded(self._path):
            return self._connection.execute(sql, params).rowcount

    def many(self, sql: str, params: Iterable[Params]) -> None:
        """Run one statement for each of `params`."""
        with worded(self._path):
            self._connection.executemany(sql, params)

    def rows(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows that a statement gives."""
        with worded(self._path):
            return self._connection.execute(sql, params).fetchall()

    def row(self, sql: str, params: Params = ()) -> tuple[Any, ...] | None:
        """The first row that a statement gives, or None."""
        with worded(self._path):
            found: tuple[Any, ...] | None = self._connection.execute(sql, params).fetchone()
            return found

    def swap(self, sql: str, params: Params, what: str, hint: str | None = None) -> None:
        """Run an UPDATE that names in its WHERE what was seen before; `ConflictError(what)` where that has changed."""
        if self.run(sql, params) != _ONE:
            raise ConflictError(what, hint=hint)

    def fetch(self, name: str) -> bytes | None:
        """The value of a register, or None where it was never created."""
        found = self.row("SELECT value FROM registers WHERE name = ?", (name,))
        return None if found is None else bytes(found[0])

    def create(self, name: str, value: bytes) -> None:
        """Create a register; `ConflictError` where it exists."""
        sql = "INSERT INTO registers VALUES (?, ?) ON CONFLICT DO NOTHING"
        self.swap(sql, (name, value), f"{name} exists already")

    def replace(self, name: str, old: bytes, new: bytes) -> None:
        """Give a register the value `new` if it still is `old`; `ConflictError` where somebody else was first."""
        sql = "UPDATE registers SET value = ? WHERE name = ? AND value = ?"
        self.swap(sql, (new, name, old), f"{name} was changed by somebody else meanwhile")

    def later(self, topic: str, subject: str, payload: bytes, at_us: int) -> int:
        """Append a message to the outbox, to be read by whoever handles `topic`; its number.

        It is there if and only if this transaction is.
        """
        sql = "INSERT INTO outbox (topic, subject, payload, at_us) VALUES (?, ?, ?, ?) RETURNING id"
        found = self.row(sql, (topic, subject, payload, at_us))
        assert found is not None
        return int(found[0])

    def waiting(self, limit: int, topic: str | None = None) -> list[Waiting]:
        """The oldest messages (of `topic`), at most `limit`, in the order in which they were written."""
        columns = "SELECT id, topic, subject, payload, at_us FROM outbox"
        if topic is None:
            found = self.rows(f"{columns} ORDER BY id LIMIT ?", (limit,))
        else:
            found = self.rows(f"{columns} WHERE topic = ? ORDER BY id LIMIT ?", (topic, limit))
        return list(map(Waiting._make, found))

    def done(self, ids: Iterable[int]) -> None:
        """Take messages out of the outbox, in the transaction that did what they ask for."""
        self.many("DELETE FROM outbox WHERE id = ?", ((one,) for one in ids))

    def end(self) -> None:
        """Called by the store when the transaction is over."""
        self._open = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            raise RuntimeError("the transaction is over")
        return self._open
