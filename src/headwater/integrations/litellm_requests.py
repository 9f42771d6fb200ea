"""Requests as LiteLLM holds them: what the service is asked about one, how what was granted is put into it, denials."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litellm.proxy._types import ProxyException

from headwater.integrations.decision_client import Decision, told_headers
from headwater.integrations.litellm_answers import got

#: LiteLLM's name of a call → the path that is asked about, and its kind of body.
PATHS: Final = {
    "completion": ("/v1/chat/completions", "chat"),
    "acompletion": ("/v1/chat/completions", "chat"),
    "text_completion": ("/v1/completions", "completion"),
    "atext_completion": ("/v1/completions", "completion"),
    "embedding": ("/v1/embeddings", "embeddings"),
    "embeddings": ("/v1/embeddings", "embeddings"),
    "aembedding": ("/v1/embeddings", "embeddings"),
    "responses": ("/v1/responses", "responses"),
    "aresponses": ("/v1/responses", "responses"),
    "anthropic_messages": ("/v1/messages", "messages"),
    "aanthropic_messages": ("/v1/messages", "messages"),
}
#: Where LiteLLM's own words about a request stand.
METADATA: Final = ("litellm_metadata", "metadata")
_CARRIERS: Final = ("authorization", "x-api-key", "api-key", "x-litellm-api-key")
_FORWARDED: Final = "x-forwarded-for"


def question_of(data: dict[str, Any], path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What is asked about a request, with the credential that the client showed."""
    raw = dict(got(data.get("secret_fields"), "raw_headers") or {})
    headers = told_headers([(str(name), str(value)) for name, value in raw.items()])
    # LiteLLM gives the whole X-Forwarded-For where it is told to believe it: its last word is the nearest.
    before, _, address = str(metadata_of(data).get("requester_ip_address") or "").rpartition(",")
    headers = [pair for pair in headers if pair[0].lower() != _FORWARDED]
    if before:
        headers.append((_FORWARDED, before))
    return {"path": path, "address": address.strip(), "headers": headers, "body": body}


def name_account(question: dict[str, Any], account: Any, named_by: str) -> None:
    """The account is what LiteLLM says, and its own key stays with it. Raises where there is none."""
    if not account:
        raise ProxyException(f"This key has no {named_by}.", "invalid_request_error", None, 403)
    question["account"] = str(account)
    question["headers"] = [pair for pair in question["headers"] if pair[0].lower() not in _CARRIERS]


def metadata_of(data: dict[str, Any]) -> dict[str, Any]:
    """LiteLLM's own words about a request: they stand in one of two places."""
    for name in METADATA:
        held = data.get(name)
        if isinstance(held, dict) and "requester_ip_address" in held:
            return held
    held = data.setdefault(METADATA[1], {})
    return held if isinstance(held, dict) else {}


def body_of(data: dict[str, Any]) -> dict[str, Any]:
    """The fields that the client sent, as they are now: what LiteLLM adds for itself isn't the request's."""
    sent = got(data.get("proxy_server_request"), "body")
    names = sent if isinstance(sent, dict) else data
    body = {
        name: data[name] for name in names if name in data and name not in (*METADATA, "proxy_server_request")
    }
    try:
        held: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        raise ProxyException("The request can't be read.", "invalid_request_error", None, 400) from None
    return held


def change(data: dict[str, Any], before: dict[str, Any], decision: Decision) -> None:
    """Put what was granted in the place of what was asked for."""
    if not bytes(decision.body):
        return
    after = msgspec.json.decode(decision.body)
    for name in before.keys() - after.keys():
        data.pop(name, None)
    data |= {name: value for name, value in after.items() if name not in before or before[name] != value}


def denial(decision: Decision) -> ProxyException:
    """A denial as LiteLLM answers it: status and headers as they are, what else is native beside its own fields."""
    held = msgspec.json.decode(decision.body)
    error = held.get("error") if isinstance(held, dict) else None
    error = dict(error) if isinstance(error, dict) else {}
    headers = {name: value for name, value in decision.headers if name in ("retry-after", "x-should-retry")}
    message, kind = str(error.pop("message", "Denied.")), str(error.pop("type", "invalid_request_error"))
    param = error.pop("param", None)
    return ProxyException(
        message, kind, param, decision.status, headers=headers, provider_specific_fields=error or None
    )


def undecided() -> ProxyException:
    """The service can't be asked."""
    told = "Requests can't be decided at the moment."
    return ProxyException(told, "server_error", None, 503, headers={"retry-after": "1"})
