"""Follows one answer as it passes: what it used, how much was written so far, and what is left out of it."""

from __future__ import annotations

import re
from typing import Final, Protocol

from headwater.exchange.answer.events import Change, EventCutter
from headwater.exchange.answer.hiding import WORDS, Thoughts, own_usage
from headwater.exchange.answer.usage import EndingUsage, UsageScan, WholeUsage

#: Bytes of text that are counted as one token where a model's server packs several into an event.
_TOKEN_BYTES: Final = 3
#: Bytes of an event that aren't text, at most: beyond them it holds several tokens.
_ENVELOPE: Final = 400
_OK: Final = 200
_USAGE_WORD: Final = b'"usage"'
#: Not as what isn't there yet, as OpenAI's servers speak of it in each event.
_USAGE_TOLD: Final = re.compile(rb'"usage"(?!: ?null)')
_EVENT_END: Final = b"\n\n"
#: Which numbers count, by the endpoint's own names: others may be a client's own words that come back.
_NAMES: Final = ("input_tokens", "output_tokens")
_CHAT_NAMES: Final = ("prompt_tokens", "completion_tokens")
_CHATS: Final = ("chat", "completion", "embeddings")


class AnswerHead(Protocol):
    """What of an answer's head is looked at."""

    status: int

    def get(self, name: bytes) -> bytes | None:
        """The value of the first header `name` (in small letters); None where there is none."""


class Answering:
    """One answer. `streams`: it comes as events; `changes`: bytes of it may be left out."""

    __slots__ = (
        "_cutter", "_endpoint", "_event_bytes", "_held", "_length", "_quiet", "_received", "_scan", "_thoughts",
        "_words", "changes", "events", "ok", "sealed", "streams",
    )  # fmt: skip

    def __init__(
        self, head: AnswerHead, endpoint: str, *, hide_usage: bool, hide_reasoning: bool, length: int = -1
    ) -> None:
        """`length`: of the body in bytes, below 0 where it isn't known."""
        kind = (head.get(b"content-type") or b"").lower()
        self.streams = streams = kind.startswith(b"text/event-stream")
        self.ok = head.status == _OK
        self.events = self._received = 0
        self._scan = _scan_of(endpoint, streams=streams)
        self._endpoint, self._length = endpoint, length
        #: Whether reasoning is to be left out, and nobody can: it is packed, though it wasn't asked for so.
        self.sealed = self.changes = False
        self._thoughts: Thoughts | None = None
        if hide_reasoning and self.ok:
            self.sealed = (head.get(b"content-encoding") or b"identity").lower() != b"identity"
            if streams or b"json" in kind or not kind:
                self._thoughts = Thoughts(endpoint)
                self._held: list[bytes] = []
                self.changes = True
        if streams:
            self._event_bytes = _ENVELOPE  # of the shortest event: what isn't text in each
            #: Whether no event is under way, and whole events without one of the words can pass as they are.
            self._quiet = True
            self._words = () if self._thoughts is None else WORDS
            self._cutter: EventCutter | None = None
            if hide_usage or self._thoughts:
                self._cutter = EventCutter(self._change(hide_usage))
                self.changes = True

    def feed(self, data: bytes) -> bytes | None:
        """Some of the answer; what stands in its place, None where it stays."""
        self._received += len(data)
        if self.streams:
            return self._events(data)
        self._scan.feed(data)
        if self._thoughts is None:
            return None
        self._held.append(data)
        ended = self._received == self._length
        if not ended and not data.rstrip().endswith(b"}"):
            return b""
        body = b"".join(self._held)
        whole = self._thoughts.body(body)
        if whole is None and not ended:
            return b""
        self._held = []
        return body if whole is None else whole

    @property
    def usage(self) -> tuple[int, int] | None:
        """Tokens of input and output as the model's server counted them; None where it hasn't said."""
        names = _CHAT_NAMES if self._endpoint in _CHATS else _NAMES
        found = self._scan.found
        inputs, outputs = found.get(names[0]), found.get(names[1])
        if inputs is None and outputs is None:
            names = _NAMES if names is _CHAT_NAMES else _CHAT_NAMES
            inputs, outputs = found.get(names[0]), found.get(names[1])
        if inputs is None:
            return None if outputs is None else (0, outputs)
        if self._endpoint == "messages":  # Anthropic counts cached input apart
            inputs += found.get("cache_creation_input_tokens", 0) + found.get("cache_read_input_tokens", 0)
        return inputs, outputs or 0

    @property
    def written(self) -> int:
        """About how many tokens were written so far, of all answers together: at least one an event."""
        if not self.streams:
            return -(-self._received // _TOKEN_BYTES)
        packed = self._received - self.events * self._event_bytes if self.events else 0
        return self.events + max(0, packed) // _TOKEN_BYTES

    def _events(self, data: bytes) -> bytes | None:
        """Some of a stream: what is looked for is cut into events, with all that comes behind it in the piece."""
        self._count(data)
        passed = b""
        if self._quiet:
            passing = self._passing(data)
            if passing == len(data):
                return None
            passed, data = data[:passing], data[passing:]
        self._scan.feed(data)
        cutter = self._cutter
        rest = None if cutter is None else cutter.feed(data)
        self._quiet = (
            data[-2:] == _EVENT_END
            and not self._scan.under_way
            and (cutter is None or not cutter.holds)
            and (self._thoughts is None or not self._thoughts.renumbers)
        )
        return None if rest is None else passed + rest

    def _passing(self, data: bytes) -> int:
        """Bytes of the whole events that come before the first in which something is looked for."""
        end = len(data)
        if _USAGE_WORD in data and (told := _USAGE_TOLD.search(data)) is not None:
            end = told.start()
        for word in self._words:
            at = data.find(word, 0, end)
            if at >= 0:
                end = at
        if end == len(data) and data[-2:] == _EVENT_END:
            return end
        at = data.rfind(_EVENT_END, 0, end)
        return at + 2 if at >= 0 else 0

    def _count(self, data: bytes) -> None:
        ended = data.count(_EVENT_END) or data.count(b"\r\n\r\n")
        if ended:
            self.events += ended
            each = len(data) // ended
            if each < self._event_bytes and not data.endswith(b"[DONE]\n\n"):
                self._event_bytes = each

    def _change(self, hide_usage: bool) -> Change:
        thoughts = self._thoughts
        if thoughts is None:
            return own_usage
        if not hide_usage:
            return thoughts.event
        return lambda event: own_usage(thoughts.event(event))


def _scan_of(endpoint: str, *, streams: bool) -> UsageScan | EndingUsage | WholeUsage:
    """What finds the usage of an answer."""
    if not streams:
        return WholeUsage()
    return EndingUsage() if endpoint == "responses" else UsageScan(stream=True)
