"""OpenTelemetry: spans and events of generative-AI calls in OTLP JSON, old and current attribute names.

One exchange per span that calls a model (chat, text completion, generate content, embeddings); spans of
agents, tools, workflows and retrieval repeat their children's messages and are passed over. Where content
stands in log events instead of spans, `otel_halves` joins both by trace and span id. Decoding is in `otlp`,
names in `otel_names`, content in `otel_content`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from headwater.errors import BadRow, Where
from headwater.exchange.model import ONE_ACCOUNT
from headwater.exchange.readers import otlp
from headwater.exchange.readers.otel_content import CONTENT_EVENTS, Content, of_span, put
from headwater.exchange.readers.otel_halves import NO_PROMPT, Halves
from headwater.exchange.readers.otel_names import CALLER, OPERATION, callers, columns, endpoint
from headwater.exchange.readers.otlp import Span
from headwater.exchange.readers.protocol import Record, Row, bad

_FARTHEST: Final = 32

#: Trace and span id: span ids are unique in their trace only.
Key = tuple[str, str]


class OpenTelemetry:
    """Reader of OTLP JSON (one export request or one span per record).

    The account is the first present of `otel_names.ACCOUNT`, on the span, then on its ancestors in the same
    record, then on its resource. The id is `gen_ai.response.id`, so that a call traced twice is one exchange,
    else the trace and span id.
    """

    name = "otel"
    title = "OpenTelemetry GenAI spans (OTLP JSON)"
    hints: Mapping[str, str] = {
        "account": f"set user.id on the spans or on their resource, or {ONE_ACCOUNT}",
        "prompt": NO_PROMPT,
    }

    def __init__(self) -> None:
        self._halves = Halves()

    def recognises(self, record: Record) -> float:
        if otlp.is_request(record):
            return 0.95
        if not otlp.is_span(record):
            return 0.0
        named = otlp.attributes(record.get("attributes"))
        return 0.9 if any(key.startswith(("gen_ai.", "llm.")) for key in named) else 0.6

    def exchanges(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        for path, what in otlp.misfits(record):
            yield bad(where, path, what)
        held = otlp.spans(record)
        by_id = {_key(span): span for span in held if span.span} if len(held) > 1 else {}
        read = [(span, kind, of_span(span.attributes, span.events)) for span in held if (kind := _kind(span))]
        rows = {id(span): _row(span, kind, content, by_id) for span, kind, content in read}
        told_twice = _told_twice([(span, rows[id(span)]) for span, _, _ in read])
        for span, _, _ in read:
            row = rows[id(span)]
            if id(span) in told_twice:
                continue
            if "prompt" in row:
                yield row
            else:
                yield from self._halves.span(span, row, where)
        for place, event in otlp.logs(record):
            kind = _kind(place)
            if event.name not in CONTENT_EVENTS or (kind is None and OPERATION in place.attributes):
                continue
            yield from self._halves.event(place, event, _row(place, kind, Content(), {}), where)

    def finish(self) -> Iterator[tuple[Where, Row] | BadRow]:
        yield from self._halves.finish()


def _kind(span: Span) -> str | None:
    return endpoint(span.attributes)


def _row(span: Span, kind: str | None, content: Content, by_id: Mapping[Key, Span]) -> Row:
    """Columns of one call; `by_id`: the spans of the same record, for what only an ancestor says."""
    held = span.attributes
    row = columns(held)
    if kind is not None:
        row["endpoint"] = kind
    if not all(column in row for column in CALLER):
        row = {**_inherited(span, by_id), **row}
    response_id = held.get("gen_ai.response.id")
    if isinstance(response_id, str) and response_id:
        row["id"] = response_id
    elif span.trace or span.span:
        row["id"] = f"{span.trace}-{span.span}"
    if span.start_ns:
        row["at"] = span.start_ns // 1000
        if span.end_ns >= span.start_ns:
            row["latency_ms"] = (span.end_ns - span.start_ns) / 1e6
    put(row, content)
    if span.failed:
        row.setdefault("finish_reason", "error")
    return row


def _inherited(span: Span, by_id: Mapping[Key, Span]) -> Row:
    """What the resource, then the farthest ancestor, …, then the parent say about the caller."""
    above: list[otlp.Attributes] = []
    parent = by_id.get(_parent(span))
    while parent is not None and len(above) < _FARTHEST:
        above.append(parent.attributes)
        parent = by_id.get(_parent(parent))
    row = callers(span.resource)
    for attributes in reversed(above):
        row.update(callers(attributes))
    return row


def _key(span: Span) -> Key:
    return span.trace, span.span


def _parent(span: Span) -> Key:
    return span.trace, span.parent


def _circular(parents: Mapping[Key, Key]) -> set[Key]:
    """Spans that are their own ancestors: none of them is the inner one."""
    found: set[Key] = set()
    seen: set[Key] = set()
    for start in parents:
        way: dict[Key, int] = {}
        at = start
        while at in parents and at not in seen and at not in way:
            way[at] = len(way)
            at = parents[at]
        seen.update(way)
        if at in way:
            found.update(key for key, place in way.items() if place >= way[at])
    return found


def _told_twice(read: list[tuple[Span, Row]]) -> set[int]:
    """Spans (by `id()`) that describe the same call as their direct child or parent in this record.

    A framework and the client library that it uses both write a chat span. The inner one is nearer to the
    provider and is kept, unless only the outer one has the prompt; then that one is kept.
    """
    if len(read) < 2:
        return set()
    outer = {_key(span): (span, row) for span, row in read if span.span}
    circular = _circular({key: _parent(span) for key, (span, _) in outer.items()})
    dropped: set[int] = set()
    for span, row in read:
        above = outer.get(_parent(span))
        if above is None or (_key(span) in circular and _parent(span) in circular):
            continue
        asked, asked_above = row.get("prompt"), above[1].get("prompt")
        if asked is None and asked_above is not None:
            dropped.add(id(span))
        elif asked_above is None or asked == asked_above:
            dropped.add(id(above[0]))
    return dropped


reader = OpenTelemetry
