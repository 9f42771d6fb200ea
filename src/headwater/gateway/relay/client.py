"""One client's connection: requests are read one after the other, answered in order, and the connection's end is told.

Requests that come before the last one's answer (pipelining) wait their turn. A client that ends its side is gone, as
nginx has it: it couldn't be told from one that was killed, and a model would go on writing for nobody.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from headwater.gateway.relay.clock import NEVER
from headwater.gateway.relay.cork import Writing
from headwater.gateway.relay.exchange import RelayedExchange
from headwater.gateway.routes import dialect_of
from headwater.gateway.wire.dialect import Dialect
from headwater.gateway.wire.errors import Kind, Problem, render
from headwater.gateway.wire.head import Field, RequestHead
from headwater.gateway.wire.reader import END, Event, RequestReader
from headwater.gateway.wire.refusal import Fault, Refusal
from headwater.gateway.wire.states import DONE, HEAD
from headwater.gateway.wire.writer import field, header_lines, response_head

if TYPE_CHECKING:
    from headwater.gateway.relay.relay import Relay

#: Bytes of further requests that wait in memory; beyond them the client isn't read.
_AHEAD_BYTES: Final = 65_536
_KINDS: Final = {
    400: Kind.INVALID, 413: Kind.TOO_LARGE, 414: Kind.TARGET, 417: Kind.EXPECTATION, 431: Kind.HEAD_TOO_LARGE,
    501: Kind.NOT_IMPLEMENTED, 505: Kind.VERSION,
}  # fmt: skip
#: Answered here, whatever the routes are; no model server is asked.
HEALTH: Final = b"/healthz"
_HEALTH_HEAD: Final = (field(b"Content-Type", b"text/plain"), field(b"Cache-Control", b"no-store"))
_SLOW: Final = Problem(Kind.TIMEOUT, "The request came too slowly.")
_FULL: Final = Problem(Kind.UNAVAILABLE, "The gateway holds all the connections it can.", retry_after_s=1)
_CROWDED: Final = Problem(Kind.RATE_LIMITED, "Too many connections come from this address.", retry_after_s=1)


class ClientConnection(Writing):
    """The relay's side of one client's connection."""

    def __init__(self, relay: Relay) -> None:
        self._cork = relay.cork
        self._out: list[bytes] = []
        self._relay = relay
        self._reader = RequestReader(relay.request_limits)
        self._exchange: RelayedExchange | None = None
        self._pumping = False
        self._closing = False
        self._lingers = -1  # bytes that are still read and thrown away; below zero: none are
        self._held = False
        self.peer: tuple[str, int] = ("", 0)
        self.certificate: dict[str, Any] | None = None
        #: Among which connections it is counted; "": it isn't.
        self.place = ""
        self.deadline = NEVER
        #: Whether the client leaves what is sent to it unread.
        self.full = False

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self.transport = transport  # type: ignore[assignment]
        relay = self._relay
        relay.clock.timed.add(self)
        self.deadline = relay.clock.now + relay.settings.head_s
        told = transport.get_extra_info("peername") or ("", 0)
        self.peer = (str(told[0]), int(told[1])) if isinstance(told, tuple) else (str(told), 0)
        own: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        self.certificate = dict(own.getpeercert() or {}) or None if own is not None else None
        if not relay.client_came(self, self.peer[0]):
            self._problem(
                _FULL if len(relay.clients) > relay.settings.connections else _CROWDED, Dialect.OPENAI
            )
            self.finish()  # it doesn't linger: that would take a place from others

    def data_received(self, data: bytes) -> None:
        """Some bytes of requests."""
        if self._lingers >= 0:
            self._lingers -= len(data)
            if self._lingers < 0:
                self.transport.abort()
            return
        if self._closing:
            return
        events = self._reader.feed(data)
        if len(events) == 3 and events[2] is END:
            self._whole_request(events)
        elif events:
            self._pump(events)
        elif self._exchange is not None:
            if self._reader.held > _AHEAD_BYTES:
                self.hold(True)
        elif self._reader.state is HEAD and self._reader.held == len(data):
            self.limit(self._relay.settings.head_s)  # a head has begun

    def eof_received(self) -> None:
        """The client sends no more: it is gone, and the loop closes the connection."""
        if self._exchange is not None:
            self.transport.abort()
        else:
            self.flush()  # an answer may have been written to what came with the end

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended."""
        self._closing = True
        self._relay.clock.timed.discard(self)
        self._relay.client_lost(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.client_gone()

    def pause_writing(self) -> None:
        """The client reads too slowly: nothing more is read for it, and its time runs."""
        self.full = True
        self.limit(self._relay.settings.stall_s)
        if self._exchange is not None:
            self._exchange.client_full()
        elif not self._closing:
            self.hold(True)

    def resume_writing(self) -> None:
        """The client has read on."""
        self.full = False
        if self._exchange is not None:
            self._exchange.client_ready()
            return
        self.limit(self._relay.settings.keep_alive_s)
        self.hold(False)
        if not self._closing and not self._pumping and self._reader.state is DONE:
            self._pump([])  # what waited for the client to read

    # What the clock calls.

    def expire(self) -> None:
        """A time limit has passed."""
        self.deadline = NEVER
        if self._exchange is not None:
            self._exchange.late()
        elif self._closing or self._lingers >= 0 or self.full:
            self.transport.abort()
        elif self._reader.state is HEAD and self._reader.held:
            self._problem(_SLOW, Dialect.OPENAI)
        else:
            self.close_after()
            self.finish()

    # What the exchange calls.

    def limit(self, seconds: float, most: float = NEVER) -> None:
        """What is waited for must come within `seconds`, and by `most` (the loop's clock)."""
        until = self._relay.clock.now + seconds
        self.deadline = until if until < most else most

    def limit_body(self, length: int) -> None:
        """A body must come within its time: some seconds, and what its length gives it."""
        settings = self._relay.settings
        size = length if length > 0 else settings.buffered_bytes
        self.limit(settings.body_s + size / settings.body_bytes_s)

    @property
    def arrived(self) -> bool:
        """Whether the whole request is here, though the exchange may not have been told yet."""
        return self._reader.state is DONE

    def hold(self, hold: bool) -> None:
        """Read the client no further, or read on."""
        if hold is not self._held and not self.transport.is_closing():
            self._held = hold
            if hold:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def will_close(self) -> bool:
        """Whether the connection ends after this answer, because somebody wants it or the request isn't whole."""
        exchange = self._exchange
        asked = exchange is not None and exchange.head.close
        self._closing = self._closing or asked or self._relay.draining or self._reader.state is not DONE
        return self._closing

    def close_after(self) -> None:
        """The connection ends after what was written."""
        self._closing = True

    def abort(self) -> None:
        """The connection ends now: the client learns that the answer isn't whole."""
        self._closing = True
        self.flush()
        self.transport.abort()

    def exchange_ended(self) -> None:
        """The answer was written, or can't be: read on, or close."""
        self._exchange = None
        relay = self._relay
        if self._closing or relay.draining:
            self._close()
            return
        settings = relay.settings
        self.deadline = relay.clock.now + (settings.stall_s if self.full else settings.keep_alive_s)
        if self.full:
            self.hold(True)  # whoever reads no answers gets no further ones
            return
        if self._held:
            self.hold(False)
        if not self._pumping:
            if self._reader.held or self._reader.state is not DONE:
                self._pump([])
            else:
                self._reader.next_message()

    def stop(self) -> None:
        """No further request is taken; one that is in work goes on."""
        if self._exchange is None:
            self._closing = True
            self.finish()

    def kill(self) -> None:
        """The gateway stops now."""
        if self._exchange is not None:
            self._exchange.stop()
        self.finish()

    # Reading.

    def _pump(self, events: list[Event]) -> None:
        """Work through events, and through the requests that are held once it's their turn."""
        self._pumping = True
        try:
            while True:
                for event in events:
                    self._event(event)
                if self._exchange is not None or self._closing or self._reader.state is not DONE:
                    break
                if self.full:
                    self.hold(True)
                    break
                events = self._reader.next_message()
                if self._reader.held and not events:
                    self.limit(self._relay.settings.head_s)
        finally:
            self._pumping = False

    def _whole_request(self, events: list[Event]) -> None:
        """A request that came in one piece, as most do: what `_pump` does, without going through its events."""
        head, body = events[0], events[1]
        if isinstance(head, RequestHead) and isinstance(body, bytes):
            route = self._relay.routes.find(head.method, head.path)
            if route is not None and route.has_body:
                self._exchange = exchange = RelayedExchange(
                    self._relay, self, route, head, self._relay.plan(route)
                )
                exchange.begin_whole(body)
                return
        self._pump(events)

    def _event(self, event: Event) -> None:
        exchange = self._exchange
        if type(event) is bytes:
            if exchange is not None:
                exchange.request_data(event)
        elif event is END:
            if exchange is not None:
                exchange.request_end()
        elif type(event) is RequestHead:
            self._head(event)
        elif isinstance(event, Refusal):
            self._refused(event.fault)

    def _head(self, head: RequestHead) -> None:
        route = self._relay.routes.find(head.method, head.path)
        if route is None or (head.length and not route.has_body):
            self._no_route(head)
            return
        if self._reader.state is not DONE:
            self.limit_body(head.length)
        self._exchange = RelayedExchange(self._relay, self, route, head, self._relay.plan(route))
        self._exchange.begin()

    def _healthy(self, head: RequestHead) -> None:
        """Whether requests are taken: asked by balancers, without a key. Nothing of it goes upstream, or asks it."""
        close = head.close or self.will_close()
        status, body = (503, b"stopping\n") if self._relay.draining else (200, b"ok\n")
        self._told(status, _HEALTH_HEAD, body, head, close=close)

    def _no_route(self, head: RequestHead) -> None:
        if head.path == HEALTH and head.method in (b"GET", b"HEAD") and not head.length:
            self._healthy(head)
            return
        methods = self._relay.routes.methods(head.path)
        dialect = dialect_of(None, head)
        if methods:
            allow = [(b"Allow", ", ".join(methods).encode())]
            problem = Problem(Kind.METHOD, "The path isn't asked with this method, or not with a body.")
            self._problem(problem, dialect, head, allow)
        else:
            self._problem(Problem(Kind.NOT_FOUND, "There is no such path here."), dialect, head)

    def _refused(self, fault: Fault) -> None:
        exchange = self._exchange
        problem = Problem(_KINDS[fault.status], f"{fault.words[0].upper()}{fault.words[1:]}.")
        if exchange is not None:
            exchange.request_refused(problem)
        elif not self._closing:
            self._problem(problem, Dialect.OPENAI)

    # Answers without an exchange.

    def _problem(
        self,
        problem: Problem,
        dialect: Dialect,
        head: RequestHead | None = None,
        more: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        close = head is None or head.close or self.will_close()
        told = render(problem, dialect, self._relay.next_id())
        fields = [field(name, value) for name, value in (*told.headers, *more)]
        self._told(told.status, fields, told.body, head, close=close)

    def _told(
        self, status: int, fields: Sequence[Field], body: bytes, head: RequestHead | None, *, close: bool
    ) -> None:
        """Answer, and go on or close."""
        self._relay.statuses[status] += 1
        self.put(response_head(status, header_lines(fields), len(body), close=close))
        if head is None or head.method != b"HEAD":
            self.put(body)
        self._closing = close
        if close:
            self._close()
        elif not self.full:
            self.limit(self._relay.settings.keep_alive_s)

    def _close(self) -> None:
        """Close. While the client sends, read on for a while: a reset could take the answer from it (RFC 9112 §9.6)."""
        settings = self._relay.settings
        if self.transport.is_closing():
            return
        self._closing = True
        self.limit(settings.stall_s)
        self.flush()
        if self._reader.state is DONE or not settings.linger_bytes:
            self.transport.close()
            return
        self.limit(settings.linger_s)
        self._lingers = settings.linger_bytes
        self.hold(False)
        if self.transport.can_write_eof():
            self.transport.write_eof()
