"""What was asked and answered, wherever an instrumentation put it on a span.

Newest first: message attributes (`gen_ai.input.messages`), one attribute with everything (`gen_ai.prompt`),
numbered attributes (`gen_ai.prompt.0.content`, `llm.input_messages.0.message.content`), events with one
message each (`gen_ai.user.message`, `gen_ai.choice`). Finding the newest user turn in it is for `messages`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from headwater.exchange.readers.bodies import REDACTED
from headwater.exchange.readers.messages import answer, decoded, turns
from headwater.exchange.readers.otlp import Attributes, Event
from headwater.exchange.readers.protocol import Row

_ASKED: Final = (
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "ai.prompt.messages",
    "input.value",
)
_SAID: Final = ("gen_ai.output.messages", "gen_ai.completion", "ai.response.text", "output.value")
_NUMBERED_ASKED: Final = ("gen_ai.prompt.", "llm.prompts.", "llm.input_messages.", "embedding.embeddings.")
_NUMBERED_SAID: Final = ("gen_ai.completion.", "llm.completions.", "llm.output_messages.")
_DETAILS: Final = "gen_ai.client.inference.operation.details"
_MESSAGE_EVENTS: Final = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
#: Names of events that carry content.
CONTENT_EVENTS: Final = frozenset(
    {_DETAILS, "gen_ai.content.prompt", "gen_ai.content.completion", "gen_ai.choice", *_MESSAGE_EVENTS}
)
#: Longest text that is read as a Python literal (some instrumentations write `str(messages)`), characters.
_LONGEST_LITERAL: Final = 100_000


@dataclass(frozen=True, slots=True)
class Content:
    """Messages asked (any form that `turns` reads), system text given beside them, answer, why it ended."""

    asked: object = None
    system: object = None
    said: object = None
    finish: object = None


def of_span(attributes: Attributes, events: Iterable[Event]) -> Content:
    """Content of one span, its events included."""
    kept = [event for event in events if event.name in CONTENT_EVENTS]
    for event in kept:
        if event.name == _DETAILS:
            attributes = {**event.attributes, **attributes}
    asked = _plain(attributes, _ASKED)
    said = _plain(attributes, _SAID)
    finish: object = None
    if asked is None:
        asked = _numbered(attributes, _NUMBERED_ASKED)
    if said is None:
        answers = _numbered(attributes, _NUMBERED_SAID)
        said, finish = answers, (answers[0].get("finish_reason") if answers else None)
    if kept and (asked is None or said is None):
        told = of_events(kept)
        asked, said = (told.asked if asked is None else asked), (told.said if said is None else said)
        finish = finish or told.finish
    return Content(asked, decoded(attributes.get("gen_ai.system_instructions")), said, finish or _ended(said))


def of_events(events: Iterable[Event]) -> Content:
    """Content of a run of events with one message each, in their order."""
    asked: list[object] = []
    said: list[object] = []
    system: object = None
    finish: object = None
    for event in events:
        held = _fields(event)
        if role := _MESSAGE_EVENTS.get(event.name):
            asked.append({**held, "role": held.get("role") or role, "content": _parts(held.get("content"))})
        elif event.name == "gen_ai.choice":
            message = decoded(held.get("message"))
            spoken = message if isinstance(message, Mapping) else {"content": message or held.get("content")}
            said.append({"role": "assistant", **spoken})
            finish = finish or held.get("finish_reason")
        elif event.name == "gen_ai.content.prompt":
            asked.extend(_listed(_literal(decoded(held.get("gen_ai.prompt")))))
        elif event.name == "gen_ai.content.completion":
            said.extend(_listed(_literal(decoded(held.get("gen_ai.completion")))))
        elif event.name == _DETAILS:
            asked.extend(_listed(_plain(held, _ASKED)))
            said.extend(_listed(_plain(held, _SAID)))
            system = system or decoded(held.get("gen_ai.system_instructions"))
    return Content(asked or None, system, said or None, finish or _ended(said))


def put(row: Row, content: Content) -> None:
    """Set prompt, system, turn, answers and finish reason of `row` from `content`, where it has them."""
    found = turns(content.asked, system=content.system)
    if found.prompt is not None and found.prompt not in REDACTED:
        row["prompt"] = found.prompt
    if found.system is not None:
        row["system"] = found.system
    if found.turn is not None:
        row["turn"] = found.turn
    if found.previous is not None and found.previous not in REDACTED:
        row["previous"] = found.previous
    if content.said is not None and (spoken := answer(content.said)) not in (None, *REDACTED):
        row["response"] = spoken
    if "finish_reason" not in row and isinstance(content.finish, str) and content.finish:
        row["finish_reason"] = content.finish


def _plain(attributes: Mapping[str, object], names: tuple[str, ...]) -> object:
    for name in names:
        if (held := attributes.get(name)) is not None and held != "":
            return _literal(decoded(held))
    return None


def _literal(held: object) -> object:
    """A list written as Python's `str` writes it; everything else as it is."""
    if isinstance(held, str) and held.startswith("[{'") and len(held) <= _LONGEST_LITERAL:
        try:
            return ast.literal_eval(held)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return held
    return held


def _numbered(attributes: Mapping[str, object], prefixes: tuple[str, ...]) -> list[dict[str, object]] | None:
    """Messages from attributes such as `<prefix>0.role` and `<prefix>0.message.content`, in their order."""
    found: dict[int, dict[str, object]] = {}
    for key, value in attributes.items():
        if not key.startswith(prefixes):
            continue
        prefix = next(p for p in prefixes if key.startswith(p))
        index, _, field = key[len(prefix) :].partition(".")
        if not (index.isascii() and index.isdigit() and len(index) < 6):
            continue
        field = field.removeprefix("message.").removeprefix("embedding.")
        message = found.setdefault(int(index), {})
        if field in ("content", "text"):
            message["content"] = _parts(value)
        elif field in ("role", "finish_reason"):
            message[field] = value
        elif field.startswith("contents.") and field.endswith(".message_content.text"):
            pieces = message.setdefault("content", [])
            if isinstance(pieces, list):
                pieces.append({"type": "text", "text": value})
    if not any("content" in message for message in found.values()):
        return None
    return [
        {"role": "user", **found[index]} if "role" not in found[index] else found[index]
        for index in sorted(found)
    ]


def _parts(content: object) -> object:
    """Content parts where text holds their JSON (attributes cannot nest); other text stays what it is."""
    if isinstance(content, str) and content.startswith("[{"):
        held = decoded(content)
        if isinstance(held, list) and all(
            isinstance(p, Mapping) and isinstance(p.get("type"), str) for p in held
        ):
            return held
    return content


def _fields(event: Event) -> Mapping[str, object]:
    """Body and attributes of an event; some SDKs nest the body as JSON in one attribute."""
    body = event.body if event.body is not None else decoded(event.attributes.get("gen_ai.event.content"))
    if isinstance(body, str):
        body = decoded(body)
    if isinstance(body, Mapping):
        return {**event.attributes, **body}
    return event.attributes if body is None else {**event.attributes, "content": body}


def _listed(held: object) -> list[object]:
    if held is None:
        return []
    return list(held) if isinstance(held, list) else [held]


def _ended(said: object) -> object:
    """The reason why the first answer ended, where the answer itself says it."""
    first = said[0] if isinstance(said, list) and said else None
    return first.get("finish_reason") if isinstance(first, Mapping) else None
