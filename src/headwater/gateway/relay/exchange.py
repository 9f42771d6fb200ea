"""One request with its response, from the head that a client sent to the last byte it is sent, or to whatever ends it.

Here is the way there: stages are asked in order, a connection is asked for, the request is sent, perhaps again. The way
back is in `responding`, every end in `ending`; what a stage is stands in `stage`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headwater.gateway.relay.responding import GONE, Responding, both, lines_after
from headwater.gateway.stage import PASS, Answer, Ended, Forward, OnRequest, Refuse, Stage, Wait
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.head import CHUNKED
from headwater.gateway.wire.reader import END
from headwater.gateway.wire.writer import CONTINUE, LAST_CHUNK, chunk, request_head

if TYPE_CHECKING:
    from headwater.gateway.relay.upstream import UpstreamConnection

#: Bytes of a body that are kept while no connection is there, and in case the request must be sent again.
_KEPT_BYTES: Final = 262_144
_SAFE: Final = frozenset((b"GET", b"HEAD", b"OPTIONS"))
_SLOW: Final = Problem(Kind.UPSTREAM_TIMEOUT, "The model server took too long.")
_UNREACHED: Final = Problem(Kind.UPSTREAM, "The model server can't be reached.")
_FULL: Final = Problem(Kind.UNAVAILABLE, "All connections to the model server are in use.", retry_after_s=1)
_CROWDED: Final = Problem(Kind.UNAVAILABLE, "Too many large requests at once.", retry_after_s=5)
_TOO_LARGE: Final = Problem(Kind.TOO_LARGE, "The body is too large.")


class RelayedExchange(Responding):
    """The exchange that a client's connection is busy with."""

    def begin(self) -> None:
        """The head is there."""
        plan, length = self.plan, self.head.length
        if plan.buffer and length:
            if length > self.relay.settings.buffered_bytes:
                self._fail(_TOO_LARGE, Ended.CLIENT_FAULT)
                return
            self._buffer = True
        if not self._buffer or self.plan.early:
            self._decide()
        if self.head.expects_continue and not self.ended:
            self.door.put(CONTINUE)

    def begin_whole(self, body: bytes) -> None:
        """The head is there, with the whole body."""
        self.request_whole = True
        self._pieces = [body]
        if self.plan.buffer:
            if len(body) > self.relay.settings.buffered_bytes:
                self._fail(_TOO_LARGE, Ended.CLIENT_FAULT)
                return
            self.body = body
        self.relay.turn.ask(self)

    def request_data(self, data: bytes) -> None:
        """Some of the body."""
        if self.ended:
            return
        connection = self._connection
        if connection is not None and self._sending:
            connection.write(chunk(data) if self.head.length == CHUNKED else data)
        self._kept_bytes += len(data)
        if self._pieces is not None:
            self._pieces.append(data)
        if self._buffer:
            self._hold_back(len(data))
        elif self._kept_bytes > _KEPT_BYTES:
            if self._sending:
                self._pieces = None
            else:
                self.door.hold(True)

    def request_end(self) -> None:
        """The body is whole."""
        self.request_whole = True
        if self.ended:
            return
        if self._buffer:
            self._buffer = False
            self.body = b"".join(self._pieces or [])
            self._pieces = [self.body]
            if (
                self._task is None
            ):  # else a stage that needs no body is waited for, and the others come after it
                self._decide()
        elif self._sending:
            if self.head.length == CHUNKED and self._connection is not None:
                self._connection.write(LAST_CHUNK)
            self.door.limit(self.relay.settings.first_byte_s)

    def request_refused(self, problem: Problem) -> None:
        """The body can't be read on."""
        self._fail(problem, Ended.CLIENT_FAULT)

    def _decide(self) -> None:
        """Ask the stages, from the one whose turn it is."""
        if self._waits:
            self._waits = False
            self._at -= 1
        until = self.plan.early if self._buffer else len(self.plan.stages)
        while self._at < until:
            if not self.ask():
                return
        if not self._buffer:
            self.ask_connection()

    def ask(self) -> bool:
        """Ask the stage whose turn it is; whether the next one may be asked."""
        stage = self.plan.stages[self._at]
        self._at += 1
        try:
            verdict = stage.on_request(self)
        except Exception as error:
            self._broken(stage, error)
            return False
        if self.ended:  # a stage may have cut it
            return False
        if verdict is PASS:
            return True
        if not isinstance(verdict, Forward):
            self._other(verdict)
            return False
        return self._take(verdict, stage)

    def _hold_back(self, size: int) -> None:
        """Some more of a body that is held back; refused where it, or all of them together, are too large."""
        relay = self.relay
        self._held_back += size
        relay.buffered += size
        if self._kept_bytes > relay.settings.buffered_bytes:
            self._fail(_TOO_LARGE, Ended.CLIENT_FAULT)
        elif relay.buffered > relay.settings.buffered_total_bytes:
            self._fail(_CROWDED, Ended.FAILED)

    def _take(self, verdict: Forward, stage: Stage) -> bool:
        if verdict.body is not None:
            if not self.plan.buffer:
                self._broken(stage, TypeError("a body was changed that isn't held back"))
                return False
            self._changed = verdict.body
        if verdict.drop or verdict.add:
            before = self._change
            self._change = verdict if before is None else Forward(*both(before, verdict))
        return True

    def _other(self, verdict: OnRequest) -> None:
        if isinstance(verdict, Answer):
            self._answer(verdict.status, verdict.add, verdict.body, Ended.ANSWERED)
        elif isinstance(verdict, Refuse):
            self._fail(verdict.problem, Ended.ANSWERED, verdict.add)
        elif isinstance(verdict, Wait):
            self._waits = True
            self.door.limit(self.relay.settings.stage_s)
            self._task = self.relay.loop.create_task(
                self._wait_before(verdict, self.plan.stages[self._at - 1])
            )

    async def _wait_before(self, verdict: Wait, stage: object) -> None:
        """Await what a stage waits for, then ask it again."""
        if await self._awaited(verdict, stage):
            self._decide()

    # The upstream.

    def _need_no_connection(self) -> None:
        self.relay.pool.give_up(self)

    def ask_connection(self, *, fresh: bool = False) -> None:
        """Every stage lets it pass: get a connection for it."""
        self.relay.pool.ask(self, fresh=fresh)

    def connected(self, connection: UpstreamConnection) -> None:
        """A connection is there: send what there is of the request."""
        head, relay = self.head, self.relay
        connection.begin(self, head.method)
        self._connection = connection
        if self.door.full:
            connection.hold(True)
        self.door.hold(False)  # the connection holds it again where it's full
        pieces, length = self._pieces or [], head.length
        if self._changed is not None:
            pieces, length = [self._changed], len(self._changed)
        elif self.plan.buffer:
            length = len(self.body)
        lines = lines_after(self._change, head.fields)
        out = [request_head(head.method, relay.upstream.base + head.target, relay.authority, lines, length)]
        if length == CHUNKED:
            out += [chunk(piece) for piece in pieces]
        else:
            out += pieces
        self._sending = self._sent = True
        if self.request_whole:
            if length == CHUNKED:
                out.append(LAST_CHUNK)
            self.door.limit(relay.settings.first_byte_s)
        elif not self.door.arrived:
            self.door.limit_body(head.length)
        connection.write_all(out)

    def unconnected(self, *, full: bool = False, slow: bool = False) -> None:
        """No connection can be had."""
        self.relay.tell_unconnected(full=full)
        self._fail(_FULL if full else _SLOW if slow else _UNREACHED, Ended.UPSTREAM_FAILED)

    def upstream_lost(self, connection: UpstreamConnection) -> None:
        """The connection ended before the response did."""
        self._connection = None
        if self._events and self._events[-1] is END:
            return  # all of it is here, and a stage waits
        repeatable = connection.reused and not connection.answered and not self._retried
        if repeatable and self._pieces is not None and (self.head.method in _SAFE or connection.untouched):
            self._retried = True
            self._sending = False
            self.ask_connection(fresh=True)
            return
        self._fail(GONE, Ended.UPSTREAM_FAILED)

    def upstream_full(self) -> None:
        """The upstream reads too slowly: so does the client's connection."""
        self.door.hold(True)

    def upstream_ready_for_more(self) -> None:
        """The upstream has read on."""
        self.door.hold(False)
