"""What is left out of answers: the usage that only we asked for, and reasoning as the model wrote it.

An event or a body without any of it passes byte for byte. What is left of one that is changed is written anew.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headwater.exchange.answer.events import data_of, with_data

_OPENAI: Final = ("reasoning_content", "reasoning", "reasoning_details")
_THOUGHTS: Final = ("thinking", "redacted_thinking")
_EMPTY: Final = (b'"choices":[]', b'"choices": []')
#: An event without any of these holds no reasoning.
WORDS: Final = (b"reasoning", b"thinking")


def own_usage(event: bytes) -> bytes:
    """Leaves out the event that tells the usage and nothing else (OpenAI's chat and completions)."""
    if b'"usage"' in event and any(empty in event for empty in _EMPTY):
        held = _decoded(data_of(event))
        if isinstance(held, dict) and held.get("choices") == [] and isinstance(held.get("usage"), dict):
            return b""
    return event


class Thoughts:
    """Leaves reasoning out of one response; `body` for one that comes whole, `event` for a stream's events."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        #: blocks of Anthropic's stream that were left out, and how many came before each index
        self._gone: set[int] = set()

    def body(self, body: bytes) -> bytes | None:
        """The whole body without reasoning; None where it isn't whole yet, or no JSON."""
        held = _decoded(body)
        if held is None:
            return None
        return _encoded(held) if self._cleared(held) else body

    @property
    def renumbers(self) -> bool:
        """Whether events without reasoning change, too."""
        return bool(self._gone)

    def event(self, event: bytes) -> bytes:
        """An event without reasoning, or nothing."""
        if not any(word in event for word in WORDS) and not self._gone:
            return event
        held = _decoded(data_of(event))
        if not isinstance(held, dict):
            return event
        if self._endpoint == "messages":
            return self._block(event, held)
        if self._endpoint == "responses" and ".reasoning" in str(held.get("type")):
            return b""
        return with_data(event, _encoded(held)) if self._cleared(held) else event

    def _cleared(self, held: Any) -> bool:
        """Take reasoning out; whether there was any."""
        if self._endpoint == "messages":
            content = held.get("content") if isinstance(held, dict) else None
            return isinstance(content, list) and _without(content, lambda one: one.get("type") in _THOUGHTS)
        if self._endpoint == "responses":
            response = held.get("response", held) if isinstance(held, dict) else None
            output = response.get("output") if isinstance(response, dict) else None
            items = [*output] if isinstance(output, list) else []
            if isinstance(held, dict) and isinstance(held.get("item"), dict):
                items.append(held["item"])
            reasons = [one for one in items if isinstance(one, dict) and one.get("type") == "reasoning"]
            return _taken(reasons, ("content",))
        choices = held.get("choices") if isinstance(held, dict) else None
        said = [
            choice.get(part)
            for choice in (choices if isinstance(choices, list) else [])
            if isinstance(choice, dict)
            for part in ("delta", "message")
        ]
        return _taken([one for one in said if isinstance(one, dict)], _OPENAI)

    def _block(self, event: bytes, held: dict[str, Any]) -> bytes:
        """Anthropic's blocks are numbered: those behind one that is left out move up."""
        index, block = held.get("index"), held.get("content_block")
        if not isinstance(index, int):
            return event
        if isinstance(block, dict) and block.get("type") in _THOUGHTS:
            self._gone.add(index)
        if index in self._gone:
            return b""
        before = sum(one < index for one in self._gone)
        if not before:
            return event
        return with_data(event, _encoded({**held, "index": index - before}))


def _taken(items: list[dict[str, Any]], names: tuple[str, ...]) -> bool:
    """Take these fields out of all of them; whether any was there."""
    found = [item.pop(name) for item in items for name in names if name in item]
    return any(value is not None for value in found)


def _without(content: list[Any], left_out: Any) -> bool:
    kept = [one for one in content if not (isinstance(one, dict) and left_out(one))]
    changed = len(kept) < len(content)
    content[:] = kept
    return changed


def _decoded(data: bytes | None) -> Any:
    if not data:
        return None
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _encoded(held: Any) -> bytes:
    return msgspec.json.encode(held)
