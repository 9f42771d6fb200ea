"""Metrics on a listener of their own: the same reader of requests as everywhere, one path, and nothing behind it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from headwater.gateway.metrics.board import Board, Row
from headwater.gateway.metrics.page import CONTENT_TYPE, page
from headwater.gateway.metrics.settings import MetricsSettings
from headwater.gateway.relay.relay import Relay
from headwater.gateway.relay.upstream import NOWHERE
from headwater.gateway.routes import Does, Route, Routes
from headwater.gateway.settings import RelaySettings
from headwater.gateway.stage import Answer, Exchange, OnRequest, Passing
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.writer import field

METRICS: Final = Route("GET", "/metrics", Dialect.OWN, Does.READS)
#: Seconds between two times at which a worker shows its figures; those of the worker that is asked are as of now.
_EVERY_S: Final = 1.0
_HEAD: Final = (field(b"Content-Type", CONTENT_TYPE), field(b"Cache-Control", b"no-store"))


def listener(settings: MetricsSettings, workers: int) -> RelaySettings:
    """Where and how metrics are served."""
    own = RelaySettings(host=settings.host, port=settings.port, connections=100, head_bytes=8192)
    return replace(own, workers=workers, drain_s=0.0)


class Showing:
    """One worker's part: it shows its figures to the others, and all of them to who asks it."""

    def __init__(self, board: Board, row: Row, figures: Callable[[], Mapping[str, int]]) -> None:
        """`figures`: the worker's, by key, since it began."""
        self._board, self._row, self._figures = board, row, figures
        self._relay: Relay | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, settings: RelaySettings, own: socket.socket) -> None:
        """Listen on a bound socket, and show what there is from now on."""
        self._relay = Relay(settings, [_Told(self.text)], NOWHERE, Routes(table=(METRICS,)))
        await self._relay.listen(own)
        self._task = asyncio.get_running_loop().create_task(self._shown())

    async def stop(self) -> None:
        """Show the last, and listen no more."""
        if self._task is not None:
            self._task.cancel()
        self._row.show(self._figures())
        if self._relay is not None:
            await self._relay.drain()

    def text(self) -> bytes:
        """The figures of all workers as text."""
        self._row.show(self._figures())
        return page(self._board.total())

    async def _shown(self) -> None:
        while True:
            self._row.show(self._figures())
            await asyncio.sleep(_EVERY_S)


class _Told(Passing):
    """Answers."""

    def __init__(self, text: Callable[[], bytes]) -> None:
        self._text = text

    def on_request(self, exchange: Exchange) -> OnRequest:
        """The page."""
        return Answer(200, _HEAD, self._text())
