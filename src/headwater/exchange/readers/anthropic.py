"""Request/response pairs as Anthropic's Messages API writes them.

One record holds the request body, the answer body and what a gateway logged around them (see `pairs`). Bodies
follow the public API reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from headwater.errors import BadRow, Where
from headwater.exchange.readers.openai import looks_anthropic
from headwater.exchange.readers.pairs import describes, single
from headwater.exchange.readers.protocol import Record, Row


class AnthropicReader:
    """Anthropic-style pairs."""

    name = "anthropic"
    title = "Anthropic-style request/response pairs"

    def recognises(self, record: Record) -> float:
        """By the answer's type, else by the model or keys that only the Messages API knows."""
        if "custom_id" in record:
            return 0.0
        request, answer = describes(record)
        if "messages" not in request or not looks_anthropic(request, answer):
            return 0.0
        return 0.95 if answer.get("type") == "message" else 0.8

    def exchanges(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        """One exchange of a pair."""
        for row in single(record, where, "holds no request body of the Messages API"):
            if isinstance(row, dict):
                row["endpoint"] = "messages"
            yield row


reader = AnthropicReader
