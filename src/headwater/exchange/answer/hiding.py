"""What is left out of answers: the usage that only we asked for, and reasoning as the model wrote it.

An event or a body without any of it passes byte for byte. What is left of one that is changed is written anew.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from headwater.exchange.answer.events import data_of, with_data
from headwater.exchange.decoding import DecodingError, decode

#: Fields of a chat's message in which servers tell reasoning, and those that would tell it another way.
_CHAT: Final = ("reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks")
_BESIDE: Final = ("logprobs", "token_ids")
_THOUGHTS: Final = ("thinking", "redacted_thinking", "reasoning_text")
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
        return encoded(held) if self.clear(held) else body

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
        if self._endpoint == "responses" and _tells_thoughts(held):
            return b""
        return with_data(event, encoded(held)) if self.clear(held) else event

    def clear(self, held: Any) -> bool:
        """Take reasoning out of a body, or an event's data, that was decoded; whether there was any."""
        if not isinstance(held, dict):
            return False
        if self._endpoint == "messages":
            return _without_thoughts(held.get("content"))
        if self._endpoint == "responses":
            return _cleared_items(held)
        choices = held.get("choices")
        cleared = [_cleared_choice(one) for one in _dicts(choices)]
        return any(cleared)

    def _block(self, event: bytes, held: dict[str, Any]) -> bytes:
        """Anthropic's blocks are numbered: those behind one that is left out move up."""
        index, block = held.get("index"), held.get("content_block")
        if not isinstance(index, int):
            message = held.get("message")
            there = isinstance(message, dict) and _without_thoughts(message.get("content"))
            return with_data(event, encoded(held)) if there else event
        if isinstance(block, dict) and block.get("type") in _THOUGHTS:
            self._gone.add(index)
        if index in self._gone:
            return b""
        before = sum(one < index for one in self._gone)
        if not before:
            return event
        return with_data(event, encoded({**held, "index": index - before}))


def _tells_thoughts(held: dict[str, Any]) -> bool:
    """Whether an event of OpenAI's responses holds reasoning as it was written and nothing else; not a summary."""
    kind, part = str(held.get("type")), held.get("part")
    if kind.startswith("response.reasoning") and not kind.startswith("response.reasoning_summary"):
        return True
    return isinstance(part, dict) and part.get("type") in _THOUGHTS


def _cleared_items(held: dict[str, Any]) -> bool:
    """Items of reasoning keep their name and summary; `held`: a response, an event with one, or a list of items."""
    whole = held.get("response")
    whole = whole if isinstance(whole, dict) else held
    items = [*_dicts(whole.get("output")), *_dicts(held.get("data")), *_dicts([held.get("item")])]
    cleared = [_taken(one, ("content",)) for one in items if one.get("type") == "reasoning"]
    return any(cleared)


def _cleared_choice(choice: dict[str, Any]) -> bool:
    """One answer of a chat, or some of it; what tells its tokens one by one goes with its reasoning."""
    found = False
    for said in _dicts([choice.get("delta"), choice.get("message")]):
        beside = [said, *_dicts([said.get("provider_specific_fields")])]
        taken = [_taken(one, _CHAT) for one in beside]
        found = _without_thoughts(said.get("content")) or any(taken) or found
    if found:
        for name in _BESIDE:
            if choice.get(name) is not None:
                choice[name] = None
    return found


def _dicts(items: Any) -> list[dict[str, Any]]:
    return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []


def _taken(item: dict[str, Any], names: tuple[str, ...]) -> bool:
    """Take these fields out of it; whether any held something."""
    found = [item.pop(name) for name in names if name in item]
    return any(value is not None for value in found)


def _without_thoughts(content: Any) -> bool:
    """Take blocks of reasoning out of a list of content; whether there were any."""
    if not isinstance(content, list):
        return False
    kept = [one for one in content if not (isinstance(one, dict) and one.get("type") in _THOUGHTS)]
    changed = len(kept) < len(content)
    content[:] = kept
    return changed


def _decoded(data: bytes | None) -> Any:
    """As JSON, also where a server wrote what strict JSON forbids; None where it's none."""
    if not data:
        return None
    try:
        return decode(data)
    except DecodingError:
        pass
    try:
        return decode(data.decode("utf-8", "replace"))
    except DecodingError:
        return None


def encoded(held: Any) -> bytes:
    """A value as JSON, with whatever `clear` leaves of one."""
    try:
        return msgspec.json.encode(held)
    except UnicodeEncodeError:  # half of a surrogate pair, from a text that was cut
        return json.dumps(held).encode()
