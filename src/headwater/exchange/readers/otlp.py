"""OTLP in JSON as flat spans and log records: attributes as plain dicts, times as integers.

Reads one ExportTraceServiceRequest or ExportLogsServiceRequest (what the file exporter of the collector
writes, one per line), and single spans as SDKs print them. Knows nothing of generative AI: that is `otel`.
Schema: opentelemetry-proto, trace/v1, logs/v1, common/v1 (JSON mapping: camelCase, 64-bit integers as text).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.exchange.readers.protocol import Record
from headwater.exchange.times import TimeFormatError, described, instant

Attributes = dict[str, object]

_NOTHING: Final[Mapping[str, object]] = {}
_REQUESTS: Final = ("resourceSpans", "resourceLogs", "resourceMetrics", "resource_spans")
#: Names on the way from a request to its spans or log records, old ones too.
_STEPS: Final = (
    (
        ("resourceSpans", "resource_spans"),
        ("scopeSpans", "scope_spans", "instrumentationLibrarySpans"),
        ("spans",),
    ),
    (("resourceLogs",), ("scopeLogs",), ("logRecords",)),
)
_DEEPEST: Final = 16
#: End of the year 9999 in nanoseconds: later times are no times.
_LATEST_NS: Final = 253_402_300_799_000_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """A span's event or a log record: its name, attributes and (logs only) decoded body."""

    name: str
    attributes: Attributes
    body: object = None


@dataclass(frozen=True, slots=True)
class Span:
    """One span, or the place of a log record.

    Ids in lower case, times in nanoseconds since the epoch (0: unknown). `resource` holds the attributes of
    its resource, `failed` whether its status is an error.
    """

    trace: str
    span: str
    parent: str
    start_ns: int
    end_ns: int
    attributes: Attributes
    events: tuple[Event, ...]
    resource: Attributes
    failed: bool = False


def is_request(record: Record) -> bool:
    """Whether `record` is an export request: of spans, of logs, or of metrics (nothing to read in these)."""
    return any(isinstance(record.get(key), list) for key in _REQUESTS)


def is_span(record: Record) -> bool:
    """Whether `record` is one span on its own, as SDKs print it (JSON of a console exporter or of a span)."""
    if "attributes" not in record or not isinstance(record.get("name"), str):
        return False
    return ("spanId" in record and "traceId" in record) or isinstance(record.get("context"), dict)


def spans(record: Record) -> list[Span]:
    """All spans of a request, or the one span that `record` is; parts of wrong types are left out (see `misfits`)."""
    if is_span(record):
        held = _mapping(record.get("resource"))
        return [_span(record, attributes(held.get("attributes")))]
    found: list[Span] = []
    blocks, scopes, _ = _STEPS[0]
    for block in _under(record, blocks):
        resource = attributes(_mapping(block.get("resource")).get("attributes"))
        for scope in _under(block, scopes):
            found.extend(_span(span, resource) for span in _mappings(scope.get("spans")))
    return found


def logs(record: Record) -> Iterator[tuple[Span, Event]]:
    """All log records of a request, each with its place (ids, time, resource) as a Span without duration."""
    for block in _mappings(record.get("resourceLogs")):
        resource = attributes(_mapping(block.get("resource")).get("attributes"))
        for scope in _mappings(block.get("scopeLogs")):
            for entry in _mappings(scope.get("logRecords")):
                held = attributes(entry.get("attributes"))
                at = _nanoseconds(entry.get("timeUnixNano")) or _nanoseconds(
                    entry.get("observedTimeUnixNano")
                )
                name = entry.get("eventName") or held.get("event.name") or held.get("event_name")
                trace, span = _id(entry.get("traceId")), _id(entry.get("spanId"))
                place = Span(trace, span, "", at, 0, held, (), resource)
                yield place, Event(_text(name), held, _value(entry.get("body")))


def misfits(record: Record) -> Iterator[tuple[str, str]]:
    """(dotted path, what is wrong) of each list or object that is none, so that what it holds cannot be read."""
    if is_span(record):
        yield from _no_attributes(record, "")
        return
    for steps in _STEPS:
        yield from _misfits(record, steps, "")


def _misfits(
    held: Mapping[str, object], steps: tuple[tuple[str, ...], ...], at: str
) -> Iterator[tuple[str, str]]:
    names, *rest = steps
    for name in names:
        inner = held.get(name)
        if inner is None:
            continue
        if not isinstance(inner, list):
            yield f"{at}{name}", f"is {described(inner)}, not a list"
            continue
        for number, item in enumerate(inner):
            place = f"{at}{name}[{number}]"
            if not isinstance(item, dict):
                yield place, f"is {described(item)}, not an object"
            elif rest:
                yield from _misfits(item, tuple(rest), f"{place}.")
            else:
                yield from _no_attributes(item, f"{place}.")


def _no_attributes(held: Mapping[str, object], at: str) -> Iterator[tuple[str, str]]:
    inner = held.get("attributes")
    if inner is not None and not isinstance(inner, list | dict):
        yield f"{at}attributes", f"is {described(inner)}, not a list"


def attributes(held: object) -> Attributes:
    """Attributes as a dict, from OTLP's list of {key, value} or from a plain object."""
    if isinstance(held, dict):
        return {key: value for key, value in held.items() if isinstance(key, str)}
    if not isinstance(held, list):
        return {}
    found: Attributes = {}
    for pair in held:
        if isinstance(pair, dict) and isinstance(key := pair.get("key"), str):
            value = pair.get("value")
            if isinstance(value, dict) and "stringValue" in value:  # by far the most frequent
                found[key] = value["stringValue"]
            else:
                found[key] = _value(value)
    return found


def _value(held: object, depth: int = 0) -> object:
    """Decoded AnyValue; None where it is none of the union's members."""
    if not isinstance(held, dict) or depth > _DEEPEST:
        return None
    if (text := held.get("stringValue")) is not None:
        return text
    if (whole := held.get("intValue")) is not None:
        return _whole(whole)
    for key in ("doubleValue", "boolValue", "bytesValue"):
        if (plain := held.get(key)) is not None:
            return plain
    if "arrayValue" in held:
        return [_value(item, depth + 1) for item in _list(_mapping(held["arrayValue"]).get("values"))]
    if "kvlistValue" in held:
        pairs = _mappings(_mapping(held["kvlistValue"]).get("values"))
        return {
            k: _value(one.get("value"), depth + 1) for one in pairs if isinstance(k := one.get("key"), str)
        }
    return None


def _under(held: Mapping[str, object], names: tuple[str, ...]) -> list[Mapping[str, object]]:
    """What stands under any of these names: exporters may write the others too, empty."""
    return [item for name in names for item in _mappings(held.get(name))]


def _span(span: Mapping[str, object], resource: Attributes) -> Span:
    context = _mapping(span.get("context"))
    events = tuple(
        Event(_text(event.get("name")), attributes(event.get("attributes")))
        for event in _mappings(span.get("events"))
    )
    status = _mapping(span.get("status"))
    code = status.get("code", status.get("status_code"))
    return Span(
        trace=_id(span.get("traceId") or context.get("trace_id")),
        span=_id(span.get("spanId") or context.get("span_id")),
        parent=_id(span.get("parentSpanId") or span.get("parent_id")),
        start_ns=_nanoseconds(span.get("startTimeUnixNano", span.get("start_time"))),
        end_ns=_nanoseconds(span.get("endTimeUnixNano", span.get("end_time"))),
        attributes=attributes(span.get("attributes")),
        events=events,
        resource=resource,
        failed=code in (2, "2", "STATUS_CODE_ERROR", "ERROR"),
    )


def _nanoseconds(held: object) -> int:
    """Nanoseconds since the epoch from OTLP's integer or text, or from ISO 8601; 0 where there are none."""
    whole = _whole(held)
    if isinstance(whole, int):
        return whole if 0 < whole < _LATEST_NS else 0
    if not isinstance(held, str):
        return 0
    try:
        return max(0, instant(held)[0] * 1000)
    except TimeFormatError:
        return 0


def _whole(held: object) -> object:
    """An integer where `held` is one or the decimal text of one; else `held`."""
    if isinstance(held, str) and len(held) < 24:
        try:
            return int(held)
        except ValueError:
            return held
    return held


def _id(held: object) -> str:
    """An identifier in lower case (its hex digits may be of any case); consoles put 0x before it."""
    return held.lower().removeprefix("0x") if isinstance(held, str) else ""


def _text(held: object) -> str:
    return held if isinstance(held, str) else ""


def _list(held: object) -> list[object]:
    return held if isinstance(held, list) else []


def _mapping(held: object) -> Mapping[str, object]:
    return held if isinstance(held, dict) else _NOTHING


def _mappings(held: object) -> list[Mapping[str, object]]:
    return [item for item in held if isinstance(item, dict)] if isinstance(held, list) else []
