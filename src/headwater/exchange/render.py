"""Exchanges written as other people's logs: LiteLLM's, OpenTelemetry's, Langfuse's or Helicone's form.

For trying things out, and for tests that the same traffic is read alike from every form. Only what an
exchange has is written; earlier turns, which exchanges do not keep, stand as "[earlier turn]". What a form
can carry is in CARRIES; the rest is lost, as it is in the tools themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, Literal, get_args

from headwater.errors import UsageError
from headwater.exchange.model import EXCHANGE_COLUMNS
from headwater.exchange.render_bodies import (
    Exchange,
    Json,
    answer_body,
    end_us,
    failed,
    headers,
    iso,
    made_up,
    messages,
    parameters,
    plain,
    request_body,
    start_us,
    text,
    whole,
)
from headwater.exchange.render_otel import export_request

Form = Literal["litellm", "otel", "langfuse", "helicone"]

#: Exchanges in one OTLP export request.
BATCH: Final = 64
#: What only a proxy can say about a client.
_CLIENT: Final = ("ip", "user_agent", "tls", "ja4h", "http2", "header_order")
_LOSES: Final[Mapping[str, frozenset[str]]] = {
    "litellm": frozenset(),
    "otel": frozenset({"endpoint", "logprobs", "logit_bias"}),
    "langfuse": frozenset({"organisation", "endpoint", "status", "finish_reason", *_CLIENT}),
    "helicone": frozenset({"organisation", *_CLIENT}),
}
#: Columns that survive being written in a form and read again; times and latency to the microsecond.
CARRIES: Final[Mapping[str, frozenset[str]]] = {
    form: frozenset(column.name for column in EXCHANGE_COLUMNS) - {"batch", "cancelled", "imprint"} - lost
    for form, lost in _LOSES.items()
}
_CALL_TYPES: Final = {
    "completion": "atext_completion",
    "embeddings": "aembedding",
    "responses": "aresponses",
    "messages": "anthropic_messages",
    "generate_content": "agenerate_content",
}
_PATHS: Final = {
    "completion": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}


def render(exchanges: Iterable[Exchange], form: str) -> Iterator[Json]:
    """Records of `form` ("litellm", "otel", "langfuse", "helicone") that hold `exchanges`.

    An exchange is a mapping with column names of EXCHANGE_SCHEMA; `id`, `at` (aware datetime or microseconds
    UTC), `account` and `prompt` are needed. One record each, except in OTLP, where a record holds up to BATCH
    spans. Records are plain JSON values. Raises UsageError for another form.
    """
    if form not in get_args(Form):
        raise UsageError(f"there is no form {form}", hint=f"forms are {', '.join(get_args(Form))}")
    return _rendered(exchanges, form)


def _rendered(exchanges: Iterable[Exchange], form: str) -> Iterator[Json]:
    if form == "otel":
        rest = iter(exchanges)
        while batch := list(islice(rest, BATCH)):
            yield export_request(batch)
        return
    write = _WRITERS[form]
    for exchange in exchanges:
        yield write(exchange)


def _litellm(exchange: Exchange) -> Json:
    """A StandardLoggingPayload."""
    start, end = start_us(exchange) / 1e6, end_us(exchange) / 1e6
    status = "failure" if failed(exchange) else "success"
    code = whole(exchange, "status")
    fault = {"error_code": str(code) if code else None, "error_class": None, "error_message": None}
    used, made = whole(exchange, "input_tokens"), whole(exchange, "output_tokens")
    model = text(exchange, "model") or ""
    ip, agent = text(exchange, "ip"), text(exchange, "user_agent")
    return {
        "id": str(exchange["id"]),
        "trace_id": text(exchange, "conversation") or "",
        "call_type": _CALL_TYPES.get(str(exchange.get("endpoint")), "acompletion"),
        "stream": exchange.get("stream"),
        "response_cost": 0.0,
        "response_cost_failure_debug_info": None,
        "status": status,
        "custom_llm_provider": None,
        "total_tokens": used + made,
        "prompt_tokens": used,
        "completion_tokens": made,
        "startTime": start,
        "endTime": end,
        "completionStartTime": end,
        "response_time": end - start,
        "model_map_information": {"model_map_key": model, "model_map_value": None},
        "model": model,
        "model_id": None,
        "model_group": model,
        "api_base": "",
        "metadata": {
            "user_api_key_hash": text(exchange, "account"),
            "user_api_key_alias": None,
            "user_api_key_org_id": text(exchange, "organisation"),
            "user_api_key_team_id": None,
            "user_api_key_user_id": None,
            "user_api_key_end_user_id": None,
            "requester_ip_address": ip,
            "user_agent": agent,
            "requester_custom_headers": headers(exchange),
        },
        "cache_hit": False,
        "cache_key": None,
        "saved_cache_cost": 0.0,
        "request_tags": [],
        "end_user": None,
        "requester_ip_address": ip,
        "user_agent": agent,
        "messages": text(exchange, "prompt") if plain(exchange) else messages(exchange),
        "response": answer_body(exchange),
        "error_str": None,
        "error_information": fault if status == "failure" else None,
        "model_parameters": parameters(exchange),
        "hidden_params": {"model_id": None, "cache_key": None, "api_base": None, "response_cost": None},
        "guardrail_information": None,
        "standard_built_in_tools_params": None,
    }


def _langfuse(exchange: Exchange) -> Json:
    """A row of the export of enriched observations to blob storage."""
    used, made = whole(exchange, "input_tokens"), whole(exchange, "output_tokens")
    given = parameters(exchange)
    offered = given.pop("tools", [])
    tools = len(offered) if isinstance(offered, list) else 0
    response = text(exchange, "response")
    said = (
        None
        if response is None
        else json.dumps({"role": "assistant", "content": response}, ensure_ascii=False)
    )
    return {
        "id": str(exchange["id"]),
        "trace_id": made_up(exchange, 16),
        "project_id": "project",
        "environment": "default",
        "type": "EMBEDDING" if exchange.get("endpoint") == "embeddings" else "GENERATION",
        "parent_observation_id": None,
        "start_time": iso(start_us(exchange)).rstrip("Z").replace("T", " "),
        "end_time": iso(end_us(exchange)).rstrip("Z").replace("T", " "),
        "name": "call",
        "metadata": {},
        "level": "ERROR" if failed(exchange) else "DEFAULT",
        "status_message": None,
        "version": None,
        "user_id": text(exchange, "account"),
        "session_id": text(exchange, "conversation"),
        "input": json.dumps(messages(exchange), ensure_ascii=False),
        "output": said,
        "provided_model_name": text(exchange, "model"),
        "model_parameters": json.dumps(given),
        "usage_details": {"input": used, "output": made, "total": used + made},
        "cost_details": {},
        "tool_definitions": {f"tool_{at}": "{}" for at in range(tools)},
    }


def _helicone(exchange: Exchange) -> Json:
    """A request as the query API answers it, with its bodies."""
    used, made = whole(exchange, "input_tokens"), whole(exchange, "output_tokens")
    conversation, model = text(exchange, "conversation"), text(exchange, "model")
    properties = {} if conversation is None else {"Helicone-Session-Id": conversation}
    return {
        "request_id": str(exchange["id"]),
        "request_created_at": iso(start_us(exchange)),
        "request_path": _PATHS.get(str(exchange.get("endpoint")), "/v1/chat/completions"),
        "request_user_id": text(exchange, "account"),
        "request_properties": properties,
        "request_model": model,
        "request_body": request_body(exchange),
        "model_override": None,
        "helicone_user": None,
        "provider": "CUSTOM",
        "response_id": made_up(exchange, 16),
        "response_created_at": iso(end_us(exchange)),
        "response_status": exchange.get("status"),
        "response_model": model,
        "response_body": answer_body(exchange),
        "delay_ms": exchange.get("latency_ms"),
        "time_to_first_token": None,
        "total_tokens": used + made,
        "prompt_tokens": used,
        "completion_tokens": made,
        "prompt_id": None,
        "llmSchema": None,
        "country_code": None,
        "properties": properties,
        "model": model or "",
    }


_WRITERS: Final[Mapping[str, Callable[[Exchange], Json]]] = {
    "litellm": _litellm,
    "langfuse": _langfuse,
    "helicone": _helicone,
}
