"""What a list of chat messages says: the newest user turn, the system text, how many turns came before.

Every reader uses this one extraction, so that the same traffic gives the same prompts whatever tool logged
it. It accepts messages as OpenAI (chat and Responses), Anthropic, Google, LangChain and OpenTelemetry write
them, decoded or as JSON text, and never raises on anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from headwater.exchange.decoding import DecodingError, decode

_ROLES: Final = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
#: Parts that hold no words of the one who speaks: calls, their results, hidden reasoning.
_SILENT_PARTS: Final = frozenset({"thinking", "redacted_thinking", "reasoning", "refusal", "tool_use"})
_MEDIA: Final = (
    ("image", "[image]"),
    ("audio", "[audio]"),
    ("video", "[video]"),
    ("file", "[file]"),
    ("document", "[file]"),
)
_DEEPEST: Final = 6


@dataclass(frozen=True, slots=True)
class Turns:
    """What a request asks.

    `prompt`: the newest user turn, None where there is none; `system`: all system texts, joined with
    newlines; `turn`: how many user turns came before the newest; `previous`: the newest answer that is carried back.
    """

    prompt: str | None
    system: str | None
    turn: int | None
    previous: str | None = None


def decoded(value: object) -> object:
    """`value`, or what it holds where it is the JSON text of an object or array (logs nest JSON in text)."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return decode(value)
        except DecodingError:
            return value
    return value


def _conversation(value: object) -> object:
    """As `decoded`, but text that is JSON and holds no messages stays text: it is somebody's prompt."""
    held = decoded(value)
    if held is value:
        return value
    messages = held.get("messages", [held]) if isinstance(held, dict) else held
    if isinstance(messages, list) and messages and all(_is_message(m) for m in messages):
        return messages
    return value


def _is_message(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role", value.get("type")), str)


def text_of(content: object, depth: int = 0) -> str | None:
    """Text of one message's content: text, a part, or parts (joined with newlines; media as "[image]").

    Tool calls, tool results and hidden reasoning are no text. None where nothing is left.
    """
    if isinstance(content, str):
        return content
    if depth > _DEEPEST:
        return None
    if isinstance(content, dict):
        return _part(content, depth)
    if isinstance(content, list | tuple):
        texts = [text for part in content if (text := text_of(part, depth + 1)) is not None]
        return "\n".join(texts) if texts else None
    return None


def _part(part: Mapping[str, object], depth: int) -> str | None:
    kind = part.get("type")
    if isinstance(kind, str):
        if kind in _SILENT_PARTS or "tool" in kind or "call" in kind:
            return None
        if "text" not in kind and (shown := _media(kind)):
            return shown
    modality = part.get("modality", part.get("mime_type"))
    if isinstance(modality, str) and (shown := _media(modality)):
        return shown
    for key in ("text", "content", "parts"):
        if (held := part.get(key)) is not None:
            return text_of(held, depth + 1)
    return "[image]" if "image_url" in part or "inline_data" in part or "inlineData" in part else None


def _media(kind: str) -> str | None:
    return next((shown for word, shown in _MEDIA if word in kind), None)


def turns(messages: object, *, system: object = None) -> Turns:
    """The newest user turn of a request.

    `messages`: a list of messages, one message, plain text, or JSON of these. `system`: system text given
    beside them (Anthropic `system`, Responses `instructions`). The newest user turn is the last run of user
    messages with no answer between them, joined with newlines; a request that ends with tool results or a
    prefilled answer therefore still has the turn that started it. Tool results are no user turn. `previous` is the last
    answer that something follows: what a request ends with was put into the model's mouth, not said by it.
    """
    messages = _conversation(messages)
    systems = [text] if (text := text_of(_conversation(system))) else []
    if isinstance(messages, str):
        return Turns(messages, systems[0] if systems else None, 0)
    if isinstance(messages, dict):
        messages = messages.get("messages", [messages])
    if not isinstance(messages, list | tuple):
        return Turns(None, systems[0] if systems else None, None)
    newest: list[str] = []
    said: list[str] = []
    previous: str | None = None
    groups, answered = 0, True
    for message in messages:
        role, text = _message(message)
        if role == "assistant":
            said += [text] if text else []
        elif said:
            previous, said = "\n".join(said), []
        if role == "system" and text:
            systems.append(text)
        elif role == "assistant":
            answered = True
        elif role == "user" and text is not None:
            if answered:
                newest, groups, answered = [], groups + 1, False
            newest.append(text)
    joined = "\n".join(systems) if systems else None
    return Turns("\n".join(newest) if groups else None, joined, groups - 1 if groups else None, previous)


def _message(message: object) -> tuple[str | None, str | None]:
    """Role ("user", "assistant", "system", another or None) and text of one message or item."""
    if isinstance(message, str):
        return "user", message
    if not isinstance(message, dict):
        return None, None
    content = message.get("content", message.get("parts"))
    held = message.get("role", message.get("type"))
    if not isinstance(held, str):
        return ("user" if content is not None else None), text_of(content)
    role = _ROLES.get(held.lower(), held)
    if role in ("message", "text", "input_text", "input_image"):  # items of the Responses API without a role
        return "user", text_of(message if content is None else content)
    if role == "reasoning" or role.endswith("_call"):  # the model's own items: an answer without words
        return "assistant", None
    return role, text_of(content)


def answer(said: object) -> str | None:
    """Text of an answer: messages, content parts or plain text; what the model said, joined by newlines."""
    said = _conversation(said)
    if isinstance(said, dict) and ("content" in said or "parts" in said):
        return text_of(said.get("content", said.get("parts")))
    if isinstance(said, list | tuple) and any(isinstance(m, dict) and "role" in m for m in said):
        texts = [text for role, text in map(_message, said) if role == "assistant" and text is not None]
        return "\n".join(texts) if texts else None
    return text_of(said)
