"""Whose words are spoken on a route, and how it streams."""

from __future__ import annotations

from enum import Enum


class Dialect(Enum):
    """Whose words an answer is in."""

    __hash__ = object.__hash__  # that of Enum is Python code

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    #: Our own API: RFC 9457.
    OWN = "own"


class Stream(Enum):
    """How a route streams, if the request's `stream` asks for it."""

    NEVER = "never"
    #: Server-sent events of data alone, ended by `[DONE]` (OpenAI's chat and completions).
    DATA = "data"
    #: Server-sent events with names (Anthropic's messages, OpenAI's responses).
    NAMED = "named"
