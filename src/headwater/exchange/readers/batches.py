"""Batch files of OpenAI and Anthropic: a file of requests and a file of answers, joined by `custom_id`.

OpenAI: input lines {custom_id, method, url, body}, output and error lines {id, custom_id, response, error}.
Anthropic: {requests: [{custom_id, params}]} or its items as lines, results {custom_id, result}. Neither says
who was billed, and Anthropic's says no time: `--set account=NAME` and `--set at=TIME` give them.

A custom_id is unique in one batch only. Halves are joined while they wait, in order of reading; where two
requests with one custom_id wait at once, their answers cannot be told apart and both are set aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from headwater.errors import BadRow, Where
from headwater.exchange.model import ONE_ACCOUNT
from headwater.exchange.readers.calls import answer_columns, endpoint_of, first, part, request_columns
from headwater.exchange.readers.protocol import Record, Row, bad
from headwater.exchange.statuses import STATUSES

#: Characters of text that may wait for their other half; beyond it the longest waiting are given up.
WAITING: Final = 512 << 20
_APART: Final = "read each batch's two files in a run of their own"
_NO_REQUEST: Final = "answers a request that was not read"
_BOTH: Final = "read the batch's input file together with its output file"
_GIVEN_UP: Final = "waited too long for its other half"
_ACCOUNT: Final = f"a batch file does not say who was billed: {ONE_ACCOUNT}"


@dataclass(frozen=True, slots=True)
class _Waiting:
    where: Where
    row: Row
    request: bool
    size: int


class BatchReader:
    """The join; a subclass says which half a record is and what it holds."""

    name = ""
    title = ""
    hints: ClassVar[Mapping[str, str]] = {"account": _ACCOUNT}

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._size = 0
        self._unclear: set[str] = set()

    def half(self, record: Record) -> tuple[bool, Row] | None:
        """(whether it is the request, its columns), or None for neither."""
        raise NotImplementedError

    def exchanges(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        """The exchange that this half completes, if its other half waits."""
        items = record.get("requests")
        for item in items if isinstance(items, list) else [record]:
            if isinstance(item, dict):
                yield from self._joined(item, where)
            else:
                yield bad(where, "requests", "holds an item that is no object")

    def _joined(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        key, found = record.get("custom_id"), self.half(record)
        if not isinstance(key, str) or not key:
            yield bad(where, "custom_id", "is missing or no text")
        elif found is None:
            yield bad(where, None, f"is neither a request nor an answer of {self.title}")
        else:
            request, row = found
            other = self._waiting.get(key)
            if key in self._unclear:
                yield bad(where, "custom_id", "is that of several requests", _APART)
            elif other is None:
                yield from self._keep(key, _Waiting(where, row, request, _size(row)))
            elif other.request == request:
                self._drop(key)
                self._unclear.add(key)
                yield bad(other.where, "custom_id", "is that of several requests", _APART)
                yield bad(where, "custom_id", "is that of several requests", _APART)
            else:
                self._drop(key)
                yield _whole(key, *((row, other.row) if request else (other.row, row)))

    def _keep(self, key: str, half: _Waiting) -> Iterator[BadRow]:
        self._waiting[key] = half
        self._size += half.size
        while self._size > WAITING:
            eldest = next(iter(self._waiting))
            where = self._waiting[eldest].where
            self._drop(eldest)
            yield bad(where, "custom_id", _GIVEN_UP, _APART)

    def _drop(self, key: str) -> None:
        self._size -= self._waiting.pop(key).size

    def finish(self) -> Iterator[tuple[Where, Row] | BadRow]:
        """Requests without an answer (they have no time of their own), answers without a request."""
        for key, half in self._waiting.items():
            if half.request:
                yield half.where, _whole(key, half.row, {})
            else:
                yield bad(half.where, "custom_id", _NO_REQUEST, _BOTH)
        self._waiting.clear()


def _size(row: Row) -> int:
    return 1000 + sum(len(value) for value in row.values() if isinstance(value, str))


def _whole(key: str, request: Row, answer: Row) -> Row:
    row = {**request, "batch": True}
    row.update((name, value) for name, value in answer.items() if value is not None)
    if row.get("id") is None:
        row["id"] = key
    return row


class OpenAIBatch(BatchReader):
    """OpenAI's batch input, output and error files."""

    name = "openai-batch"
    title = "OpenAI batch files"
    hints: ClassVar[Mapping[str, str]] = {
        "account": _ACCOUNT,
        "at": "a request that was not answered has no time of its own: give --set at=TIME",
    }

    def recognises(self, record: Record) -> float:
        """By custom_id with a body and a URL, or with an answer or error."""
        if "custom_id" not in record:
            return 0.0
        if "body" in record and ("url" in record or "method" in record):
            return 0.98
        return 0.95 if "response" in record and "error" in record else 0.6 if "response" in record else 0.0

    def half(self, record: Record) -> tuple[bool, Row] | None:
        """Input lines have a body, output lines a response or an error."""
        if "body" in record:
            return True, request_columns(part(record, "body"), endpoint_of(record.get("url")))
        if "response" not in record and "error" not in record:
            return None
        envelope = part(record, "response")
        body = part(envelope, "body")
        row = answer_columns(body)
        row["id"] = first(body, ("id",)) or envelope.get("request_id") or record.get("id")
        row["at"] = first(body, ("created", "created_at"))
        row["status"] = envelope.get("status_code")
        row["finish_reason"] = row["finish_reason"] or part(record, "error").get("code")
        return False, row


class AnthropicBatch(BatchReader):
    """Anthropic's message batches: requests and results."""

    name = "anthropic-batch"
    title = "Anthropic message batches"
    hints: ClassVar[Mapping[str, str]] = {
        "account": _ACCOUNT,
        "at": "results of message batches carry no time: give --set at=TIME",
    }

    def recognises(self, record: Record) -> float:
        """By custom_id with params or a result, or by a list of such requests."""
        items = record.get("requests")
        if isinstance(items, list) and items and isinstance(items[0], dict):
            record = items[0]
        if "custom_id" not in record:
            return 0.0
        return 0.98 if "params" in record or "result" in record else 0.0

    def half(self, record: Record) -> tuple[bool, Row] | None:
        """Requests have params, answers a result."""
        if "params" in record:
            return True, request_columns(part(record, "params"), "messages")
        if "result" not in record:
            return None
        result = part(record, "result")
        message = part(result, "message")
        row = answer_columns(message)
        row["id"] = message.get("id")
        kind = result.get("type")
        error = part(result, "error")
        fault = part(error, "error").get("type") or error.get("type")
        row["status"] = (
            200 if kind == "succeeded" else STATUSES.get(fault) if isinstance(fault, str) else None
        )
        row["finish_reason"] = row["finish_reason"] or kind
        return False, row


openai = OpenAIBatch
anthropic = AnthropicBatch
