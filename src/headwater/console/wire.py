"""What bounds a connection before there is a request: how many there are, and how long a head may take to arrive.

uvicorn counts time between requests only (its `timeout_keep_alive`), and a client that sends a byte now and then holds
a connection for ever. Bodies are bounded by `front`.
"""

from __future__ import annotations

import asyncio
import uuid

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from headwater.console.problem import MEDIA_TYPE, of_status


def bounded(most: int, head_s: float) -> type[asyncio.Protocol]:
    """The protocol of a server that holds at most `most` connections and waits `head_s` seconds for a head."""

    class Bounded(H11Protocol):
        """HTTP/1.1 of uvicorn on h11, with a deadline for each head."""

        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            if len(self.connections) > most:
                transport.abort()
                return
            self._arm()

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.conn.their_state is h11.IDLE:
                self._arm()
            super().data_received(data)

        def handle_events(self) -> None:
            super().handle_events()
            if self.conn.their_state is not h11.IDLE:
                self._disarm()

        def send_400_response(self, msg: str) -> None:
            problem = of_status(400)
            self._answer(problem.status, problem.body(uuid.uuid4().urn))

        def _answer(self, status: int, body: bytes) -> None:
            headers = [
                ("content-type", MEDIA_TYPE),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                for event in (
                    h11.Response(status_code=status, headers=headers),
                    h11.Data(data=body),
                    h11.EndOfMessage(),
                ):
                    self.transport.write(self.conn.send(event))
            self.transport.close()

        def _arm(self) -> None:
            if self._deadline is None:
                self._deadline = self.loop.call_later(head_s, self._late)

        def _disarm(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _late(self) -> None:
            self.transport.abort()

    return Bounded
