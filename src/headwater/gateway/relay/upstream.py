"""One connection to a model server: what comes is read and handed to the exchange that uses the connection.

Whether a request may be sent a second time is decided from what the kernel knows: see `UpstreamConnection.untouched`.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headwater.errors import ConfigurationError
from headwater.gateway.relay.cork import Cork, Writing
from headwater.gateway.wire.head import ResponseHead
from headwater.gateway.wire.limits import WireLimits
from headwater.gateway.wire.reader import END, ResponseReader
from headwater.gateway.wire.states import DONE

if TYPE_CHECKING:
    from headwater.gateway.relay.exchange import RelayedExchange
    from headwater.gateway.relay.pool import Pool

_URL: Final = re.compile(
    r"(https?)://([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?((?:/[A-Za-z0-9._~-]+)*)/?"
)
#: Where `struct tcp_info` of Linux keeps tcpi_bytes_acked, since 4.1; see include/uapi/linux/tcp.h.
_BYTES_ACKED: Final = 120
_TCP_INFO: Final = getattr(socket, "TCP_INFO", None)


@dataclass(frozen=True)
class Upstream:
    """A model server: scheme, host, port, and the path that stands before the routes'."""

    tls: bool
    host: str
    port: int
    base: bytes = b""

    @classmethod
    def parse(cls, url: str) -> Upstream:
        """The upstream of `http://host[:port][/base]` or `https://…`; `ConfigurationError` where it isn't one."""
        found = _URL.fullmatch(url)
        if found is None or not 0 < int(found[3] or 1) < 65_536 or "/.." in url or "/./" in url:
            raise ConfigurationError(
                "not an upstream", hint="http://host:port or https://host:port, without user or query"
            )
        if found[4].endswith("/v1"):  # as clients' base URLs do
            raise ConfigurationError("ends in /v1, with which the paths begin already", hint="leave /v1 out")
        tls = found[1] == "https"
        return cls(tls, found[2].strip("[]"), int(found[3] or (443 if tls else 80)), found[4].encode())

    @property
    def authority(self) -> bytes:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}").encode()


#: For what has no model server: a request that slipped through would end here (RFC 6761 §6.4).
NOWHERE: Final = Upstream(tls=False, host="nowhere.invalid", port=9)


class UpstreamConnection(Writing):
    """One connection, used by one exchange at a time."""

    def __init__(self, pool: Pool, limits: WireLimits, cork: Cork, *, tls: bool) -> None:
        self._cork = cork
        self._out: list[bytes] = []
        self._pool = pool
        self._tls = tls
        self._acked = -1  # what was acknowledged before this request
        self._seen_untouched = False
        self._held = False
        self.reader = ResponseReader(limits)
        self.exchange: RelayedExchange | None = None
        #: Whether it has answered a request before.
        self.reused = False
        #: Whether any byte came since the request.
        self.answered = False
        #: Bytes of requests before this one, and of this one.
        self.written_before = 0
        self.written = 0
        self.free_since = 0.0
        self.lost = False

    # What exchanges and the pool call.

    def begin(self, exchange: RelayedExchange, method: bytes) -> None:
        """Serve one exchange from now on."""
        self.exchange = exchange
        self.answered = False
        self.written_before += self.written
        self.written = 0
        if self._tls and self.reused:
            self._acked = self._bytes_acked()
        self.reader.answers(method)

    def write(self, data: bytes) -> None:
        """Send some of the request."""
        self.written += len(data)
        self.put(data)

    def write_all(self, pieces: list[bytes]) -> None:
        """Send pieces of the request that belong together."""
        self.written += sum(map(len, pieces))
        self.put_all(pieces)

    def hold(self, hold: bool) -> None:
        """Read the server no further, or read on."""
        if hold is not self._held and not self.lost and not self.transport.is_closing():
            self._held = hold
            if hold:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def end(self) -> bool:
        """The response is whole; whether the connection can serve another exchange."""
        self.exchange = None
        if self._held:
            self.hold(False)
        if self.lost or self.transport.is_closing() or self.reader.held or self.reader.state is not DONE:
            return False  # more came than was asked for: whose answer would it be?
        self.reader.next_message()
        self.reused = True
        return True

    def abort(self) -> None:
        """End the connection now; the upstream learns that nobody waits for its answer."""
        self.exchange = None
        self._out = []
        self.transport.abort()

    @property
    def untouched(self) -> bool:
        """Whether no byte of this request can have been read by the server.

        A pooled connection may be closed by the server while a request is on its way. A server reads only what its
        kernel has acknowledged, so if nothing of the request was, nothing of it was processed, and it may be sent
        again on another connection, whatever its method (RFC 9110 §9.2.2: "a means to detect that the original
        request was never applied"). Where the kernel can't be asked, the answer is no.
        """
        return not self.answered and (not self.written or self._seen_untouched or self._nothing_acked())

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected (and verified, with TLS)."""
        self.transport = transport  # type: ignore[assignment]
        if not self._tls:
            self._acked = self._bytes_acked()  # counts from the handshake; ours is what comes on top

    def data_received(self, data: bytes) -> None:
        """Some of the response. A server that speaks without being asked is hung up on."""
        exchange = self.exchange
        if exchange is None or (self._out and self._unasked()):
            self._pool.forget(self)
            self._out = []
            self.transport.abort()
            return
        self.answered = True
        events = self.reader.feed(data)
        if len(events) == 3:
            if exchange.whole_response(events):
                return
            head, body, end = events
            if end is END and isinstance(head, ResponseHead) and isinstance(body, bytes):
                exchange.keep_whole(head, body)
                exchange.relay.turn.answer(exchange)
                return
        if events:
            exchange.response(events)

    def eof_received(self) -> None:
        """The server sends no more; the loop closes the connection then."""
        self._seen_untouched = self.exchange is not None and not self.answered and self._nothing_acked()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended."""
        self.lost = True
        self._pool.forget(self)
        exchange, self.exchange = self.exchange, None
        if exchange is None:
            return
        whole, exchange.whole = exchange.whole, None
        if whole is not None:  # it came before the end did
            self.exchange = exchange
            exchange.response([*whole, END])
            return
        events = self.reader.closed() if error is None and self.answered else []
        if events:
            self.exchange = exchange
            exchange.response(events)
        else:
            exchange.upstream_lost(self)

    def pause_writing(self) -> None:
        """The server reads too slowly."""
        if self.exchange is not None:
            self.exchange.upstream_full()

    def resume_writing(self) -> None:
        """The server has read on."""
        if self.exchange is not None:
            self.exchange.upstream_ready_for_more()

    def _unasked(self) -> bool:
        """Whether nothing of the request has left yet: what comes now answers no question, least of all this one."""
        if self.answered or sum(map(len, self._out)) < self.written:
            return False
        self._seen_untouched = True
        return True

    def _nothing_acked(self) -> bool:
        if self._acked < 0:
            return False
        acked = self._bytes_acked()
        before = self._acked if self._tls else self._acked + self.written_before
        return 0 <= acked <= before

    def _bytes_acked(self) -> int:
        """Bytes of ours that the server's kernel has acknowledged; -1 where that can't be known."""
        own: Any = self.transport.get_extra_info("socket")
        if _TCP_INFO is None or own is None:
            return -1
        try:
            told = own.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 256)
        except OSError:
            return -1
        if len(told) < _BYTES_ACKED + 8:
            return -1
        acked: int = struct.unpack_from("=Q", told, _BYTES_ACKED)[0]
        return acked
