"""LiteLLM: what its loggers write (StandardLoggingPayload) and its table of calls (LiteLLM_SpendLogs).

Both hold one call a record; SpendLogs keeps prompts only where the proxy was told to, in the request's body
(`proxy_server_request`). Calls that the proxy makes on its own account (shadow traffic, routers, judges) and
calls that ask no model (files, batches, tools) are passed over. Times without a zone are taken as UTC, and
noted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

from headwater.errors import BadRow, Where
from headwater.exchange.model import ONE_ACCOUNT
from headwater.exchange.readers.bodies import REDACTED, ask, between_ms, merge, moment, present, reply, stamp
from headwater.exchange.readers.clients import fingerprints
from headwater.exchange.readers.messages import decoded
from headwater.exchange.readers.protocol import Record, Row, bad

_UNREDACT: Final = "set litellm_settings.turn_off_message_logging to false in the proxy"
_STORE: Final = (
    "set general_settings.store_prompts_in_spend_logs to true in the proxy, or read a callback's log"
)
#: Endpoint of a call type, without the "a" of its asynchronous twin.
_ENDPOINTS: Final = {
    "": None,
    "completion": "chat",
    "text_completion": "completion",
    "embedding": "embeddings",
    "responses": "responses",
    "anthropic_messages": "messages",
    "generate_content": "generate_content",
    "generate_content_stream": "generate_content",
    "pass_through_endpoint": "pass_through",
    "llm_passthrough_route": "pass_through",
}
#: Parts of the names of call types that ask no model for text.
_OTHER_WORK: Final = (
    "assistant",
    "batch",
    "cancel",
    "container",
    "delete",
    "file",
    "fine_tuning",
    "get_",
    "image",
    "ingest",
    "list_",
    "mcp",
    "moderation",
    "ocr",
    "rerank",
    "retrieve",
    "sandbox",
    "search",
    "skill",
    "speech",
    "thread",
    "transcription",
    "vector_store",
    "video",
)


class LiteLLM:
    """Reader of both forms.

    The account is the first present of `metadata.user_api_key_hash`, `api_key`, `metadata.user_api_key`,
    `metadata.user_api_key_user_id`, `user`, `end_user`; a key that was logged in the clear is hashed as the
    proxy does. The organisation is the organisation's id, else the team's. The conversation is `session_id`,
    else `trace_id`, which the proxy makes up where the caller gives none. Fingerprints of the client come from headers
    (`metadata.requester_custom_headers`: the proxy keeps those that begin with x-).
    """

    name = "litellm"
    title = "LiteLLM logs (StandardLoggingPayload, SpendLogs)"
    hints: Mapping[str, str] = {
        "account": f"send calls through the proxy with virtual keys, or {ONE_ACCOUNT}",
        "prompt": _STORE,
    }

    def recognises(self, record: Record) -> float:
        if isinstance(record.get("standard_logging_object"), dict):
            return 0.95
        if "call_type" not in record or "startTime" not in record:
            return 0.0
        if "request_id" in record and "spend" in record:
            return 0.98
        return 0.98 if "model_parameters" in record and "messages" in record else 0.5

    def exchanges(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        inner = record.get("standard_logging_object")
        if isinstance(inner, dict):
            record = inner
        metadata = decoded(record.get("metadata"))
        if not isinstance(metadata, dict):
            metadata = {}
        call_type = record.get("call_type")
        kind = call_type if isinstance(call_type, str) else ""
        if metadata.get("is_silent_experiment") or metadata.get("internal_call_origin") or _other_work(kind):
            return
        row = _row(record, metadata)
        endpoint = _ENDPOINTS.get(kind, _ENDPOINTS.get(kind.removeprefix("a"), kind.strip("_")))
        if endpoint is not None:
            row["endpoint"] = endpoint
        _put_bodies(row, record)
        _put_outcome(row, record, metadata)
        spend_log = "request_id" in record and "id" not in record
        if row.get("prompt") in REDACTED:
            yield bad(where, "messages", "prompt not in log", _UNREDACT)
        elif "prompt" not in row:
            field = "proxy_server_request" if spend_log else "messages"
            yield bad(where, field, "prompt not in log", _STORE if spend_log else _UNREDACT)
        else:
            yield row


def _other_work(call_type: str) -> bool:
    return call_type not in _ENDPOINTS and any(word in call_type for word in _OTHER_WORK)


def _row(record: Record, metadata: Mapping[str, object]) -> Row:
    """Who called, when, and with what result in numbers."""
    row: Row = {}
    start, end = moment(record.get("startTime")), moment(record.get("endTime"))
    columns = {
        "id": present(record.get("id"), record.get("request_id")),
        "at": stamp(record.get("startTime")),
        "account": present(
            metadata.get("user_api_key_hash"),
            record.get("api_key"),
            metadata.get("user_api_key"),
            metadata.get("user_api_key_user_id"),
            record.get("user"),
            record.get("end_user"),
        ),
        "organisation": present(
            record.get("organization_id"),
            metadata.get("user_api_key_org_id"),
            record.get("team_id"),
            metadata.get("user_api_key_team_id"),
            metadata.get("team_id"),
        ),
        "conversation": present(record.get("session_id"), record.get("trace_id")),
        "model": present(record.get("model_group"), record.get("model")),
        "latency_ms": present(between_ms(start, end), record.get("request_duration_ms")),
        "input_tokens": record.get("prompt_tokens"),
        "output_tokens": record.get("completion_tokens"),
        "stream": record.get("stream"),
        "ip": present(record.get("requester_ip_address"), metadata.get("requester_ip_address")),
        "user_agent": present(record.get("user_agent"), metadata.get("user_agent")),
    }
    merge(row, columns)
    custom = decoded(metadata.get("requester_custom_headers"))
    merge(row, fingerprints(custom.items() if isinstance(custom, dict) else ()))
    account = row.get("account")
    if isinstance(account, str) and account.startswith("sk-"):
        row["account"] = hashlib.sha256(account.encode("utf-8", "replace")).hexdigest()
    return row


def _put_bodies(row: Row, record: Record) -> None:
    """Prompt, parameters and answer: from the messages, or from the request's body that SpendLogs keeps."""
    parameters = decoded(record.get("model_parameters"))
    ask(row, record.get("messages"), parameters if isinstance(parameters, dict) else {})
    if "prompt" not in row:
        request = decoded(record.get("proxy_server_request"))
        if isinstance(request, dict):
            inner = request.get("body")
            ask(row, inner if isinstance(inner, dict) else request)
    reply(row, record.get("response"))
    if row.get("response") in REDACTED:
        del row["response"]


def _put_outcome(row: Row, record: Record, metadata: Mapping[str, object]) -> None:
    """HTTP status: 200 for a success, the error's code for a failure (none where it has no code)."""
    status = record.get("status") or metadata.get("status")
    if status == "success":
        row["status"] = 200
    elif status == "failure":
        fault = decoded(record.get("error_information") or metadata.get("error_information"))
        code = fault.get("error_code") if isinstance(fault, dict) else None
        if isinstance(code, int) or (isinstance(code, str) and code.isascii() and code.isdigit()):
            row["status"] = int(code)
        row.setdefault("finish_reason", "error")


reader = LiteLLM
