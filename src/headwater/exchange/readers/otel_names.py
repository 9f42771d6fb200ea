"""Attribute names of generative-AI spans, current ones first, and what each says about an exchange.

Three vocabularies are in use: OpenTelemetry's GenAI conventions (with the names they had before 2025),
OpenLLMetry's (`llm.*`, `traceloop.*`) and OpenInference's (`llm.token_count.*`, `openinference.span.kind`).
Where several names say the same, the first present one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headwater.exchange.readers.calls import request_columns
from headwater.exchange.readers.clients import fingerprints
from headwater.exchange.readers.messages import decoded
from headwater.exchange.readers.protocol import Row

#: Columns that concern who calls: a child span may take them from its ancestors or its resource. An account
#: is who is billed: a proxy's key hash is nearer to that than a person's name; pseudonyms come last.
CALLER: Final = {
    "account": (
        "metadata.user_api_key_hash",
        "user.id",
        "enduser.id",
        "gen_ai.user.id",
        "gen_ai.user",
        "llm.user",
        "traceloop.association.properties.user_id",
        "langfuse.user.id",
        "enduser.pseudo.id",
        "user.hash",
    ),
    "conversation": (
        "gen_ai.conversation.id",
        "session.id",
        "traceloop.association.properties.session_id",
        "langfuse.session.id",
    ),
    "organisation": (
        "metadata.user_api_key_org_id",
        "metadata.user_api_key_team_id",
        "organization.id",
        "tenant.id",
        "traceloop.association.properties.organization_id",
    ),
}
_COLUMNS: Final = {
    "model": ("gen_ai.request.model", "llm.request.model", "gen_ai.response.model", "llm.model_name"),
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "llm.token_count.prompt",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "llm.token_count.completion",
    ),
    "temperature": ("gen_ai.request.temperature", "llm.request.temperature", "llm.temperature"),
    "top_p": ("gen_ai.request.top_p", "llm.request.top_p", "llm.top_p"),
    "max_tokens": (
        "gen_ai.request.max_tokens",
        "gen_ai.request.max_completion_tokens",
        "llm.request.max_tokens",
    ),
    "n": ("gen_ai.request.choice.count", "gen_ai.request.n"),
    "seed": ("gen_ai.request.seed", "gen_ai.openai.request.seed"),
    "stream": ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming"),
    "response_format": ("gen_ai.openai.request.response_format", "gen_ai.output.type"),
    "status": ("http.response.status_code", "http.status_code"),
    "ip": ("client.address", "http.client_ip", "metadata.requester_ip_address"),
    "user_agent": ("user_agent.original", "http.user_agent", "metadata.user_agent"),
    "tls": ("tls.client.ja4", "tls.client.ja3"),
    "finish_reason": (
        "gen_ai.response.finish_reasons",
        "gen_ai.response.finish_reason",
        "llm.response.finish_reason",
        "gen_ai.response.stop_reason",
        "llm.response.stop_reason",
    ),
}
#: Every name above with its column and its place in the order of preference.
_SAYS: Final = {
    name: (column, rank)
    for table in (CALLER, _COLUMNS)
    for column, names in table.items()
    for rank, name in enumerate(names)
}
OPERATION: Final = "gen_ai.operation.name"
_OPERATIONS: Final = (OPERATION, "llm.request.type")
#: Operations that ask a model something, in the words of the conventions and of proxies, and their endpoint.
_CALLS: Final = {
    "chat": "chat",
    "completion": "completion",
    "acompletion": "chat",
    "text_completion": "completion",
    "atext_completion": "completion",
    "generate_content": "generate_content",
    "agenerate_content": "generate_content",
    "responses": "responses",
    "aresponses": "responses",
    "anthropic_messages": "messages",
    "messages": "messages",
    "embeddings": "embeddings",
    "embedding": "embeddings",
    "aembedding": "embeddings",
}
#: Spans that enclose calls or do something else; they repeat their children's messages.
_OTHER_KINDS: Final = ("traceloop.span.kind", "openinference.span.kind")
_ASKED: Final = (
    *("temperature", "top_p", "max_tokens", "n", "seed", "stream"),
    *("logprobs", "logit_bias", "response_format"),
)
_INFERENCE_KINDS: Final = {"LLM": "chat", "EMBEDDING": "embeddings"}
_PARAMETERS: Final = "llm.invocation_parameters"
#: Request headers that an instrumentation was told to keep; the name in lower case follows, "_" for "-" in old ones.
HEADER: Final = "http.request.header."


def endpoint(attributes: Mapping[str, object]) -> str | None:
    """Endpoint of the model call that a span describes; None where it describes none."""
    for name in _OPERATIONS:
        if isinstance(operation := attributes.get(name), str):
            return _CALLS.get(operation.lower())
    for name in _OTHER_KINDS:
        if isinstance(kind := attributes.get(name), str):
            return _INFERENCE_KINDS.get(kind.upper())
    asked = "gen_ai.request.model" in attributes and (
        "gen_ai.system" in attributes or "gen_ai.provider.name" in attributes
    )
    return "chat" if asked else None


def callers(attributes: Mapping[str, object]) -> Row:
    """Columns of `CALLER` that these attributes give."""
    row: Row = {}
    for column, names in CALLER.items():
        for name in names:
            if name in attributes and (value := attributes[name]) is not None and value != "":
                row[column] = value
                break
    return row


def columns(attributes: Mapping[str, object]) -> Row:
    """Columns that a span's attributes give, except content and times; values as written."""
    row: Row = {}
    ranks: dict[str, int] = {}
    for name, value in attributes.items():
        says = _SAYS.get(name)
        if says is None or value is None or value == "":
            continue
        column, rank = says
        if rank < ranks.get(column, 99):
            row[column], ranks[column] = value, rank
    reason = row.pop("finish_reason", None)
    if isinstance(reason, list):
        reason = reason[0] if reason else None
    if isinstance(reason, str):
        row["finish_reason"] = reason
    headers = (
        (name[len(HEADER) :].replace("_", "-"), value)
        for name, value in attributes.items()
        if name.startswith(HEADER)
    )
    row = {**fingerprints(headers), **row}
    _correct(row, attributes)
    if (tools := _tools(attributes)) is not None:
        row["tools"] = tools
    return row


def _correct(row: Row, attributes: Mapping[str, object]) -> None:
    """Meanings that differ between vocabularies."""
    fault = attributes.get("error.type")
    if (
        "status" not in row
        and isinstance(fault, str)
        and len(fault) == 3
        and fault.isascii()
        and fault.isdigit()
    ):
        row["status"] = int(fault)
    parameters = decoded(attributes.get(_PARAMETERS))
    if isinstance(parameters, dict):
        asked = request_columns(parameters)
        for column in _ASKED:
            if column not in row and asked[column] is not None:
                row[column] = asked[column]


def _tools(attributes: Mapping[str, object]) -> int | None:
    """How many tools were offered: a structured list, its JSON, or numbered names."""
    held = decoded(attributes.get("gen_ai.tool.definitions"))
    if held is not None:
        return len(held) if isinstance(held, list) else None
    numbered = {
        key.split(".", 4)[3]
        for key in attributes
        if key.startswith("llm.request.functions.") and key.endswith(".name")
    }
    return len(numbered) or None
