"""Langfuse: observations as its API, its exports to blob storage and its interface's downloads write them.

One exchange per GENERATION or EMBEDDING; other kinds of observation are passed over. The account stands on
the observation or on its trace; traces may come in the same export, before or after, and are joined by id.
Names are camelCase in the API and snake_case in exports of the database. Times are UTC, as Langfuse
documents; of those that name no zone nothing is noted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from headwater.errors import BadRow, Where
from headwater.exchange.model import ONE_ACCOUNT
from headwater.exchange.readers import bodies
from headwater.exchange.readers.messages import decoded
from headwater.exchange.readers.protocol import Record, Row, bad
from headwater.exchange.times import described

#: Observations that wait for their trace, and traces that are remembered.
WAITING: Final = 65_536
REMEMBERED: Final = 1_000_000

_KINDS: Final = ("GENERATION", "EMBEDDING")
_ALL_KINDS: Final = (
    *_KINDS,
    "SPAN",
    "EVENT",
    "AGENT",
    "TOOL",
    "CHAIN",
    "RETRIEVER",
    "EVALUATOR",
    "GUARDRAIL",
)
_NO_INPUT: Final = "include the field group io in the export (fields=core,basic,io,model,usage in the API)"
_NO_KIND: Final = f"kinds are {', '.join(_ALL_KINDS)}; exchanges are {' and '.join(_KINDS)}"


class Langfuse:
    """Reader of observations and their traces.

    The account is the observation's user id, else its trace's; the conversation is the session id likewise.
    An observation without user waits for its trace; beyond WAITING the oldest leaves without an account.
    Use a fresh reader per run.
    """

    name = "langfuse"
    title = "Langfuse observations"
    hints: Mapping[str, str] = {
        "account": f"export traces beside observations, with user ids set, or {ONE_ACCOUNT}",
        "prompt": _NO_INPUT,
    }

    def __init__(self) -> None:
        self._traces: dict[str, tuple[object, object]] = {}
        self._waiting: dict[str, list[tuple[Where, Row]]] = {}
        self._held = 0

    def recognises(self, record: Record) -> float:
        listed = record.get("data")
        if isinstance(listed, list) and listed and isinstance(listed[0], dict) and "meta" in record:
            record = listed[0]  # a page of the API
        if _either(record, "traceId", "trace_id") is None:
            return 0.9 if _is_trace(record) else 0.0
        if record.get("type") in _ALL_KINDS:
            return 0.95
        started = "startTime" in record or "start_time" in record
        return 0.8 if (started and "type" in record) or _is_score(record) else 0.0

    def exchanges(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        listed = record.get("data")
        if isinstance(listed, list):
            for inner in listed:
                if isinstance(inner, dict) and "data" not in inner:
                    yield from self.exchanges(inner, where)
                else:
                    yield bad(where, "data", "holds something that is no observation")
        elif _is_trace(record):
            yield from self._trace(record)
            yield from self._inside(decoded(record.get("observations")), where)
        else:
            yield from self._observation(record, where)

    def finish(self) -> Iterator[tuple[Where, Row] | BadRow]:
        """Observations whose trace never came: without an account."""
        for held in self._waiting.values():
            yield from held
        self._waiting, self._held = {}, 0

    def _trace(self, record: Record) -> Iterator[Row]:
        trace = record.get("id")
        user, session = _either(record, "userId", "user_id"), _either(record, "sessionId", "session_id")
        if not isinstance(trace, str) or (user is None and session is None):
            return
        if len(self._traces) < REMEMBERED:
            self._traces[trace] = user, session
        if user is None:
            return
        waiting = self._waiting.pop(trace, [])
        self._held -= len(waiting)
        for _, row in waiting:
            yield _with_trace(row, user, session)

    def _inside(self, observations: object, where: Where) -> Iterator[Row | BadRow]:
        """A trace's observations; texts are ids of some that stand elsewhere."""
        if observations is None or isinstance(observations, str):
            return
        if not isinstance(observations, list):
            yield bad(where, "observations", f"is {described(observations)}, not a list")
            return
        for held in observations:
            inner = decoded(held)
            if isinstance(inner, dict):
                yield from self._observation(inner, where)
            elif not isinstance(inner, str):
                yield bad(where, "observations", "holds something that is no observation")

    def _observation(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        kind = record.get("type")
        if not isinstance(kind, str) or kind.upper() not in _ALL_KINDS:
            if not _is_score(record):
                yield bad(where, "type", "is no kind of observation", _NO_KIND)
            return
        if kind.upper() not in _KINDS:
            return
        row = _row(record, kind.upper())
        if "prompt" not in row or row["prompt"] in bodies.REDACTED:
            yield bad(where, "input", "prompt not in log", _NO_INPUT)
            return
        trace = _either(record, "traceId", "trace_id")
        if isinstance(trace, str) and trace in self._traces:
            row = _with_trace(row, *self._traces[trace])
        elif isinstance(trace, str) and "account" not in row:
            self._waiting.setdefault(trace, []).append((where, row))
            self._held += 1
            if self._held > WAITING:
                oldest = self._waiting.pop(next(iter(self._waiting)))
                self._held -= len(oldest)
                yield from (row for _, row in oldest)
            return
        yield row


def _is_trace(record: Record) -> bool:
    """Whether this is a trace: it has a timestamp, a user and a session (or nulls), and is no observation."""
    return (
        "timestamp" in record
        and "type" not in record
        and ("userId" in record or "user_id" in record)
        and ("sessionId" in record or "session_id" in record)
    )


def _is_score(record: Record) -> bool:
    """Whether this is a score, which exports hold beside observations: nothing to read."""
    return "value" in record and ("dataType" in record or "data_type" in record)


def _with_trace(row: Row, user: object, session: object) -> Row:
    if user is not None:
        row.setdefault("account", user)
    if session is not None:
        row.setdefault("conversation", session)
    return row


def _either(record: Record, *names: str) -> object:
    for name in names:
        if (value := record.get(name)) is not None and value != "":
            return value
    return None


def _row(record: Record, kind: str) -> Row:
    row: Row = {}
    start = bodies.moment(_either(record, "startTime", "start_time"))
    end = bodies.moment(_either(record, "endTime", "end_time"))
    bodies.merge(
        row,
        {
            "id": record.get("id"),
            "at": start,
            "account": _either(record, "userId", "user_id"),
            "conversation": _either(record, "sessionId", "session_id"),
            "model": _either(record, "model", "providedModelName", "provided_model_name"),
            "latency_ms": bodies.between_ms(start, end),
            "endpoint": "embeddings" if kind == "EMBEDDING" else None,
            "finish_reason": "error" if record.get("level") == "ERROR" else None,
        },
    )
    _put_usage(row, record)
    tools = decoded(_either(record, "toolDefinitions", "tool_definitions"))
    if isinstance(tools, dict | list) and tools:
        row["tools"] = len(tools)
    parameters = decoded(_either(record, "modelParameters", "model_parameters"))
    bodies.ask(row, record.get("input"), parameters if isinstance(parameters, dict) else {})
    bodies.reply(row, record.get("output"))
    if row.get("response") in bodies.REDACTED:
        del row["response"]
    return row


def _put_usage(row: Row, record: Record) -> None:
    """Token counts: all kinds of input together (cached ones are counted apart), all kinds of output."""
    tables = (decoded(record.get(name)) for name in ("usageDetails", "usage_details", "usage"))
    usage = next((table for table in tables if isinstance(table, dict) and table), {})
    for column, stems, plain in (
        ("input_tokens", ("input", "prompt"), "inputUsage"),
        ("output_tokens", ("output", "completion"), "outputUsage"),
    ):
        for stem in stems:
            counts = [
                int(value)
                for key, value in usage.items()
                if stem in key and not key.endswith("Cost") and _is_count(value)
            ]
            if counts:
                row[column] = sum(counts)
                break
        bodies.merge(row, {column: record.get(plain)})


def _is_count(value: object) -> bool:
    """Whether this is a whole number of at most 18 digits, or its text (databases write 64 bits as text)."""
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) < 19
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18


reader = Langfuse
