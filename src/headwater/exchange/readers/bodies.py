"""Bodies of API calls as gateways keep them: decoded or as JSON text, plain text, in Google's shape too.

What the bodies say is for `calls`; here they are brought into its shape and laid into a row, where what the
gateway itself wrote down counts first. Times of a gateway are read here as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headwater.exchange.readers.calls import answer_columns, request_columns
from headwater.exchange.readers.messages import answer, decoded
from headwater.exchange.readers.protocol import Row
from headwater.exchange.times import TimeFormatError, instant

_QUESTIONS: Final = ("messages", "input", "prompt", "contents")
#: Keys of an answer's body, one of which tells it from other JSON that a model may answer.
_ANSWERS: Final = frozenset({"choices", "candidates", "output", "content"})
#: What logs have in the place of a content that they do not keep.
_EMPTY: Final[tuple[object, ...]] = (None, "", "{}", "[]", "null", {}, [])
_NOTHING: Final[Mapping[str, object]] = {}
#: What tools write in the place of a text that they were told to hide (LiteLLM, OpenInference). Taken for
#: prompts, these would be a template that every account shares.
REDACTED: Final = ("redacted-by-litellm", "REDACTED_BY_LITELM", "__REDACTED__")
_GOOGLE: Final = {
    "topP": "top_p",
    "maxOutputTokens": "max_tokens",
    "candidateCount": "n",
    "temperature": "temperature",
    "seed": "seed",
}


def present(*values: object) -> object:
    """The first value that is neither null nor empty text."""
    return next((value for value in values if value is not None and value != ""), None)


def merge(row: Row, columns: Mapping[str, object]) -> None:
    """Set those columns of `row` that it lacks and that have a value."""
    for column, value in columns.items():
        if value is not None and value != "" and column not in row:
            row[column] = value


def ask(row: Row, asked: object, parameters: Mapping[str, object] = _NOTHING) -> None:
    """Lay a request into `row`: its body, the JSON text of it, or only its messages or text.

    `parameters` are those that the log keeps apart; the body's own count first.
    """
    body = decoded(asked)
    if isinstance(body, dict) and any(body.get(key) for key in _QUESTIONS):
        if "contents" in body:
            merge(row, request_columns({**parameters, **_from_google(body)}, "generate_content"))
        else:
            merge(row, request_columns({**parameters, **body} if parameters else body))
        return
    held = {**parameters, "messages": None if asked in _EMPTY else asked}
    held.setdefault("system", held.get("instructions"))
    columns = request_columns(held)
    del columns["endpoint"]  # messages alone do not say by which door they came
    merge(row, columns)


def reply(row: Row, said: object) -> None:
    """Lay an answer into `row`: its body, the JSON text of it, or its messages or text."""
    held = decoded(said)
    if isinstance(held, dict) and not held.keys().isdisjoint(_ANSWERS):
        merge(row, answer_columns(_google_answer(held) if "candidates" in held else held))
    elif said not in _EMPTY and not isinstance(held, dict):
        merge(row, {"response": answer(said)})
    elif isinstance(said, str) and said not in _EMPTY:
        merge(row, {"response": said})


def _from_google(body: Mapping[str, object]) -> dict[str, object]:
    """A generateContent request in the words that `calls` knows."""
    held: dict[str, object] = {"messages": body["contents"]}
    held["system"] = body.get("systemInstruction", body.get("system_instruction"))
    held["model"], held["tools"] = body.get("model"), body.get("tools")
    limits = body.get("generationConfig")
    if isinstance(limits, dict):
        held.update({name: limits[theirs] for theirs, name in _GOOGLE.items() if theirs in limits})
    return held


def _google_answer(body: Mapping[str, object]) -> dict[str, object]:
    listed = body["candidates"]
    choices = [
        {"message": one.get("content"), "finish_reason": one.get("finishReason")}
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict)
    ]
    usage = body.get("usageMetadata")
    counts: dict[str, object] = {}
    if isinstance(usage, dict):
        counts["prompt_tokens"] = usage.get("promptTokenCount")
        counts["completion_tokens"] = usage.get("candidatesTokenCount")
    return {"choices": choices, "usage": counts}


def moment(value: object) -> object:
    """Microseconds UTC of a time whose writer is known to use UTC; `value` itself where it is no time."""
    try:
        return instant(value)[0]
    except TimeFormatError:
        return value


def stamp(value: object) -> object:
    """As `moment`, but a time that names no zone stays as it is: where rows are checked it is noted."""
    try:
        at_us, assumed = instant(value)
    except TimeFormatError:
        return value
    return value if assumed else at_us


def between_ms(start: object, end: object) -> float | None:
    """Milliseconds between two times in microseconds; None where either is no time or they are reversed."""
    if isinstance(start, int) and isinstance(end, int) and 0 < start <= end:
        return (end - start) / 1000
    return None
