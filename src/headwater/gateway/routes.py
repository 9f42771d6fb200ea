"""Which requests pass: the table of model servers' paths, with what a relay must know of each.

Everything that isn't in the table is answered 404 and never reaches the upstream. What the fields of a body mean is for
the stages; the table only says which ones matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from headwater.errors import UsageError
from headwater.gateway.wire.dialect import Dialect, Stream
from headwater.gateway.wire.head import RequestHead


class Does(Enum):
    """What a request of the route does, as far as identity and budgets ask."""

    __hash__ = object.__hash__  # that of Enum is Python code

    GENERATES = "generates"
    EMBEDS = "embeds"
    COUNTS = "counts"
    READS = "reads"
    UPLOADS = "uploads"
    #: Hands in work by the line, to be done later.
    BATCHES = "batches"
    CHANGES = "changes"


@dataclass(frozen=True, eq=False)
class Route:
    """One path of a model server. `path` has `{id}` for one segment; `model` says where the model's name stands."""

    method: str
    path: str
    dialect: Dialect
    does: Does
    stream: Stream = Stream.NEVER
    #: `body` (the field `model`), `path` (the segment), `lines` (of the batch's file or list), or "" for none.
    model: str = ""
    #: Fields of the body that decide what a request may cost or learn.
    fields: tuple[str, ...] = ()
    #: Whether `anthropic-version` in the head makes the answer Anthropic's.
    shared: bool = False

    @property
    def has_body(self) -> bool:
        """Whether a body may come with the request."""
        return self.method == "POST"


_CHAT: Final = (
    "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "logprobs", "top_logprobs",
    "reasoning_effort", "user", "safety_identifier", "service_tier",
)  # fmt: skip
_COMPLETION: Final = (
    "model", "stream", "stream_options", "max_tokens", "n", "best_of", "logprobs", "echo", "prompt_logprobs",
)  # fmt: skip
_RESPONSES: Final = (
    "model", "stream", "max_output_tokens", "background", "store", "previous_response_id", "include", "reasoning",
    "top_logprobs", "user", "safety_identifier", "service_tier",
)  # fmt: skip
_MESSAGES: Final = ("model", "stream", "max_tokens", "thinking", "metadata", "service_tier")

_OPENAI: Final = (
    Route("POST", "/v1/chat/completions", Dialect.OPENAI, Does.GENERATES, Stream.DATA, "body", _CHAT),
    Route("POST", "/v1/completions", Dialect.OPENAI, Does.GENERATES, Stream.DATA, "body", _COMPLETION),
    Route("POST", "/v1/responses", Dialect.OPENAI, Does.GENERATES, Stream.NAMED, "body", _RESPONSES),
    Route("GET", "/v1/responses/{id}", Dialect.OPENAI, Does.READS, Stream.NAMED),
    Route("DELETE", "/v1/responses/{id}", Dialect.OPENAI, Does.CHANGES),
    Route("POST", "/v1/responses/{id}/cancel", Dialect.OPENAI, Does.CHANGES),
    Route("GET", "/v1/responses/{id}/input_items", Dialect.OPENAI, Does.READS),
    Route("POST", "/v1/embeddings", Dialect.OPENAI, Does.EMBEDS, model="body", fields=("model", "dimensions", "user")),
    Route("GET", "/v1/models", Dialect.OPENAI, Does.READS, shared=True),
    Route("GET", "/v1/models/{id}", Dialect.OPENAI, Does.READS, model="path", shared=True),
    Route("POST", "/v1/files", Dialect.OPENAI, Does.UPLOADS, model="lines", shared=True),
    Route("GET", "/v1/files", Dialect.OPENAI, Does.READS, shared=True),
    Route("GET", "/v1/files/{id}", Dialect.OPENAI, Does.READS, shared=True),
    Route("DELETE", "/v1/files/{id}", Dialect.OPENAI, Does.CHANGES, shared=True),
    Route("GET", "/v1/files/{id}/content", Dialect.OPENAI, Does.READS, shared=True),
    Route("POST", "/v1/batches", Dialect.OPENAI, Does.BATCHES, model="lines", fields=("input_file_id", "endpoint")),
    Route("GET", "/v1/batches", Dialect.OPENAI, Does.READS),
    Route("GET", "/v1/batches/{id}", Dialect.OPENAI, Does.READS),
    Route("POST", "/v1/batches/{id}/cancel", Dialect.OPENAI, Does.CHANGES),
)  # fmt: skip
_ANTHROPIC: Final = (
    Route("POST", "/v1/messages", Dialect.ANTHROPIC, Does.GENERATES, Stream.NAMED, "body", _MESSAGES),
    Route("POST", "/v1/messages/count_tokens", Dialect.ANTHROPIC, Does.COUNTS, model="body", fields=("model",)),
    Route("POST", "/v1/messages/batches", Dialect.ANTHROPIC, Does.BATCHES, model="lines", fields=("requests",)),
    Route("GET", "/v1/messages/batches", Dialect.ANTHROPIC, Does.READS),
    Route("GET", "/v1/messages/batches/{id}", Dialect.ANTHROPIC, Does.READS),
    Route("DELETE", "/v1/messages/batches/{id}", Dialect.ANTHROPIC, Does.CHANGES),
    Route("POST", "/v1/messages/batches/{id}/cancel", Dialect.ANTHROPIC, Does.CHANGES),
    Route("GET", "/v1/messages/batches/{id}/results", Dialect.ANTHROPIC, Does.READS),
)  # fmt: skip
ROUTES: Final = _OPENAI + _ANTHROPIC

#: One segment: no dots alone, no encoded slash that an upstream might take for a path.
_ID: Final = r"(?!\.{1,2}(?:/|%2[Ff]|$))[A-Za-z0-9._~:@!+=,-]{1,256}"
#: A model's name may hold slashes, plain or encoded, but no segment of dots and no empty one.
_MODEL: Final = rf"{_ID}(?:(?:/|%2[Ff]){_ID}){{0,4}}"


class Routes:
    """The table, ready to be asked. `more` are routes that an operator lets pass beside those of `table`."""

    def __init__(self, more: Iterable[Route] = (), table: Iterable[Route] = ROUTES) -> None:
        self._plain: dict[tuple[bytes, bytes], Route] = {}
        self._patterns: list[tuple[bytes, re.Pattern[bytes], Route]] = []
        for route in (*table, *more):
            if not re.fullmatch(r"(/([A-Za-z0-9._-]+|\{id\}))+", route.path):
                raise UsageError("a route's path has segments of letters, digits, dots and dashes, or {id}")
            method = route.method.encode()
            if "{id}" in route.path:
                segment = _MODEL if route.model == "path" else _ID
                pattern = re.compile(route.path.replace(".", r"\.").replace("{id}", segment).encode())
                self._patterns.append((method, pattern, route))
            else:
                self._plain[method, route.path.encode()] = route

    def find(self, method: bytes, path: bytes) -> Route | None:
        """The route of a request; None where it may not pass. HEAD is GET without body."""
        method = b"GET" if method == b"HEAD" else method
        route = self._plain.get((method, path))
        if route is not None:
            return route
        for wanted, pattern, route in self._patterns:
            if wanted == method and pattern.fullmatch(path):
                return route
        return None

    def methods(self, path: bytes) -> tuple[str, ...]:
        """Which methods a path may be asked with; none where no request of it may pass."""
        return tuple(method for method in ("GET", "POST", "DELETE") if self.find(method.encode(), path))


def dialect_of(route: Route | None, head: RequestHead) -> Dialect:
    """Whose words a request is answered in: the route's, or Anthropic's where both have it and the head says so."""
    if route is None or route.shared:
        asked = head.get(b"anthropic-version") is not None
        return Dialect.ANTHROPIC if asked or head.path.startswith(b"/v1/messages") else Dialect.OPENAI
    return route.dialect
