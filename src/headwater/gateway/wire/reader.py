"""Bytes in, events out: a head, pieces of its body, END, or a refusal, for requests and for responses.

No socket, no clock, no exception. However the bytes are cut, the events say the same. Which state follows which is
`states.TABLE`; here stands only how the bytes of each state are read.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, TypeAlias

from headwater.gateway.wire import grammar
from headwater.gateway.wire.fields import Line, Lines
from headwater.gateway.wire.framing import Framing
from headwater.gateway.wire.head import CHUNKED, UNTIL_CLOSE, Field, RequestHead, ResponseHead
from headwater.gateway.wire.limits import WireLimits
from headwater.gateway.wire.refusal import Fault, Refusal
from headwater.gateway.wire.second import Second
from headwater.gateway.wire.states import (
    CHUNK_DATA,
    CHUNK_END,
    CHUNK_SIZE,
    DONE,
    HEAD,
    LAST_CHUNK,
    LENGTH,
    REFUSED,
    TABLE,
    State,
    Step,
)
from headwater.gateway.wire.states import UNTIL_CLOSE as TO_THE_END


class End(Enum):
    """The event at the end of a message."""

    END = "end"


END: Final = End.END
Event: TypeAlias = RequestHead | ResponseHead | bytes | Literal[End.END] | Refusal

_HEAD_END: Final = b"\r\n\r\n"
#: 1xx responses before a final one; more are no conversation.
_MOST_INTERIM: Final = 8
_REQUEST_LINES: Final = Lines(request=True)
_RESPONSE_LINES: Final = Lines(request=False)
#: Request lines without a query, which repeat.
_STARTS: Final[dict[bytes, tuple[bytes, ...]]] = {}
_MOST_STARTS: Final = 1024


class _Reader:
    """One direction of one connection."""

    __slots__ = (
        "_at", "_before", "_behind", "_body", "_data", "_follows", "_left", "_limits", "_lines", "_looked",
        "_most_body", "_same", "_second", "state",
    )  # fmt: skip

    request = True

    def __init__(self, limits: WireLimits) -> None:
        self._limits = limits
        self._most_body = limits.body_bytes
        self._lines = _REQUEST_LINES if self.request else _RESPONSE_LINES
        self._second = Second(request=self.request)
        self.state: State = HEAD
        self._data = b""
        self._at = 0
        self._looked = 0  # how much of a head that isn't whole was found without fault
        self._left = 0  # bytes still to come of a body, or of a chunk
        self._body = 0  # bytes of this body so far, where they come in chunks
        self._follows = True  # whether llhttp knows how this body ends
        # The last head with a length, as bytes before and behind the length, and as it was read.
        self._before = self._behind = b""
        self._same: RequestHead | ResponseHead | None = None

    @property
    def held(self) -> int:
        """Bytes that were fed and belong to no event yet."""
        return len(self._data) - self._at

    def feed(self, data: bytes) -> list[Event]:
        """What `data` completes, in order. After END nothing is read until `next_message`; after a Refusal, never."""
        state = self.state
        if state is HEAD and self._before and self._at == len(self._data) and data.startswith(self._before):
            whole = self._again(data)
            if whole:
                return whole
        events: list[Event] = []
        if state is REFUSED:
            return events
        self._data = data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0
        if state is DONE:
            return events
        if state is HEAD:
            self._read_heads(events)
            state = self.state
        if state is not HEAD and state is not DONE and self._at < len(data):
            self._read_body(events)
        if self.state is DONE:
            events.append(END)
        return events

    def next_message(self) -> list[Event]:
        """Go on behind a message that has ended, and what the bytes that are held complete."""
        self._step(Step.NEXT)
        return self.feed(b"") if self._at < len(self._data) else []

    def closed(self) -> list[Event]:
        """The connection has ended. A message that isn't whole is refused; between messages there's nothing to say."""
        if self.state is TO_THE_END:
            self._step(Step.CLOSED)
            return [END]
        if self.state is DONE or self.state is REFUSED or (self.state is HEAD and not self.held):
            return []
        events: list[Event] = []
        self._refuse(events, Fault.CUT_OFF)
        return events

    def _again(self, data: bytes) -> list[Event]:
        """A whole message whose head says what the one before it said, but for the length: it isn't read again.

        Clients that stay connected send the same head each time. Nothing where it's another one, or there is more, or
        less, than one message. llhttp isn't asked again either: it stands between two messages, where what it says
        depends on the bytes alone, and it has taken these, with other digits for the length.
        """
        same = self._same
        found = grammar.LENGTH.match(data, len(self._before))
        if found is None or same is None or not data.startswith(self._behind, found.end()):
            return []
        begin, length = found.end() + len(self._behind), int(found[0])
        if len(data) - begin != length or not 0 < length <= self._most_body:
            return []
        self.state = DONE  # by the table: HEAD_WITH_LENGTH, then DATA_WHOLE
        return [same.with_length(length), data[begin:], END]

    def _remember(self, head: bytes, read: RequestHead | ResponseHead, framing: Framing) -> None:
        """Keep a head that has a length, for messages like it; not one behind which llhttp reads nothing."""
        found = grammar.LENGTH_FIELD.search(head)
        ends = framing.upgrade or framing.close or grammar.PROXY_CONNECTION.search(head) is not None
        if found is None or read.length <= 0 or ends:
            self._before = b""
            return
        self._before, self._behind, self._same = head[: found.start(1)], head[found.end(1) :], read

    # One head.

    def _read_heads(self, events: list[Event]) -> None:
        while self.state is HEAD and self._at < len(self._data):
            head = self._whole_head(events)
            if head is None:
                return
            fault = self._parse(head, events)
            if fault is not None:
                self._refuse(events, fault)

    def _whole_head(self, events: list[Event]) -> bytes | None:
        """The bytes of the next head, if it's whole; what can't become one is refused at once."""
        most = self._limits.head_bytes
        data, at = self._data, self._at
        end = data.find(_HEAD_END, max(at, at + self._looked - 3), at + most)
        if end >= 0:
            self._at, self._looked = end + 4, 0
            return data[at : end + 4] if at or end + 4 < len(data) else data
        begun = data[at : at + most]
        fault = grammar.begun_wrong(begun, request=self.request, since=self._looked)
        if fault is None and len(data) - at >= most:
            fault = Fault.HEAD_TOO_LARGE
        if fault is not None:
            self._refuse(events, fault)
        self._looked = len(begun)
        return None

    def _parse(self, head: bytes, events: list[Event]) -> Fault | None:
        raise NotImplementedError

    def _read_fields(self, lines: list[bytes]) -> tuple[list[Field], list[Line]] | None:
        """The headers that simply pass, and the others; None where a line isn't a header."""
        fields: list[Field] = []
        special: list[Line] = []
        known, read = self._lines.known.get, self._lines.read
        for line in lines:
            entry = known(line) or read(line)
            if entry is None:
                return None
            if entry[0]:
                special.append(entry)
            else:
                fields.append(entry[1])
        return fields, special

    def _begin_body(self, length: int) -> None:
        self._body = 0
        if length > 0:
            self._left = length
            self._step(Step.HEAD_WITH_LENGTH)
        elif length == CHUNKED:
            self._step(Step.HEAD_WITH_CHUNKS)
        elif length == UNTIL_CLOSE:
            self._step(Step.HEAD_UNTIL_CLOSE)
        else:
            self._step(Step.HEAD_WITHOUT_BODY)

    # One body.

    def _read_body(self, events: list[Event]) -> None:
        began, before, data = self._at, len(events), self._data
        while self._at < len(data):
            state = self.state
            if state is CHUNK_SIZE:
                if not (self._whole_chunks(events) or self._chunk_size(events)):
                    break
            elif state is LENGTH or state is CHUNK_DATA:
                self._some_data(events)
            elif state is CHUNK_END or state is LAST_CHUNK:
                if not self._line_end(events):
                    break
            elif state is TO_THE_END:
                events.append(data[self._at :])
                self._at = len(data)
            else:
                break
        if self._follows and self.state is not REFUSED:
            whole = not began and self._at == len(data)
            read = data if whole else memoryview(data)[began : self._at]
            if not self._second.body(read, self.state is DONE):
                del events[before:]
                self._refuse(events, Fault.PARSERS_DISAGREE)

    def _some_data(self, events: list[Event]) -> None:
        piece = self._data[self._at : self._at + self._left]
        events.append(piece)
        self._at += len(piece)
        self._left -= len(piece)
        if not self._left:
            self._step(Step.DATA_WHOLE)

    def _whole_chunks(self, events: list[Event]) -> bool:
        """Read as many whole chunks as there are; each leads back to CHUNK_SIZE by three steps of the table."""
        if self._split_chunks(events):
            return True
        data, at, room = self._data, self._at, self._most_body - self._body
        match = grammar.CHUNK_LINE.match
        parts = []
        while (found := match(data, at)) is not None:
            size = int(found[1], 16)
            begin = found.end()
            stop = begin + size
            if not size or size > room or data[stop : stop + 2] != b"\r\n":
                break
            parts.append(data[begin:stop])
            room -= size
            at = stop + 2
        if not parts:
            return False
        events.append(parts[0] if len(parts) == 1 else b"".join(parts))
        self._body = self._most_body - room
        self._at = at
        return True

    def _split_chunks(self, events: list[Event]) -> bool:
        """Read whole chunks that hold no line end of HTTP, as events do: cut there, and each as long as it says.

        What this takes `_whole_chunks` takes too, one by one, as the first line end behind a size of `n` is `n` bytes
        further on. Nothing is taken where some chunk is otherwise.
        """
        lines = (self._data[self._at :] if self._at else self._data).split(b"\r\n")
        # Behind the pairs is what follows the last line end, or a size whose data isn't whole.
        pairs = (len(lines) - 1) // 2
        if pairs and lines[2 * pairs - 2] == b"0":  # the end, which has no data
            pairs -= 1
        if not pairs:
            return False
        sizes, data = lines[: 2 * pairs : 2], lines[1 : 2 * pairs : 2]
        lengths = list(map(len, data))
        length = sum(lengths)
        if lengths != list(map(grammar.SIZES.get, sizes)) or length > self._most_body - self._body:
            return False
        events.append(data[0] if pairs == 1 else b"".join(data))
        self._body += length
        self._at += length + sum(map(len, sizes)) + 4 * pairs
        return True

    def _chunk_size(self, events: list[Event]) -> bool:
        """Read a size line; False where it isn't whole, or refused."""
        found = grammar.CHUNK_LINE.match(self._data, self._at)
        if found is None:
            fault = grammar.wrong_size(self._data[self._at : self._at + 16])
            if fault is not None:
                self._refuse(events, fault)
            return False
        self._at = found.end()
        self._left = int(found[1], 16)
        if not self._left:
            self._step(Step.LAST_SIZE)
        elif self._body + self._left > self._most_body:
            self._refuse(events, Fault.BODY_TOO_LARGE)
            return False
        else:
            self._body += self._left
            self._step(Step.SIZE)
        return True

    def _line_end(self, events: list[Event]) -> bool:
        """Read the line break behind a chunk, or the empty line behind the last; False where it isn't there."""
        found = self._data[self._at : self._at + 2]
        if found == b"\r\n":
            self._at += 2
            self._step(Step.LINE_END)
            return True
        if found != b"\r":
            bare = found[:1] in (b"\r", b"\n")
            other = Fault.TRAILERS if self.state is LAST_CHUNK else Fault.BAD_CHUNK_END
            self._refuse(events, Fault.BARE_CR_OR_LF if bare else other)
        return False

    def _step(self, step: Step) -> None:
        self.state = TABLE[self.state][step]

    def _refuse(self, events: list[Event], fault: Fault) -> None:
        self.state = REFUSED
        self._data, self._at = b"", 0
        events.append(Refusal(fault))


class RequestReader(_Reader):
    """Reads what a client sends."""

    __slots__ = ()

    def _parse(self, head: bytes, events: list[Event]) -> Fault | None:
        first, *lines = head[:-4].split(b"\r\n")
        start = _STARTS.get(first) or _start(first)
        read = self._read_fields(lines)
        if start is None or read is None:
            return grammar.wrong(head, request=True)
        method, target, path, query = start
        fields, special = read
        framing = Framing(special)
        fault = framing.fault() or framing.request_fault(method) or self._too_much(target, len(lines))
        if fault is not None:
            return fault
        length = framing.length()
        if length > self._most_body:
            return Fault.BODY_TOO_LARGE
        if not self._second.head(head, length):
            return Fault.PARSERS_DISAGREE
        if framing.named:
            fields = [field for field in fields if field[0] not in framing.named]
        expects = bool(framing.expects) and length != 0
        told = RequestHead(
            fields, framing.withheld, length, framing.close, method, target, path, query, framing.hosts[0], expects
        )  # fmt: skip
        self._remember(head, told, framing)
        events.append(told)
        self._begin_body(length)
        return None

    def _too_much(self, target: bytes, lines: int) -> Fault | None:
        if lines > self._limits.fields:
            return Fault.TOO_MANY_FIELDS
        return Fault.TARGET_TOO_LONG if len(target) > self._limits.target_bytes else None


class ResponseReader(_Reader):
    """Reads what a server sends, as the answer to the method that `answers` named."""

    __slots__ = ("_interim", "_to_head")

    request = False

    def __init__(self, limits: WireLimits) -> None:
        super().__init__(limits)
        self._to_head = False
        self._interim = 0

    def answers(self, method: bytes) -> None:
        """The next response answers a request of this method: HEAD has no body, whatever the head says."""
        self._to_head = method == b"HEAD"
        self._interim = 0
        if self._to_head:
            self._before = b""  # the same head has no body now

    def _parse(self, head: bytes, events: list[Event]) -> Fault | None:
        first, *lines = head[:-4].split(b"\r\n")
        start = grammar.STATUS_LINE.fullmatch(first)
        read = self._read_fields(lines)
        if start is None or read is None:
            return grammar.wrong(head, request=False)
        status = int(start[1])
        fields, special = read
        framing = Framing(special)
        fault = framing.fault()
        if fault is None and len(lines) > self._limits.fields:
            fault = Fault.TOO_MANY_FIELDS
        if fault is not None:
            return fault
        if status < 200:
            return self._skip_interim(head, status, framing)
        length = framing.response_length(status, to_head=self._to_head)
        self._follows = not self._to_head
        if self._to_head:
            self._second.anew()  # llhttp can't know that no body follows
        elif not self._second.head(head, length):
            return Fault.PARSERS_DISAGREE
        if framing.named:
            fields = [field for field in fields if field[0] not in framing.named]
        told = ResponseHead(fields, framing.withheld, length, framing.close, status)
        self._remember(head, told, framing)
        events.append(told)
        self._begin_body(length)
        return None

    def _skip_interim(self, head: bytes, status: int, framing: Framing) -> Fault | None:
        """A 1xx response is read over: nobody asked for it but this relay (RFC 9110 §15.2)."""
        self._interim += 1
        self._before = b""  # it may say that nothing follows, and llhttp believes it
        if status == 101 or self._interim > _MOST_INTERIM or framing.codings or framing.lengths:
            return Fault.INTERIM
        if not self._second.head(head, 0):
            return Fault.PARSERS_DISAGREE
        self._step(Step.INTERIM_HEAD)
        return None


def _start(line: bytes) -> tuple[bytes, ...] | None:
    """Method, target, path and query of a request line; None where it isn't one."""
    found = grammar.REQUEST_LINE.fullmatch(line)
    if found is None:
        return None
    method, target, path, query = found.groups()
    start = (method, target, path, query or b"")
    if query is None and len(_STARTS) < _MOST_STARTS and len(line) < 64:
        _STARTS[line] = start
    return start
