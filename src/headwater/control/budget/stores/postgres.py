"""PostgreSQL as the store, for callers that may wait; the extra is `headwater[postgres]`.

What was granted is committed before it is answered, so that a restart forgets nothing (unless synchronous_commit is
off or a standby without it takes over, which this doesn't see: then `begin` a new epoch).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from headwater.control.budget.lease import Answer, Ask, StoreGone
from headwater.control.budget.stores import postgres_wire as wire
from headwater.errors import UsageError

_TIMEOUT_S = 2


class PostgresStore:
    """`conninfo`: as `psycopg.connect` takes it. Connects when it is first used, and again after a fault."""

    def __init__(self, conninfo: str, *, timeout_s: int = _TIMEOUT_S) -> None:
        try:
            import psycopg
        except ImportError:
            raise UsageError(
                "budgets in PostgreSQL need its client", hint="pip install 'headwater[postgres]'"
            ) from None
        self._conninfo, self._timeout_s = conninfo, timeout_s
        self._faults = (psycopg.Error, OSError)
        self._connection: Any = None
        self._sweeping = wire.Sweeping()

    def set_up(self) -> None:
        """Make the tables where they aren't there."""
        self._transaction([(each, ()) for each in wire.TABLES])

    def begin(self, *, fresh: bool) -> None:
        """See `Store`."""
        forget: list[tuple[str, tuple[Any, ...]]] = [(wire.FORGET, ())] if fresh else []
        self._transaction([*forget, (wire.BEGIN, (fresh,))])

    def exchange(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`."""
        if not asks:
            return []
        try:
            connection = self._connected()
            with connection.transaction(), connection.cursor() as cursor:
                rows = cursor.execute(wire.LOCK, (wire.cells(asks),)).fetchall()
                answers, written = wire.stepped(replica, asks, rows)
                cursor.execute(wire.WRITE, written)
        except self._faults as error:
            self.close()
            raise StoreGone(type(error).__name__) from error
        except StoreGone:
            self.close()
            raise
        self._swept(written[2][0])
        return answers

    def look(self, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`."""
        if not asks:
            return []
        try:
            rows = self._connected().execute(wire.LOOK, (wire.cells(asks),)).fetchall()
            return wire.looked(asks, rows)
        except self._faults as error:
            self.close()
            raise StoreGone(type(error).__name__) from error

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*self._faults):
                connection.close()

    def _swept(self, now_us: int) -> None:
        """Sweep where it is time. What was answered stands, whatever becomes of it."""
        due = self._sweeping.due(now_us)
        if due is None:
            return
        try:
            self._sweeping.swept(self._connected().execute(wire.SWEEP, due).fetchone())
        except self._faults:
            self.close()

    def _transaction(self, statements: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        try:
            connection = self._connected()
            with connection.transaction():
                for sql, params in statements:
                    connection.execute(sql, params)
        except self._faults as error:
            self.close()
            raise StoreGone(type(error).__name__) from error

    def _connected(self) -> Any:
        if self._connection is None:
            import psycopg

            self._connection = psycopg.connect(
                self._conninfo,
                autocommit=True,
                connect_timeout=self._timeout_s,
                options=f"-c statement_timeout={self._timeout_s * 1000} -c lock_timeout={self._timeout_s * 1000}",
            )
        return self._connection
