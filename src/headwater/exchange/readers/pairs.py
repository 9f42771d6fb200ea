"""One HTTP exchange in one record: a request body, an answer body and whatever a gateway writes around them.

There is no standard for this; the names here are those in common use, and the two readers built on it tell
OpenAI's bodies from Anthropic's. Secrets of callers are never read, only names and hashes of their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from headwater.errors import BadRow, Where
from headwater.exchange.readers.calls import (
    answer_columns,
    endpoint_of,
    first,
    part,
    request_columns,
)
from headwater.exchange.readers.clients import fingerprints
from headwater.exchange.readers.messages import decoded
from headwater.exchange.readers.protocol import Record, Row
from headwater.exchange.times import TimeFormatError, instant

#: Names of the two halves, tried in this order.
_HALVES: Final = (
    ("request", "response"),
    ("request_body", "response_body"),
    ("requestBody", "responseBody"),
    ("req", "res"),
)
#: Names that a gateway gives to what stands around the bodies, per column.
_AROUND: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "request_id", "requestId", "trace_id", "log_id", "uuid"),
    "at": (
        "at",
        "timestamp",
        "time",
        "created_at",
        "createdAt",
        "start_time",
        "startTime",
        "started_at",
        "@timestamp",
        "ts",
        "date",
    ),
    "account": (
        "account",
        "account_id",
        "accountId",
        "api_key_id",
        "apiKeyId",
        "key_id",
        "api_key_hash",
        "key_hash",
        "user_id",
        "userId",
        "customer_id",
    ),
    "organisation": (
        "organisation",
        "organization",
        "organisation_id",
        "organization_id",
        "org_id",
        "tenant",
        "tenant_id",
        "team_id",
        "workspace_id",
    ),
    "conversation": ("conversation", "conversation_id", "session_id", "sessionId", "thread_id"),
    "status": ("status", "status_code", "statusCode", "http_status", "response_status"),
    "cancelled": ("cancelled", "canceled", "aborted", "client_disconnected", "clientDisconnected"),
    "latency_ms": ("latency_ms", "latencyMs", "duration_ms", "durationMs", "response_time_ms"),
    "ip": ("ip", "client_ip", "clientIp", "remote_addr", "remote_ip"),
    "user_agent": ("user_agent", "userAgent"),
    "tls": ("tls", "ja4", "ja3", "tls_fingerprint"),
    "ja4h": ("ja4h", "ja4h_fingerprint"),
    "http2": ("http2", "http2_fingerprint", "h2_fingerprint", "akamai_fingerprint"),
    "header_order": ("header_order", "headerOrder"),
    "endpoint": ("endpoint", "route"),
}
_COLUMN_OF: Final = {
    name: (column, rank) for column, names in _AROUND.items() for rank, name in enumerate(names)
}
#: Gateways' own status for a client that left before the answer's end (nginx and those who followed it).
_LEFT: Final = (499, "499")
_ENDS: Final = ("end_time", "endTime", "ended_at", "completed_at")


class Half:
    """A request or an answer: its body, and the HTTP envelope around it if there is one."""

    def __init__(self, held: object) -> None:
        outer = decoded(held)
        self.envelope: Mapping[str, object] = {}
        self.body: Mapping[str, object] = {}
        if isinstance(outer, dict):
            inner = decoded(outer.get("body"))
            enveloped = isinstance(inner, dict)
            self.body = inner if isinstance(inner, dict) else outer
            self.envelope = outer if enveloped or "headers" in outer else {}

    def headers(self) -> Iterable[tuple[object, object]]:
        """Names and values of the headers."""
        headers = self.envelope.get("headers")
        return headers.items() if isinstance(headers, dict) else ()

    def header(self, name: str) -> object:
        """A header's first value, whatever the case of its name."""
        found = next(
            (value for key, value in self.headers() if isinstance(key, str) and key.lower() == name), None
        )
        return found[0] if isinstance(found, list) and found else found


def halves(record: Record) -> tuple[Half, Half] | None:
    """Request and answer of a record; None where there is no request."""
    for asked, answered in _HALVES:
        if asked in record:
            return Half(record[asked]), Half(record.get(answered))
    return None


def pair_row(record: Record, asked: Half, answered: Half) -> Row:
    """All columns of one pair."""
    url = first(asked.envelope, ("url", "path", "uri")) or first(record, ("url", "path", "uri"))
    row = request_columns(asked.body, endpoint_of(url))
    row.update(answer_columns(answered.body))
    _read_around(record, row)
    row["endpoint"] = endpoint_of(row["endpoint"]) or row["endpoint"]
    row.setdefault("id", answered.body.get("id"))
    row.setdefault("at", first(answered.body, ("created", "created_at")))
    if row.get("status") is None:
        row["status"] = first(answered.envelope, ("status", "status_code", "statusCode"))
    if row.get("cancelled") is None:
        row["cancelled"] = _cancelled(row["status"], answered)
    if row.get("user_agent") is None:
        row["user_agent"] = asked.header("user-agent")
    if row.get("ip") is None and isinstance(forwarded := asked.header("x-forwarded-for"), str):
        row["ip"] = forwarded.partition(",")[0].strip()
    for column, value in fingerprints(asked.headers()).items():
        if row.get(column) is None:
            row[column] = value
    if row.get("latency_ms") is None:
        row["latency_ms"] = _elapsed(row.get("at"), first(record, _ENDS))
    return row


def _cancelled(status: object, answered: Half) -> bool | None:
    """Whether the client left, by the gateway's status or the Responses API's own word; None where neither says."""
    left = status in _LEFT or answered.body.get("status") == "cancelled"
    return True if left else None


def _read_around(record: Record, row: Row) -> None:
    """Put what stands around the bodies into `row`; of several names for a column the first one counts."""
    ranks: dict[str, int] = {}
    for key, value in record.items():
        if (known := _COLUMN_OF.get(key)) is not None and value is not None:
            column, rank = known
            if rank < ranks.get(column, 100):
                row[column] = value
                ranks[column] = rank


def _elapsed(begin: object, end: object) -> float | None:
    if begin is None or end is None:
        return None
    try:
        return (instant(end)[0] - instant(begin)[0]) / 1000
    except TimeFormatError:
        return None


def single(record: Record, where: Where, what: str) -> Iterator[Row | BadRow]:
    """The one exchange of a pair record."""
    found = halves(record)
    if found is None or not found[0].body:
        yield BadRow(what, Where(where.file, where.row, "request"))
        return
    yield pair_row(record, *found)


def describes(record: Record) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Bodies of request and answer, for recognition; empty where there are none."""
    found = halves(record)
    return (found[0].body, found[1].body) if found else ({}, {})


__all__ = ["Half", "describes", "halves", "pair_row", "part", "single"]
