"""Errors in the words that a client's own library reads: OpenAI's, Anthropic's, or RFC 9457 for our own API.

A block is final: 403, or 429 with a long `Retry-After`, and `x-should-retry: false`, which both official libraries
obey (they also ignore a `Retry-After` beyond a minute, so the header alone doesn't keep an agent from storming).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import msgspec

from headwater.gateway.wire.dialect import Dialect, Stream


class Kind(Enum):
    """What went wrong: status, OpenAI's `type` and `code`, Anthropic's `type`, the title of RFC 9457."""

    def __init__(self, status: int, openai: str, code: str | None, anthropic: str, title: str) -> None:
        self.status = status
        self.openai = openai
        self.code = code
        self.anthropic = anthropic
        self.title = title

    INVALID = 400, "invalid_request_error", None, "invalid_request_error", "The request can't be read"
    UNAUTHENTICATED = (
        401,
        "invalid_request_error",
        "invalid_api_key",
        "authentication_error",
        "The key isn't known",
    )
    BILLING = 402, "insufficient_quota", "insufficient_quota", "billing_error", "Nothing is left to spend"
    BLOCKED = 403, "invalid_request_error", "access_denied", "permission_error", "Access is denied"
    NOT_FOUND = 404, "invalid_request_error", "unknown_url", "not_found_error", "There is no such path"
    METHOD = (
        405,
        "invalid_request_error",
        "method_not_allowed",
        "invalid_request_error",
        "Not with this method",
    )
    TIMEOUT = (
        408,
        "invalid_request_error",
        "request_timeout",
        "invalid_request_error",
        "The request came too slowly",
    )
    TOO_LARGE = (
        413,
        "invalid_request_error",
        "request_too_large",
        "request_too_large",
        "The body is too large",
    )
    TARGET = 414, "invalid_request_error", None, "invalid_request_error", "The target is too long"
    EXPECTATION = 417, "invalid_request_error", None, "invalid_request_error", "The expectation can't be met"
    RATE_LIMITED = 429, "requests", "rate_limit_exceeded", "rate_limit_error", "Too many requests"
    TOKENS_LIMITED = 429, "tokens", "rate_limit_exceeded", "rate_limit_error", "Too many tokens"
    QUOTA = 429, "insufficient_quota", "insufficient_quota", "rate_limit_error", "The quota is used up"
    UNUSUAL = 429, "requests", "rate_limit_exceeded", "rate_limit_error", "Unusual use"
    HEAD_TOO_LARGE = 431, "invalid_request_error", None, "invalid_request_error", "The headers are too large"
    INTERNAL = 500, "server_error", None, "api_error", "The gateway failed"
    NOT_IMPLEMENTED = 501, "invalid_request_error", None, "invalid_request_error", "Not offered"
    UPSTREAM = 502, "server_error", None, "api_error", "The model server can't be used"
    UNAVAILABLE = 503, "server_error", None, "overloaded_error", "Not available now"
    UPSTREAM_TIMEOUT = 504, "server_error", None, "timeout_error", "The model server doesn't answer"
    VERSION = 505, "invalid_request_error", None, "invalid_request_error", "Only HTTP/1.1 is spoken"


#: Types of draft-ietf-httpapi-ratelimit-headers-11 §"Problem Types"; everything else is about:blank (RFC 9457 §4.2.1).
_TYPES: Final = {
    Kind.QUOTA: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    Kind.RATE_LIMITED: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    Kind.TOKENS_LIMITED: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    Kind.UNAVAILABLE: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
    Kind.UNUSUAL: "https://iana.org/assignments/http-problem-types#abnormal-usage-detected",
}
#: Beyond it the official libraries don't wait but try again at once.
_LONG_S: Final = 60
_OVERLOADED: Final = 529


@dataclass(frozen=True)
class Problem:
    """An error to be answered. `message` is for the client to read and holds nothing of anybody's request.

    `retry_after_s`: seconds after which trying again makes sense. `extensions` stand inside the native error
    (`violated_policies`, `decision_id`, `appeal_url`), or as members of RFC 9457.
    """

    kind: Kind
    message: str
    code: str | None = None
    param: str | None = None
    retry_after_s: int | None = None
    extensions: tuple[tuple[str, str | tuple[str, ...]], ...] = ()

    @property
    def final(self) -> bool:
        """Whether trying again soon can't help."""
        return self.kind.status < 500 and (
            self.kind.status not in (408, 429) or (self.retry_after_s or 0) > _LONG_S
        )


@dataclass(frozen=True)
class Rendered:
    """An error as it is answered: status, headers (name, value), body."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def render(problem: Problem, dialect: Dialect, request_id: str) -> Rendered:
    """The error in the words of `dialect`."""
    status = (
        _OVERLOADED
        if dialect is Dialect.ANTHROPIC and problem.kind is Kind.UNAVAILABLE
        else problem.kind.status
    )
    named = b"request-id" if dialect is Dialect.ANTHROPIC else b"x-request-id"
    kind = b"application/problem+json" if dialect is Dialect.OWN else b"application/json"
    headers = [(b"Content-Type", kind), (named, request_id.encode()), (b"Cache-Control", b"no-store")]
    if problem.retry_after_s is not None:
        headers.append((b"Retry-After", b"%d" % problem.retry_after_s))
    if problem.final:
        headers.append((b"x-should-retry", b"false"))
    return Rendered(status, tuple(headers), msgspec.json.encode(_body(problem, dialect, status, request_id)))


def in_stream(problem: Problem, dialect: Dialect, stream: Stream, request_id: str) -> bytes:
    """The error as the last event of a stream whose head has already been sent."""
    if dialect is Dialect.OPENAI and stream is Stream.DATA:
        body = _body(problem, dialect, problem.kind.status, request_id)
        return b"data: %b\n\n" % msgspec.json.encode(body)
    if dialect is Dialect.OPENAI:
        named = {
            "type": "error", "code": problem.code or problem.kind.code or problem.kind.openai,
            "message": problem.message, "param": problem.param, **dict(problem.extensions),
        }  # fmt: skip
        return b"event: error\ndata: %b\n\n" % msgspec.json.encode(named)
    return b"event: error\ndata: %b\n\n" % msgspec.json.encode(
        _body(problem, Dialect.ANTHROPIC, problem.kind.status, request_id)
    )


def _body(problem: Problem, dialect: Dialect, status: int, request_id: str) -> dict[str, object]:
    kind, more = problem.kind, dict(problem.extensions)
    if dialect is Dialect.OPENAI:
        code = problem.code or kind.code
        native = {"message": problem.message, "type": kind.openai, "param": problem.param, "code": code}
        return {"error": {**native, **more}}
    if dialect is Dialect.ANTHROPIC:
        error = {"type": kind.anthropic, "message": problem.message, **more}
        return {"type": "error", "error": error, "request_id": request_id}
    policies = {"violated-policies": more.pop("violated_policies")} if "violated_policies" in more else {}
    return {
        "type": _TYPES.get(kind, "about:blank"), "title": kind.title, "status": status, "detail": problem.message,
        "instance": f"urn:headwater:request:{request_id}", **policies, **more,
    }  # fmt: skip
