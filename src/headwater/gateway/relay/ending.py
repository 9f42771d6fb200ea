"""How an exchange ends, whoever ends it: the client is told what can still be told, the stages are told once.

What an exchange has stands here too; `responding` and `exchange` add what happens to it before.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.gateway.routes import Route, dialect_of
from headwater.gateway.stage import Ended, Forward, Outcome, Shape, Wait
from headwater.gateway.wire.dialect import Dialect, Stream
from headwater.gateway.wire.errors import Kind, Problem, in_stream, render
from headwater.gateway.wire.head import Field, RequestHead, ResponseHead
from headwater.gateway.wire.reader import Event
from headwater.gateway.wire.writer import LAST_CHUNK, chunk, field, header_lines, response_head

if TYPE_CHECKING:
    from headwater.gateway.relay.client import ClientConnection
    from headwater.gateway.relay.relay import Plan, Relay
    from headwater.gateway.relay.upstream import UpstreamConnection

_LOG: Final = logging.getLogger("headwater.gateway")
_SERVER_FAULT: Final = 500
_SLOW: Final = Problem(Kind.UPSTREAM_TIMEOUT, "The model server took too long.")
_CLIENT_SLOW: Final = Problem(Kind.TIMEOUT, "The request came too slowly.")
_STAGE_SLOW: Final = Problem(Kind.UNAVAILABLE, "The gateway can't decide now.", retry_after_s=1)
_BROKEN: Final = Problem(Kind.INTERNAL, "The gateway failed.")
_STOPPING: Final = Problem(Kind.UNAVAILABLE, "The gateway is stopping.", retry_after_s=1)


class Ending(msgspec.Struct, eq=False):
    """What an exchange has, and its ends."""

    relay: Relay
    door: ClientConnection
    route: Route
    head: RequestHead
    plan: Plan
    body: bytes = b""
    client: tuple[str, int] = ("", 0)
    certificate: dict[str, Any] | None = None
    dialect: Dialect = Dialect.OPENAI
    kept: dict[Any, Any] = msgspec.field(default_factory=dict)
    #: Microseconds since 1970 UTC; 0 for the first byte of the response before it came.
    began_us: int = 0
    first_byte_us: int = 0
    #: Until when it must have ended, by the loop's clock.
    total: float = 0.0
    #: Bytes of the response's body so far.
    received: int = 0
    #: Whether the whole request was read.
    request_whole: bool = False
    _pieces: list[bytes] | None = msgspec.field(
        default_factory=list
    )  # the body; None once it is more than is kept
    _id: str = ""
    _at: int = 0  # stages asked so far
    _waits: bool = False  # whether the last of them is to be asked again
    _buffer: bool = False  # whether the body is held back for a stage
    _kept_bytes: int = 0
    _held_back: int = 0  # bytes that are counted among those that all exchanges hold back
    _change: Forward | None = None  # of the head
    _changed: bytes | None = None  # the body that goes on in place of the client's
    _task: asyncio.Task[None] | None = None
    _connection: UpstreamConnection | None = None
    _sending: bool = False  # whether the head was handed to the connection
    _sent: bool = False
    _retried: bool = False
    #: Head and body of a response that came whole, and is passed on at the turn's end.
    whole: tuple[ResponseHead, bytes] | None = None
    _response: ResponseHead | None = None
    _shaped: int = 0  # stages asked about its head so far
    _shape: Shape | None = None  # what becomes of it
    _status: int = 0
    _framed: bool = False  # whether the response goes out in chunks
    _last: bytes = b""
    _events: list[Event] | None = None  # of the response, held back while a stage waits
    _tap: int | None = None  # the stage that is to be asked about the held bytes again
    #: Whether it is over; stages and the connection may still have to be told.
    ended: bool = False
    _outcome: Outcome | None = None
    _told: int = 0  # stages told of it so far

    def __post_init__(self) -> None:
        relay, door, route = self.relay, self.door, self.route
        self.client, self.certificate = door.peer, door.certificate
        self.dialect = dialect_of(route, self.head) if route.shared else route.dialect
        self.began_us = time.time_ns() // 1000
        self.total = relay.clock.now + relay.settings.total_s
        relay.running += 1

    @property
    def id(self) -> str:
        """A name for this exchange, as told to the client in errors."""
        if not self._id:
            self._id = self.relay.next_id()
        return self._id

    def cut(self, problem: Problem) -> None:
        """End it from outside; see `stage.Exchange`."""
        self._fail(problem, Ended.CUT)

    def stop(self) -> None:
        """The gateway stops now."""
        self._fail(_STOPPING, Ended.STOPPED)

    def client_gone(self, ended: Ended = Ended.CLIENT_GONE) -> None:
        """The client's connection is gone: nobody waits for the upstream any more."""
        self._cancel()
        self._end(ended)

    def late(self) -> None:
        """A time limit has passed, of whatever was waited for."""
        if self.door.full:
            self.door.abort()
            self.client_gone(Ended.CLIENT_FAULT)
        elif self._waits or self._events is not None:
            self._fail(_STAGE_SLOW, Ended.FAILED)
        elif self._buffer or (self._sending and not self.request_whole):
            self._fail(_CLIENT_SLOW, Ended.CLIENT_FAULT)
        else:
            self._fail(_SLOW, Ended.UPSTREAM_SLOW)

    async def _awaited(self, wait: Wait, stage: object) -> bool:
        """Await what a stage waits for; whether the exchange goes on."""
        try:
            await asyncio.shield(wait.until)  # others may wait for the same
        except asyncio.CancelledError:
            if self.ended:
                return False
            raise
        except Exception as error:
            self._task = None
            self._broken(stage, error)
            return False
        self._task = None
        return not self.ended

    def _cancel(self) -> None:
        """Let go of everything that belongs to the exchange beside the client's connection."""
        if self._task is not None:
            task, self._task = self._task, None
            if task is not asyncio.current_task(self.relay.loop):
                task.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
        elif not self._sending:
            self._need_no_connection()

    def _need_no_connection(self) -> None:
        raise NotImplementedError

    def _fail(self, problem: Problem, ended: Ended, add: tuple[Field, ...] = ()) -> None:
        """Tell the client of an error: as the answer, within its stream, or by ending the connection."""
        if self.ended:
            return
        self._cancel()
        if not self._status:
            told = render(problem, self.dialect, self.id)
            fields = (*(field(name, value) for name, value in told.headers), *add)
            self._answer(told.status, fields, told.body, ended)
            return
        if self._framed and self._stream_open():
            self.door.put(chunk(in_stream(problem, self.dialect, self.route.stream, self.id)) + LAST_CHUNK)
            self.door.close_after()
        else:
            self.door.abort()
        self._end(ended)

    def _stream_open(self) -> bool:
        """Whether a client reads events, and would read one more: the last one is whole."""
        if self.route.stream is Stream.NEVER or self._response is None:
            return False
        kind = self._response.get(b"content-type") or b""
        whole = not self._last or self._last.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))
        return whole and kind.lower().startswith(b"text/event-stream")

    def _answer(self, status: int, fields: tuple[Field, ...], body: bytes, ended: Ended) -> None:
        self._cancel()
        self._status = status
        bodiless = status in (204, 304)
        close = self.door.will_close()
        length = None if bodiless else len(body)
        self.door.put(response_head(status, header_lines(fields), length, close=close))
        if not bodiless and self.head.method != b"HEAD":
            self.door.put(body)
        self._end(ended)

    def _broken(self, stage: object, error: Exception) -> None:
        """A stage failed: told by name and kind, for its words may hold what nobody should read."""
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        place = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at is not None else "unknown"
        _LOG.error("stage %s failed: %s at %s", type(stage).__name__, type(error).__name__, place)
        self._fail(_BROKEN, Ended.FAILED)

    def _end(self, ended: Ended) -> None:
        if self.ended:
            return
        self._over(ended)
        while self.tell():
            pass
        self.leave()

    def _over(self, ended: Ended) -> None:
        """It is over, and counted."""
        self.ended = True
        relay, response = self.relay, self._response
        relay.buffered -= self._held_back
        relay.running -= 1
        relay.ended[ended] += 1
        relay.statuses[self._status] += 1
        if response is not None and response.status >= _SERVER_FAULT:
            relay.upstream_faults += 1
        if self._at:
            self._outcome = Outcome(
                ended, self._status, response.status if response else 0, self._sent, self.received,
                self.began_us, self.first_byte_us, time.time_ns() // 1000,
            )  # fmt: skip

    def tell(self) -> bool:
        """Tell the next stage that was asked how it ended; False where none is left."""
        told, outcome = self.plan.ends[self._at], self._outcome
        if outcome is None or self._told >= len(told):
            return False
        stage = told[self._told]
        self._told += 1
        try:
            stage.on_end(self, outcome)
        except Exception as error:
            _LOG.error("stage %s failed at the end: %s", type(stage).__name__, type(error).__name__)
        return True

    def leave(self) -> None:
        """The client's connection is free, or ends."""
        self.door.exchange_ended()
