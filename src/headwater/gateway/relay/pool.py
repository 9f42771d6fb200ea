"""Connections to the upstream: kept for a while, opened when needed, bounded, and waited for in order."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import TYPE_CHECKING

from headwater.gateway.relay.upstream import Upstream, UpstreamConnection
from headwater.gateway.settings import RelaySettings

if TYPE_CHECKING:
    from headwater.gateway.relay.clock import Clock
    from headwater.gateway.relay.cork import Cork
    from headwater.gateway.relay.exchange import RelayedExchange


class Pool:
    """All connections of a worker to one upstream. The one used last is used first, so that the rest may end."""

    def __init__(
        self,
        upstream: Upstream,
        settings: RelaySettings,
        clock: Clock,
        cork: Cork,
        context: ssl.SSLContext | None,
    ) -> None:
        self._upstream = upstream
        self._settings = settings
        self._limits = settings.response_limits
        self._clock = clock
        self._cork = cork
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._free: list[UpstreamConnection] = []
        self._all: set[UpstreamConnection] = set()
        self._opening: dict[RelayedExchange, asyncio.Task[None]] = {}
        self._waiting: deque[RelayedExchange] = deque()
        clock.each_look.append(self._prune)

    @property
    def count(self) -> int:
        """How many connections there are, free ones among them."""
        return len(self._all)

    def ask(self, exchange: RelayedExchange, *, fresh: bool = False) -> None:
        """Get a connection for an exchange: `exchange.connected` is called, at once if one is free.

        `fresh`: not one that was used before. `exchange.unconnected` is called where none can be had.
        """
        while self._free and not fresh:
            connection = self._free.pop()
            if not connection.transport.is_closing():
                exchange.connected(connection)
                return
        exchange.door.limit(self._settings.connect_s)
        if len(self._all) + len(self._opening) < self._settings.upstream_connections:
            self._opening[exchange] = self._loop.create_task(self._open(exchange))
        elif len(self._waiting) < self._settings.upstream_waiting:
            self._waiting.append(exchange)
        else:
            exchange.unconnected(full=True)

    def give_up(self, exchange: RelayedExchange) -> None:
        """The exchange needs no connection any more."""
        task = self._opening.pop(exchange, None)
        if task is not None:
            task.cancel()
            self._next()
        elif exchange in self._waiting:
            self._waiting.remove(exchange)

    def release(self, connection: UpstreamConnection) -> None:
        """A connection is free again: the next that waits has it."""
        if self._waiting:
            self._waiting.popleft().connected(connection)
            return
        connection.free_since = self._clock.now
        self._free.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """A connection has ended, or can't be used again."""
        self._all.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        self._next()

    def close(self) -> None:
        """End all connections."""
        for task in self._opening.values():
            task.cancel()
        for connection in [*self._all]:
            connection.transport.abort()

    def _next(self) -> None:
        room = self._settings.upstream_connections - len(self._all) - len(self._opening)
        if self._waiting and room > 0:
            exchange = self._waiting.popleft()
            self._opening[exchange] = self._loop.create_task(self._open(exchange))

    async def _open(self, exchange: RelayedExchange) -> None:
        name = self._upstream.host if self._context is not None else None
        try:
            async with asyncio.timeout(self._settings.connect_s):
                _, connection = await self._loop.create_connection(
                    lambda: UpstreamConnection(self, self._limits, self._cork, tls=self._context is not None),
                    self._upstream.host,
                    self._upstream.port,
                    ssl=self._context,
                    server_hostname=name,
                )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            if self._opening.pop(exchange, None) is not None:
                exchange.unconnected(slow=isinstance(error, TimeoutError))
            self._next()
            return
        wanted = self._opening.pop(exchange, None) is not None
        if connection.lost:
            if wanted:
                exchange.unconnected()
            return
        self._all.add(connection)
        if wanted:
            exchange.connected(connection)
        else:
            self.release(connection)

    def _prune(self, time: float) -> None:
        """End connections that were free for long; they lie in the order of their last use."""
        kept = self._settings.upstream_keep_s
        while self._free and self._free[0].free_since + kept <= time:
            connection = self._free.pop(0)
            connection.transport.close()
