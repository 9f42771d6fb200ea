"""Exchanges as spans in OTLP JSON, with the current names of OpenTelemetry's GenAI conventions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from headwater.exchange.render_bodies import (
    EARLIER,
    Exchange,
    Json,
    earlier_answers,
    end_us,
    failed,
    filled,
    headers,
    made_up,
    start_us,
    text,
    whole,
)

_OPERATIONS: Final = {
    "completion": "text_completion",
    "embeddings": "embeddings",
    "generate_content": "generate_content",
}
_COLUMNS: Final = {
    "gen_ai.request.model": "model",
    "gen_ai.response.model": "model",
    "gen_ai.request.temperature": "temperature",
    "gen_ai.request.top_p": "top_p",
    "gen_ai.request.max_tokens": "max_tokens",
    "gen_ai.request.choice.count": "n",
    "gen_ai.request.seed": "seed",
    "gen_ai.request.stream": "stream",
    "gen_ai.openai.request.response_format": "response_format",
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.conversation.id": "conversation",
    "user.id": "account",
    "tenant.id": "organisation",
    "client.address": "ip",
    "user_agent.original": "user_agent",
    "http.response.status_code": "status",
}


def export_request(exchanges: Sequence[Exchange]) -> Json:
    """One ExportTraceServiceRequest with a span per exchange."""
    resource = {"attributes": _attributes({"service.name": "gateway"})}
    scope = {"name": "headwater.render"}
    spans = [_span(exchange) for exchange in exchanges]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]}


def _span(exchange: Exchange) -> Json:
    operation = _OPERATIONS.get(str(exchange.get("endpoint")), "chat")
    held: Json = {"gen_ai.operation.name": operation, "gen_ai.provider.name": "custom"}
    held |= {name: exchange.get(column) for name, column in _COLUMNS.items()}
    held |= {f"http.request.header.{name}": [value] for name, value in headers(exchange).items()}
    held["gen_ai.response.id"] = str(exchange["id"])
    reason, response = text(exchange, "finish_reason"), text(exchange, "response")
    held["gen_ai.response.finish_reasons"] = None if reason is None else [reason]
    held["gen_ai.input.messages"] = json.dumps(_conversation(exchange), ensure_ascii=False)
    if (system := text(exchange, "system")) is not None:
        held["gen_ai.system_instructions"] = json.dumps([_part(system)], ensure_ascii=False)
    if response is not None:
        held["gen_ai.output.messages"] = json.dumps([_message("assistant", response)], ensure_ascii=False)
    if tools := whole(exchange, "tools"):
        offered = [{"type": "function", "name": f"tool_{at}"} for at in range(tools)]
        held["gen_ai.tool.definitions"] = json.dumps(offered)
    return {
        "traceId": made_up(exchange, 16),
        "spanId": made_up(exchange, 8),
        "name": f"{operation} {text(exchange, 'model') or ''}".rstrip(),
        "kind": 3,
        "startTimeUnixNano": str(start_us(exchange) * 1000),
        "endTimeUnixNano": str(end_us(exchange) * 1000),
        "attributes": _attributes(held),
        "status": {"code": 2} if failed(exchange) else {},
    }


def _conversation(exchange: Exchange) -> list[Json]:
    earlier: list[Json] = []
    for answered in earlier_answers(exchange):
        earlier += [_message("user", EARLIER), _message("assistant", answered)]
    return [*earlier, _message("user", text(exchange, "prompt") or "")]


def _message(role: str, said: str) -> Json:
    return {"role": role, "parts": [_part(said)]}


def _part(said: str) -> Json:
    return {"type": "text", "content": said}


def _attributes(held: Mapping[str, object]) -> list[Json]:
    return [{"key": key, "value": _value(value)} for key, value in filled(held).items()]


def _value(value: object) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(one) for one in value]}}
    return {"stringValue": str(value)}
