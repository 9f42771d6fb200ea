"""Joins a model call's span with the log events that hold its messages, by trace and span id.

Instrumentations may write content as events only; spans and events then arrive in any order, often in
different files. A bounded number of calls wait; beyond it the oldest leaves with what it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from headwater.errors import BadRow, Where
from headwater.exchange.readers.otel_content import of_events, put
from headwater.exchange.readers.otlp import Event, Span
from headwater.exchange.readers.protocol import Row, bad

#: Calls that wait for their other half, and events that one call can have.
WAITING: Final = 65_536
_EVENTS: Final = 2048
NO_PROMPT: Final = (
    "record message content: OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only"
    " (true in older instrumentations), TRACELOOP_TRACE_CONTENT=true; or give the logs beside the traces"
)


@dataclass(slots=True)
class _Half:
    """What is known of one call: its span's row, the columns its events gave, the events themselves."""

    where: Where
    row: Row | None = None
    known: Row = field(default_factory=dict)
    events: list[tuple[int, Event]] = field(default_factory=list)


class Halves:
    """Calls that wait; `span` and `event` take one half each and give what had to leave."""

    def __init__(self, limit: int = WAITING) -> None:
        self._limit = limit
        self._waiting: dict[tuple[str, str], _Half] = {}

    def span(self, span: Span, row: Row, where: Where) -> Iterator[Row | BadRow]:
        """A call whose span has no prompt; `row`: its columns."""
        half = self._half(span, where)
        if half.row is None:
            half.row, half.where = row, where
        yield from self._leave(span, half)

    def event(self, place: Span, event: Event, known: Row, where: Where) -> Iterator[Row | BadRow]:
        """One log event with content; `known`: what its own attributes and resource say about the call."""
        half = self._half(place, where)
        if len(half.events) < _EVENTS:
            half.events.append((place.start_ns, event))
        earlier = half.known.get("at", known.get("at"))
        half.known = {**known, **half.known}
        if isinstance(earlier, int) and isinstance(at := known.get("at"), int):
            half.known["at"] = min(earlier, at)
        yield from self._leave(place, half)

    def finish(self) -> Iterator[tuple[Where, Row] | BadRow]:
        """All that still wait, in the order in which they came."""
        while self._waiting:
            half = self._waiting.pop(next(iter(self._waiting)))
            whole = _whole(half)
            yield whole if isinstance(whole, BadRow) else (half.where, whole)

    def _half(self, place: Span, where: Where) -> _Half:
        if not place.span:  # nothing to be joined by
            return _Half(where)
        return self._waiting.setdefault((place.trace, place.span), _Half(where))

    def _leave(self, place: Span, half: _Half) -> Iterator[Row | BadRow]:
        if not place.span:
            yield _whole(half)
        while len(self._waiting) > self._limit:
            yield _whole(self._waiting.pop(next(iter(self._waiting))))


def _whole(half: _Half) -> Row | BadRow:
    row = {**half.known, **(half.row or {})}
    put(row, of_events(event for _, event in sorted(half.events, key=itemgetter(0))))
    if "prompt" not in row:
        return bad(half.where, "gen_ai.input.messages", "prompt not in log", NO_PROMPT)
    return row
