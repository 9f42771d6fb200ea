"""The way back: what an upstream says is handed to the client as it comes, past the stages that look at it."""

from __future__ import annotations

import time
from typing import Final

from headwater.gateway.relay.ending import Ending
from headwater.gateway.stage import Cut, Ended, Forward, Shape, Wait
from headwater.gateway.wire.errors import Kind, Problem
from headwater.gateway.wire.head import CHUNKED, Field, ResponseHead
from headwater.gateway.wire.reader import END, Event
from headwater.gateway.wire.refusal import Fault, Refusal
from headwater.gateway.wire.writer import LAST_CHUNK, header_lines, response_head

GONE: Final = Problem(Kind.UPSTREAM, "The model server ended the connection.")
_GARBAGE: Final = Problem(Kind.UPSTREAM, "The model server sent something that isn't HTTP/1.1.")


class Responding(Ending):
    """An exchange whose response comes."""

    def client_full(self) -> None:
        """The client reads too slowly: so is the upstream read."""
        if self._connection is not None:
            self._connection.hold(True)

    def client_ready(self) -> None:
        """The client has read on."""
        if self._connection is not None and self._events is None:
            self._connection.hold(False)
        self.door.limit(self.relay.settings.idle_s, self.total)

    def response(self, events: list[Event]) -> None:
        """What the upstream said."""
        if self._keep(events):
            return
        for at, event in enumerate(events):
            if isinstance(event, bytes):
                if not self.pass_data(event):
                    self._keep(events[at + 1 :])
                    return
            elif isinstance(event, ResponseHead):
                if not self.begin_response(event):
                    return
            elif event is END:
                self.end_response()
                return
            else:
                cut_off = isinstance(event, Refusal) and event.fault is Fault.CUT_OFF
                self._fail(GONE if cut_off else _GARBAGE, Ended.UPSTREAM_FAILED)
                return
        if self.request_whole and not self.door.full:
            self.door.limit(self.relay.settings.idle_s, self.total)

    def whole_response(self, events: list[Event]) -> bool:
        """A response that came in one piece and that no stage looks at; False where it's another."""
        head, data, end = events
        plan = self.plan
        if plan.heads or plan.taps or end is not END or self._events is not None:
            return False
        if not isinstance(head, ResponseHead) or not isinstance(data, bytes) or head.length != len(data):
            return False
        self._open(head)
        self._status = head.status
        self.received = len(data)
        self.door.put_all(
            [
                response_head(
                    head.status, header_lines(head.fields), head.length, close=self.door.will_close()
                ),
                data,
            ]
        )
        self.end_response()
        return True

    # A response that came whole, step by step, as `Turn` takes them.

    def keep_whole(self, head: ResponseHead, body: bytes) -> None:
        """It is here; what is done with it follows at the turn's end."""
        self.whole = head, body
        self._open(head)

    def pass_whole(self) -> bool:
        """Its body; where a stage waits with it, the end is kept for later."""
        assert self.whole is not None
        data, self.whole = self.whole[1], None
        if self.pass_data(data):
            return True
        self._keep([END])
        return False

    def _keep(self, events: list[Event]) -> bool:
        """Keep events for later, if a stage waits."""
        if self._events is None:
            return False
        self._events += events
        return True

    def begin_response(self, head: ResponseHead) -> bool:
        """Pass the head on, past the stages; whether the exchange goes on."""
        self._open(head)
        for _ in self.plan.heads:
            if not self.shape_head():
                return False
        return self.write_head()

    def _open(self, head: ResponseHead) -> None:
        self._response = head
        self.first_byte_us = time.time_ns() // 1000

    def shape_head(self) -> bool:
        """Ask the stage whose turn it is about the head; whether the exchange goes on."""
        assert self._response is not None
        stage = self.plan.heads[self._shaped]
        self._shaped += 1
        try:
            shape = stage.on_response_head(self, self._response)
        except Exception as error:
            self._broken(stage, error)
            return False
        if self.ended:
            return False
        if shape is not None:
            before = self._shape
            self._shape = (
                shape if before is None else Shape(*both(before, shape), shape.reframe or before.reframe)
            )
        return True

    def write_head(self) -> bool:
        """Send the head, as the stages would have it."""
        head, change = self._response, self._shape
        assert head is not None
        length = head.length if change is None or not change.reframe else CHUNKED
        lines = lines_after(change, head.fields)
        self._status = head.status
        bodiless = self.head.method == b"HEAD" or head.status in (204, 304)
        self._framed = length < 0 and not bodiless
        self.door.put(
            response_head(head.status, lines, None if bodiless else length, close=self.door.will_close())
        )
        return True

    def pass_data(self, data: bytes) -> bool:
        """Pass some of the body on; False where a stage waits or has ended it."""
        taps, passed = self.plan.taps, data
        if self._tap is None:
            self.received += len(data)
        for at in range(self._tap or 0, len(taps)):
            stage = taps[at]
            try:
                said = stage.on_bytes(self, passed)
            except Exception as error:
                self._broken(stage, error)
                return False
            if self.ended:
                return False
            if said is None:
                continue
            if isinstance(said, bytes):
                if not self._framed:
                    self._broken(stage, TypeError("a body was changed without reframe"))
                    return False
                passed = said
            else:
                self._interrupted(said, at, passed)
                return False
        if self._tap is not None:
            self._tap = None
        if passed:
            self._last = passed
            if self._framed:
                self.door.put(b"%x\r\n%b\r\n" % (len(passed), passed))
            else:
                self.door.put(passed)
        return True

    def _interrupted(self, said: Cut | Wait, at: int, passed: bytes) -> None:
        """The stage at `at` cuts the response, or is to be asked about the same bytes again."""
        if isinstance(said, Cut):
            self._fail(said.problem, Ended.CUT)
            return
        self._tap = at
        self._events = [passed]
        if self._connection is not None:
            self._connection.hold(True)
        self.door.limit(self.relay.settings.stage_s)
        self._task = self.relay.loop.create_task(self._wait_within(said, self.plan.taps[at]))

    async def _wait_within(self, said: Wait, stage: object) -> None:
        """Await what a stage waits for, then go on with the response."""
        if not await self._awaited(said, stage):
            return
        events, self._events = self._events or [], None
        self.response(events)
        if self._events is None and self._connection is not None:
            self._connection.hold(self.door.full)

    def end_response(self) -> None:
        """The response is whole, and all of it was passed on."""
        self._finish()
        self._end(Ended.COMPLETE)

    def finish(self) -> bool:
        """`end_response` but for what `tell` and `leave` do."""
        self._finish()
        self._over(Ended.COMPLETE)
        return True

    def _finish(self) -> None:
        if self._framed:
            self.door.put(LAST_CHUNK)
        connection, self._connection = self._connection, None
        if connection is not None:
            again = connection.end()
            if again and self.request_whole and self._response is not None and not self._response.close:
                self.relay.pool.release(connection)
            else:
                connection.abort()


def lines_after(change: Forward | Shape | None, fields: list[Field]) -> bytes:
    """The header lines of a head after what stages change in it."""
    if change is None:
        return header_lines(fields)
    return header_lines(fields, change.drop, change.add) if change.lines is None else change.lines


def both(first: Forward | Shape, then: Forward | Shape) -> tuple[frozenset[bytes], tuple[Field, ...]]:
    """What two stages drop and add; the second may take away what the first has added."""
    gone = then.drop.union([name for name, _, _ in then.add])
    return first.drop | gone, (*(added for added in first.add if added[0] not in gone), *then.add)
