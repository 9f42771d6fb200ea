"""Request/response pairs as OpenAI's API writes them: chat completions, responses, completions, embeddings.

One record holds the request body, the answer body and what a gateway logged around them (see `pairs`). Bodies
follow the public API reference; OpenAI-compatible servers write the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from headwater.errors import BadRow, Where
from headwater.exchange.readers.pairs import describes, single
from headwater.exchange.readers.protocol import Record, Row

_OBJECTS: Final = frozenset(
    {"chat.completion", "text_completion", "response", "list", "chat.completion.chunk"}
)
_ASKS: Final = ("messages", "input", "prompt")
#: Keys that only Anthropic's Messages API knows.
ANTHROPIC_REQUEST: Final = frozenset({"system", "stop_sequences", "anthropic_version", "thinking", "top_k"})


def looks_anthropic(request: Mapping[str, object], answer: Mapping[str, object]) -> bool:
    """Whether the bodies are of Anthropic's Messages API: by the answer's type, else by model or keys."""
    if answer.get("type") in ("message", "error") and "object" not in answer:
        return True
    if isinstance(answer.get("object"), str) or "choices" in answer or "messages" not in request:
        return False
    model = request.get("model")
    return (isinstance(model, str) and "claude" in model) or not ANTHROPIC_REQUEST.isdisjoint(request)


class OpenAIReader:
    """OpenAI-style pairs."""

    name = "openai"
    title = "OpenAI-style request/response pairs"

    def recognises(self, record: Record) -> float:
        """By the answer's object kind, else by what the request asks."""
        if "custom_id" in record:
            return 0.0
        request, answer = describes(record)
        if not any(key in request for key in _ASKS) or looks_anthropic(request, answer):
            return 0.0
        return 0.95 if answer.get("object") in _OBJECTS or "choices" in answer else 0.7

    def exchanges(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        """One exchange of a pair."""
        return single(record, where, "holds no request body of the OpenAI API")


reader = OpenAIReader
