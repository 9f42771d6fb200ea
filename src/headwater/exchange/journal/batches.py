"""Batch files as single exchanges: a file of N requests is N records, each with the batch's id.

OpenAI: JSON lines {custom_id, url, body}, answered by lines {custom_id, response, error}. Anthropic: {requests:
[{custom_id, params}]}, answered by lines {custom_id, result}. Bodies are kept as they came; rotation reads them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import msgspec

from headwater.errors import BadRow, Where
from headwater.exchange.journal.records import Accepted, Outcome
from headwater.exchange.statuses import STATUSES

#: Bytes of one line; lines that are longer are told, and are no exchange.
_LINE: Final = 64 << 20
_ID: Final = 200
_NOT: Final = "is no request of a batch"
_NO_ANSWER: Final = "is no answer of a batch"


class _Line(msgspec.Struct):
    custom_id: str
    body: msgspec.Raw = msgspec.Raw()
    params: msgspec.Raw = msgspec.Raw()
    url: str | None = None


class _Requests(msgspec.Struct):
    requests: list[msgspec.Raw]


class _Response(msgspec.Struct):
    status_code: int | None = None
    body: msgspec.Raw = msgspec.Raw()


class _Fault(msgspec.Struct):
    type: str | None = None
    error: _Fault | None = None
    code: str | None = None


class _Result(msgspec.Struct):
    type: str | None = None
    message: msgspec.Raw = msgspec.Raw()
    error: _Fault | None = None


class _Answer(msgspec.Struct):
    custom_id: str
    response: _Response | None = None
    error: _Fault | None = None
    result: _Result | None = None


_lines: Final = msgspec.json.Decoder(_Line)
_requests: Final = msgspec.json.Decoder(_Requests)
_answers: Final = msgspec.json.Decoder(_Answer)
_FAULTS: Final = (msgspec.DecodeError, ValueError, RecursionError)


def line_id(batch_id: str, custom_id: str) -> str:
    """The id of one line's exchange: a custom_id is unique within its batch only; a long one is hashed."""
    if len(batch_id) + len(custom_id) > _ID:
        custom_id = hashlib.sha256(custom_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{batch_id}/{custom_id}"


def lines_of_batch(data: bytes, batch_id: str, common: Accepted) -> Iterator[Accepted | BadRow]:
    """The exchanges of a batch's requests, in order; a BadRow with its row (from 1) for what is none.

    `common` says what all have in common: time, account, client; its id and texts are not used. A custom_id that
    comes again gets its row behind it, so that ids stay unique.
    """
    seen: set[str] = set()
    for row, raw in enumerate(_pieces(data), 1):
        try:
            line = _lines.decode(raw)
        except _FAULTS:
            yield BadRow(_NOT, Where(row=row))
            continue
        body = bytes(line.body) or bytes(line.params)
        if not line.custom_id or not body.startswith(b"{"):
            yield BadRow(_NOT, Where(row=row))
            continue
        name = line_id(batch_id, line.custom_id)
        if name in seen:
            name = f"{name}#{row}"
        seen.add(name)
        endpoint = "messages" if line.params else _endpoint(line.url)
        changed = {"endpoint": endpoint, "batch": True, "batch_id": batch_id, "body": body}
        plain = {"prompt": None, "system": None, "previous": None, "stream": None}
        yield msgspec.structs.replace(common, id=name, **changed, **plain)


def answers_of_batch(data: bytes, batch_id: str, at_us: int) -> Iterator[Outcome | BadRow]:
    """How a batch's requests ended, by a file of its results; a BadRow with its row for a line that says nothing."""
    for row, raw in enumerate(_pieces(data), 1):
        try:
            answer = _answers.decode(raw)
        except _FAULTS:
            yield BadRow(_NO_ANSWER, Where(row=row))
            continue
        name = line_id(batch_id, answer.custom_id)
        if (result := answer.result) is not None:
            fault = result.error
            kind = (fault.error.type if fault.error else fault.type) if fault else None
            status = 200 if result.type == "succeeded" else STATUSES.get(kind or "")
            yield Outcome(
                name, at_us, status=status, finish_reason=_short(result.type), body=_body(result.message)
            )
        else:
            response, reason = answer.response or _Response(), answer.error.code if answer.error else None
            body = _body(response.body)
            yield Outcome(name, at_us, status=response.status_code, finish_reason=_short(reason), body=body)


def _pieces(data: bytes) -> Iterator[bytes | msgspec.Raw]:
    """The records of a batch's file: its lines, or the items of Anthropic's one document."""
    if data.lstrip()[:200].startswith(b"{") and b'"requests"' in data[:2000]:
        try:
            yield from _requests.decode(data).requests
            return
        except _FAULTS:
            pass  # a line may speak of requests, too
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = data[start:end].strip() if end - start <= _LINE else b"{"
        start = end + 1
        if line:
            yield line


def _endpoint(url: str | None) -> str | None:
    """Kind of call by a line's URL, in the words of the exchange's column."""
    tail = (url or "")[:200].partition("?")[0].rstrip("/")
    kinds = {"/chat/completions": "chat", "/responses": "responses", "/embeddings": "embeddings"}
    found = next((kind for end, kind in kinds.items() if tail.endswith(end)), None)
    return found or ("completion" if tail.endswith("/completions") else None)


def _body(raw: msgspec.Raw) -> bytes | None:
    body = bytes(raw)
    return body if body.startswith(b"{") else None


def _short(text: str | None) -> str | None:
    return text[:100] if text else None
