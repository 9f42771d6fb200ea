"""Helicone: requests as its API answers them and its export tool writes them (JSON lines, JSON or CSV).

One exchange per request. Bodies are the providers' own. Events of tools, vector stores and other data that
the same table holds ask no model and are passed over; cached answers count. Times without
a zone are taken as UTC, and noted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from headwater.errors import BadRow, Where
from headwater.exchange.model import ONE_ACCOUNT
from headwater.exchange.readers import bodies
from headwater.exchange.readers.calls import endpoint_of
from headwater.exchange.readers.messages import decoded
from headwater.exchange.readers.protocol import Record, Row, bad

_NO_BODY: Final = (
    "export with bodies (npx @helicone/export --include-body), of requests sent without Helicone-Omit-Request"
)
_EVENTS: Final = ("tool", "vector_db", "data")
_SESSION: Final = "Helicone-Session-Id"
_USER: Final = "Helicone-User-Id"


class Helicone:
    """Reader of requests.

    The account is the first present of `request_user_id`, `user_id`, `helicone_user`, the property
    Helicone-User-Id, the request body's `user`, `key_name`. The conversation is the property
    Helicone-Session-Id.
    """

    name = "helicone"
    title = "Helicone requests"
    hints: Mapping[str, str] = {
        "account": f"send Helicone-User-Id with each request, or {ONE_ACCOUNT}",
        "prompt": _NO_BODY,
    }

    def recognises(self, record: Record) -> float:
        listed = record.get("data")
        if isinstance(listed, list) and listed and isinstance(listed[0], dict) and "error" in record:
            record = listed[0]  # an answer of the API
        if "request_created_at" not in record:
            return 0.0
        # Surer than a reader of bare bodies can be, which these records hold as well.
        return 1.0 if "request_id" in record or "response_id" in record else 0.5

    def exchanges(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        listed = record.get("data")
        if isinstance(listed, list) and "request_created_at" not in record:
            for inner in listed:
                if isinstance(inner, dict) and "request_created_at" in inner:
                    yield from self.exchanges(inner, where)
                else:
                    yield bad(where, "data", "holds something that is no request")
            return
        asked = decoded(record.get("request_body"))
        body: Mapping[str, object] = asked if isinstance(asked, dict) else {}
        if body.get("_type") in _EVENTS:
            return
        row = _row(record, body)
        bodies.ask(row, asked if isinstance(asked, dict) else record.get("request_body"))
        schema = decoded(record.get("llmSchema"))
        if (
            "prompt" not in row
            and isinstance(schema, dict)
            and isinstance(inner := schema.get("request"), dict)
        ):
            bodies.ask(row, inner)
        bodies.reply(row, record.get("response_body"))
        if "prompt" in row and row["prompt"] not in bodies.REDACTED:
            yield row
        else:
            yield bad(where, "request_body", "prompt not in log", _NO_BODY)


def _row(record: Record, body: Mapping[str, object]) -> Row:
    properties = decoded(record.get("request_properties") or record.get("properties"))
    held: Mapping[str, object] = properties if isinstance(properties, dict) else {}
    row: Row = {}
    columns = {
        "id": bodies.present(record.get("request_id"), record.get("response_id")),
        "at": bodies.stamp(record.get("request_created_at")),
        "account": bodies.present(
            record.get("request_user_id"),
            record.get("user_id"),
            record.get("helicone_user"),
            held.get(_USER),
            body.get("user"),
            record.get("key_name"),
        ),
        "conversation": held.get(_SESSION),
        "model": bodies.present(record.get("request_model"), body.get("model"), record.get("model")),
        "endpoint": bodies.present(
            endpoint_of(record.get("request_path")), endpoint_of(record.get("target_url"))
        ),
        "status": _status(record.get("response_status", record.get("status"))),
        "latency_ms": bodies.present(record.get("delay_ms"), record.get("latency")),
        "input_tokens": record.get("prompt_tokens"),
        "output_tokens": record.get("completion_tokens"),
    }
    bodies.merge(row, columns)
    return row


def _status(value: object) -> object:
    """The status where it is one of HTTP: cancelled and pending requests have negative numbers."""
    if isinstance(value, str) and value.startswith("-"):
        return None
    return None if isinstance(value, int | float) and value < 100 else value


reader = Helicone
