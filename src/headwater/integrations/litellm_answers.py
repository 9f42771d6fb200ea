"""Answers as LiteLLM holds them, objects, dictionaries or bytes: what they used, what is left out of them, their text.

Chat and completions come as LiteLLM's own objects, OpenAI's responses as objects of events, Anthropic's messages as
dictionaries or, streamed, as the bytes of their events.
"""

from __future__ import annotations

import json
from typing import Any, Final

from headwater.exchange.answer import Answering

_THOUGHTS: Final = (
    "reasoning_content",
    "reasoning",
    "thinking_blocks",
    "reasoning_details",
    "reasoning_items",
)
_BLOCKS: Final = ("thinking", "redacted_thinking")
_TOKEN_BYTES: Final = 3
_USAGES: Final = (("prompt_tokens", "completion_tokens"), ("input_tokens", "output_tokens"))
_CACHED: Final = ("cache_creation_input_tokens", "cache_read_input_tokens")
_MOST_TEXT: Final = 4 << 20


def got(held: Any, name: str) -> Any:
    """A field of an object or a dictionary; None where it has none."""
    return held.get(name) if isinstance(held, dict) else getattr(held, name, None)


def plain(held: Any) -> Any:
    """An answer or an event as plain data."""
    dump = getattr(held, "model_dump", None)
    return dump(mode="json", exclude_none=True) if dump is not None else held


def usage_of(held: Any, endpoint: str) -> tuple[int, int] | None:
    """Tokens of input and output as an answer tells them; None where it doesn't."""
    usage = got(held, "usage") or got(got(held, "response"), "usage")
    for inputs, outputs in _USAGES:
        told, written = got(usage, inputs), got(usage, outputs)
        if isinstance(told, int):
            apart = sum(got(usage, name) or 0 for name in _CACHED) if endpoint == "messages" else 0
            return told + apart, written if isinstance(written, int) else 0
    return None


def without_reasoning(held: Any) -> Any:
    """The answer, or an event of a stream, without reasoning as it was written; None for an event that is only that."""
    kind = str(got(held, "type") or "")
    if ".reasoning_text" in kind:
        return None
    for choice in got(held, "choices") or ():
        for part in ("message", "delta"):
            _cleared(got(choice, part))
    content = got(held, "content")
    if isinstance(held, dict) and isinstance(content, list):
        held["content"] = [one for one in content if got(one, "type") not in _BLOCKS]
    for item in got(got(held, "response") or held, "output") or ():
        _unwritten(item)
    _unwritten(got(held, "item"))
    return held


class Streamed:
    """One stream as it passes: how much was written, what it used, its text for the record."""

    def __init__(self, endpoint: str, *, hide_usage: bool, hide_reasoning: bool, keeps: bool) -> None:
        self._endpoint, self._hide_usage, self._hide_reasoning = endpoint, hide_usage, hide_reasoning
        self._bytes: Answering | None = None
        self._events = self._characters = self._size = 0
        self._text: list[str] | None = [] if keeps else None
        self.usage: tuple[int, int] | None = None

    @property
    def written(self) -> int:
        """About how many tokens were written so far: at least one an event that has any text."""
        if self._bytes is not None:
            return self._bytes.written
        return max(self._events, -(-self._characters // _TOKEN_BYTES))

    @property
    def text(self) -> str | None:
        """The stream's events so far; None where they aren't kept."""
        return None if self._text is None else "".join(self._text)

    def feed(self, item: Any) -> Any:
        """An event; what passes in its place, None to leave it out."""
        if isinstance(item, (bytes, str)):
            return self._fed(item)
        self.usage = usage_of(item, self._endpoint) or self.usage
        said = _said(item)
        self._events += bool(said)
        self._characters += said
        self._keep(lambda: f"data: {json.dumps(plain(item))}\n\n")
        if self._hide_usage and not got(item, "choices") and got(item, "usage") is not None:
            return None
        return without_reasoning(item) if self._hide_reasoning else item

    def _fed(self, item: bytes | str) -> Any:
        data = item.encode() if isinstance(item, str) else item
        if self._bytes is None:
            self._bytes = Answering(
                _Events(), self._endpoint, hide_usage=False, hide_reasoning=self._hide_reasoning
            )
        self._keep(lambda: data.decode("utf-8", "replace"))
        changed = self._bytes.feed(data)
        self.usage = self._bytes.usage or self.usage
        if changed is None:
            return item
        return (changed.decode() if isinstance(item, str) else changed) or None

    def _keep(self, text: Any) -> None:
        if self._text is None:
            return
        told = text()
        self._size += len(told)
        if self._size > _MOST_TEXT:
            self._text = None
        else:
            self._text.append(told)


class _Events:
    """The head of a stream, as `Answering` looks at it."""

    status = 200

    def get(self, name: bytes) -> bytes | None:
        """See `AnswerHead`."""
        return b"text/event-stream" if name == b"content-type" else None


def _cleared(part: Any) -> None:
    if part is None:
        return
    for name in _THOUGHTS:
        if got(part, name) is not None:
            if isinstance(part, dict):
                del part[name]
            else:
                setattr(part, name, None)
    specific = got(part, "provider_specific_fields")
    if isinstance(specific, dict):
        for name in _THOUGHTS:
            specific.pop(name, None)


def _unwritten(item: Any) -> None:
    """An item of reasoning of OpenAI's responses keeps its summary."""
    if got(item, "type") != "reasoning":
        return
    if isinstance(item, dict):
        item.pop("content", None)
    elif getattr(item, "content", None) is not None:
        item.content = None


def _said(item: Any) -> int:
    """Characters that an event adds to an answer, reasoning included."""
    delta = got(item, "delta")
    if isinstance(delta, str):
        return len(delta)
    total = 0
    for choice in got(item, "choices") or ():
        own = got(choice, "delta")
        texts = [got(choice, "text"), got(own, "content"), got(own, "reasoning_content")]
        texts += [got(got(call, "function"), "arguments") for call in got(own, "tool_calls") or ()]
        total += sum(len(text) for text in texts if isinstance(text, str))
    return total
