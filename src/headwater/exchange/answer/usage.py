"""Usage, found in a response as it passes: bytes are searched, and only what stands behind `"usage":` is decoded.

Works on streams of events and on plain JSON. A quote inside a string of JSON is escaped, so a model's words can't
pass for the field. What a client wrote itself may come back as JSON, though (a tool's schema, its arguments): of
several in a stream each number counts where it is largest (they only grow: Anthropic's streams tell the input's tokens
first and the output's last); in plain JSON the last one counts, as such things come before the real one.
"""

from __future__ import annotations

import json
import re
from typing import Final

import msgspec

from headwater.exchange.answer.events import EventCutter, data_of

_OPEN: Final = re.compile(rb'"usage"[ \t\r\n]*:[ \t\r\n]*(?=\{)')
_WORD: Final = b'"usage"'
#: Bytes kept in case the word or what follows it is cut; whitespace beyond it isn't looked over.
_CARRY: Final = 32
_MOST_BYTES: Final = 16_384
#: Bytes of a body that is held to be decoded as a whole.
_MOST_HELD: Final = 8 << 20
_ENDINGS: Final = (b"response.completed", b"response.incomplete", b"response.failed")
#: Beyond what a double holds exactly, no number is one of tokens.
_TOO_MANY: Final = 1 << 53
_DECODER: Final = json.JSONDecoder()


class _Body(msgspec.Struct):
    usage: dict[str, object] | None = None


_USAGE_OF: Final = msgspec.json.Decoder(_Body).decode


class WholeUsage:
    """As `UsageScan`, for one body of JSON: its own usage, and nothing that stands within it.

    It is decoded once it is asked for, and held until then; one that is too long for that is searched instead.
    """

    __slots__ = ("_found", "_pieces", "_scan", "_size")

    under_way = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._found: dict[str, int] = {}
        self._scan: UsageScan | None = None

    def feed(self, data: bytes) -> None:
        """Some more of the body."""
        if self._scan is not None:
            self._scan.feed(data)
            return
        self._pieces.append(data)
        self._size += len(data)
        if self._size > _MOST_HELD:
            self._scan = UsageScan(stream=False)
            self._scan.feed(b"".join(self._pieces))
            self._pieces = []

    @property
    def found(self) -> dict[str, int]:
        """The numbers of the usage; none before the body is whole."""
        if self._scan is not None:
            return self._scan.found
        if self._pieces:
            body = b"".join(self._pieces)
            self._pieces = [body]
            try:
                usage = _USAGE_OF(body).usage
            except (msgspec.MsgspecError, ValueError, RecursionError):
                return {}
            self._found, self._pieces = _numbers(usage) if usage else {}, []
        return self._found


class EndingUsage:
    """As `UsageScan`, for a stream of OpenAI's responses: what stands in the event that ends it, and nowhere else.

    Its first event repeats what the client wrote as JSON, tools' schemas among it, in which anything may stand.
    """

    __slots__ = ("_cutter", "found")

    under_way = False

    def __init__(self) -> None:
        self._cutter = EventCutter(self._event)
        self.found: dict[str, int] = {}

    def feed(self, data: bytes) -> None:
        """Look at some more of the body."""
        self._cutter.feed(data)

    def _event(self, event: bytes) -> bytes:
        if any(ending in event for ending in _ENDINGS):
            try:
                held = msgspec.json.decode(data_of(event) or b"null")
                if held["type"].encode() in _ENDINGS:
                    self.found = _numbers(held["response"]["usage"])
            except (msgspec.MsgspecError, RecursionError, KeyError, TypeError, AttributeError):
                return b""
        return b""


class UsageScan:
    """Follows one response. `found` holds the numbers of the usage, by their names."""

    __slots__ = ("_begun", "_carry", "_merge", "found")

    def __init__(self, *, stream: bool) -> None:
        self._merge = stream
        self._carry = b""
        self._begun = b""
        self.found: dict[str, int] = {}

    @property
    def under_way(self) -> bool:
        """Whether a usage has begun that isn't whole."""
        return bool(self._begun)

    def feed(self, data: bytes) -> None:
        """Look at some more of the body."""
        if self._begun:
            data, self._begun = self._begun + data, b""
        else:
            head = self._carry + data[:_CARRY]
            if _WORD not in data and _WORD not in head and b"usage" not in self._carry:
                self._carry = data[-_CARRY:] if len(data) >= _CARRY else head[-_CARRY:]
                return
            data = self._carry + data
        at = 0
        while (opened := _OPEN.search(data, at)) is not None:
            at = opened.end()
            end = self._object(data[at : at + _MOST_BYTES])
            if end == 0 and len(data) - at < _MOST_BYTES:
                self._begun = data[opened.start() :]
                self._carry = b""
                return
            at += end
        self._carry = data[max(at, len(data) - _CARRY) :]

    def _object(self, begun: bytes) -> int:
        """Take the object that `begun` starts with; its length, or 0 where it isn't whole."""
        try:
            value, end = _DECODER.raw_decode(begun.decode("latin-1"))
        except (ValueError, RecursionError):
            return 0
        numbers = _numbers(value)
        if self._merge:
            held = self.found
            numbers = {**held, **{name: max(value, held.get(name, 0)) for name, value in numbers.items()}}
        self.found = numbers
        return end


def _numbers(value: dict[str, object]) -> dict[str, int]:
    """The numbers of an object that count tokens; what stands within them is part of them."""
    # true and false are none
    return {name: one for name, one in value.items() if type(one) is int and 0 <= one < _TOO_MANY}
