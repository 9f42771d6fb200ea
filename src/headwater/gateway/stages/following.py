"""Objects that a response tells of, as it passes: a stored response with its items, a batch with its files, a file.

A stream is followed event by event, and only those events are decoded that name something; a body is read once it is
whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from headwater.exchange import DecodingError, decode
from headwater.exchange.answer import EventCutter, data_of
from headwater.gateway.stages.naming import names_of

#: Bytes of a body, or of an event, that are held at most; of one that is longer nothing is told.
_MOST: Final = 16 << 20
_ENDED: Final = frozenset(("completed", "failed", "incomplete", "cancelled", "expired"))
#: What an event holds that `in_response` or `in_message` finds something in.
NAMES: Final = b'"id"'
MADE: Final = b'id"'
_LONGEST_NAME: Final = 256


class Told(NamedTuple):
    """An object that a response tells of. `kind` as in `Owned`; `tokens`: of a response, with what it carries on."""

    name: str
    kind: str
    tokens: int = 0


class Body:
    """A body of JSON, held until it is whole."""

    def __init__(self, length: int = -1) -> None:
        """`length`: in bytes, below 0 where it isn't known."""
        self._length = length
        self._pieces: list[bytes] = []
        self._size = 0
        #: What it says; None as long as it isn't whole, or where it is no JSON object.
        self.said: dict[str, Any] | None = None

    def feed(self, data: bytes) -> bool:
        """Some more of it; whether nothing more is to be waited for: it is whole, or it is none."""
        self._pieces.append(data)
        self._size += len(data)
        ended = self._size == self._length
        if self._size > _MOST:
            return True
        if not ended and not data.rstrip().endswith(b"}"):
            return False
        self.said = _object(self.raw)
        return ended or self.said is not None

    @property
    def raw(self) -> bytes:
        """All of it so far."""
        if len(self._pieces) != 1:
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0]


class Following:
    """Follows one answer, streamed or not, for what it names."""

    def __init__(self, find: Callable[[dict[str, Any]], list[Told]], word: bytes, *, streams: bool) -> None:
        """`find` is given a body, or an event, that holds `word`."""
        self._find, self._word = find, word
        self._found: list[Told] = []
        self._body = Body()
        self._whole = False
        self._cutter = EventCutter(self._event) if streams else None

    def feed(self, data: bytes) -> list[Told]:
        """Some more of it; what it tells of."""
        if self._cutter is not None:
            self._cutter.feed(data)
        elif not self._whole and self._body.feed(data):
            self._whole = True
            if self._body.said is not None:
                self._found = self._find(self._body.said)
        found, self._found = self._found, []
        return found

    def _event(self, event: bytes) -> bytes:
        said = _object(data_of(event) or b"") if self._word in event else None
        if said is not None:
            self._found += self._find(said)
        return b""


def in_response(said: dict[str, Any]) -> list[Told]:
    """What one of OpenAI's responses, or an event of its stream, tells of."""
    whole = said.get("response")
    whole = whole if isinstance(whole, dict) else said
    found = [*_items(whole.get("output")), *_items([said.get("item")])]
    if "output" in whole and _is_name(whole.get("id")):
        usage = whole.get("usage")
        counted = [usage.get("input_tokens"), usage.get("output_tokens")] if isinstance(usage, dict) else []
        tokens = sum(one for one in counted if isinstance(one, int) and not isinstance(one, bool))
        found.insert(0, Told(whole["id"], "response", max(0, tokens)))
    return found


def in_message(said: dict[str, Any]) -> list[Told]:
    """The container of an Anthropic message, or of an event of its stream."""
    places = (said, said.get("message"), said.get("delta"))
    held = [
        one["container"] for one in places if isinstance(one, dict) and isinstance(one.get("container"), dict)
    ]
    return [Told(one["id"], "item") for one in held if _is_name(one.get("id"))]


def has_ended(said: dict[str, Any] | None) -> bool:
    """Whether a response, or a batch, won't change any more."""
    return said is not None and (said.get("status") in _ENDED or said.get("processing_status") == "ended")


def files_of(batch: dict[str, Any]) -> list[Told]:
    """The files that an OpenAI batch has written."""
    names = (batch.get("output_file_id"), batch.get("error_file_id"))
    return [Told(name, "results") for name in names if isinstance(name, str) and _is_name(name)]


def _items(items: Any) -> Iterator[Told]:
    """Items by their names, and what they tell of."""
    held = [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
    yield from _named("item", [one.get("id") for one in held])
    yield from _named("item", names_of(held))


def _named(kind: str, names: Iterable[Any]) -> Iterator[Told]:
    return (Told(name, kind) for name in names if _is_name(name))


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        held = decode(data)
    except DecodingError:
        return None
    return held if isinstance(held, dict) else None
