"""PostgreSQL as the store, for doors on asyncio; see `postgres`. Use from one task at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from headwater.control.budget.lease import Answer, Ask, StoreGone
from headwater.control.budget.stores import postgres_wire as wire
from headwater.errors import UsageError

_TIMEOUT_S = 2


class AsyncPostgresStore:
    """As `PostgresStore`, with `await`; set up and begun through that one."""

    def __init__(self, conninfo: str, *, timeout_s: int = _TIMEOUT_S) -> None:
        try:
            import psycopg
        except ImportError:
            raise UsageError(
                "budgets in PostgreSQL need its client", hint="pip install 'headwater[postgres]'"
            ) from None
        self._conninfo, self._timeout_s = conninfo, timeout_s
        self._faults = (psycopg.Error, OSError, TimeoutError)
        self._connection: Any = None
        self._sweeping = wire.Sweeping()

    async def exchange(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`."""
        from asyncio import timeout

        if not asks:
            return []
        try:
            async with timeout(self._timeout_s):
                answers, now_us = await self._exchanged(replica, asks)
        except (*self._faults, StoreGone) as error:
            await self.close()
            raise StoreGone(str(error) if isinstance(error, StoreGone) else type(error).__name__) from error
        await self._swept(now_us)
        return answers

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*self._faults):
                await connection.close()

    async def _swept(self, now_us: int) -> None:
        """Sweep where it is time. What was answered stands, whatever becomes of it."""
        from asyncio import timeout

        due = self._sweeping.due(now_us)
        if due is None:
            return
        try:
            async with timeout(self._timeout_s):
                done = await self._connection.execute(wire.SWEEP, due)
                self._sweeping.swept(await done.fetchone())
        except self._faults:
            await self.close()

    async def _exchanged(self, replica: str, asks: Sequence[Ask]) -> tuple[list[Answer], int]:
        if self._connection is None:
            import psycopg

            self._connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
        connection = self._connection
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.execute(wire.LOCK, (wire.cells(asks),))
            answers, written = wire.stepped(replica, asks, await cursor.fetchall())
            await cursor.execute(wire.WRITE, written)
        return answers, written[2][0]
