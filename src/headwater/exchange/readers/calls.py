"""What the bodies of API calls say, whoever logged them: request bodies, answer bodies, HTTP around them.

The shapes are those of the public OpenAI (chat completions, responses, completions, embeddings) and Anthropic
(messages) references. Values are handed on as they are; `rows` checks their types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from headwater.exchange.readers.messages import answer, decoded, text_of, turns
from headwater.exchange.readers.protocol import Record, Row

_PLAIN: Final = ("model", "temperature", "top_p", "n", "seed", "stream")
_LIMITS: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_ENDPOINTS: Final = (
    ("chat/completions", "chat"),
    ("responses", "responses"),
    ("messages", "messages"),
    ("embeddings", "embeddings"),
    ("completions", "completion"),
)


def part(record: Record, key: str) -> Mapping[str, object]:
    """The object under `key`, also where it is JSON text; empty where there is none."""
    held = decoded(record.get(key))
    return held if isinstance(held, dict) else {}


def first(record: Record, keys: Iterable[str]) -> object:
    """The first value that is there."""
    for key in keys:
        if (value := record.get(key)) is not None:
            return value
    return None


def endpoint_of(url: object) -> str | None:
    """Kind of call by a URL or path."""
    if not isinstance(url, str):
        return None
    path = url[:2000].partition("?")[0].rstrip("/")
    return next((kind for tail, kind in _ENDPOINTS if path.endswith(tail)), None)


def request_columns(body: Record, endpoint: str | None = None) -> Row:
    """What a request body asks: prompt, system, turn, answer carried back, model, parameters, kind of call."""
    kind = endpoint or _kind(body)
    asked = body.get("messages")
    system = body.get("system")
    if asked is None and "input" in body:
        asked, system = body["input"], body.get("instructions")
    elif asked is None:
        asked = body.get("prompt")
    said = turns(asked, system=system)
    row: Row = {"prompt": said.prompt, "system": said.system, "turn": said.turn, "endpoint": kind}
    for name in _PLAIN:
        row[name] = body.get(name)
    row["previous"] = said.previous
    row["max_tokens"] = first(body, _LIMITS)
    row["logprobs"] = _wants_logprobs(body)
    row["logit_bias"] = _shifts_odds(body)
    tools = first(body, ("tools", "functions"))
    row["tools"] = len(tools) if isinstance(tools, list) else None
    row["response_format"] = _format(body)
    conversation = body.get("conversation")
    row["conversation"] = conversation.get("id") if isinstance(conversation, dict) else conversation
    return row


def answer_columns(body: Record) -> Row:
    """What an answer body says: text, why it ended, tokens; `id` and `model` as answered."""
    row: Row = {"response": _said(body), "finish_reason": _ended(body)}
    usage = part(body, "usage")
    row["input_tokens"] = _input_tokens(usage)
    row["output_tokens"] = first(usage, ("completion_tokens", "output_tokens"))
    return row


def _kind(body: Record) -> str | None:
    if "messages" in body:
        return "messages" if "anthropic_version" in body or "stop_sequences" in body else "chat"
    if "input" in body:
        embedding = (
            "encoding_format" in body or "dimensions" in body or "embed" in str(body.get("model"))[:200]
        )
        return "embeddings" if embedding else "responses"
    return "completion" if "prompt" in body else None


def _wants_logprobs(body: Record) -> bool | None:
    wanted = body.get("logprobs")
    if isinstance(wanted, int) and not isinstance(wanted, bool):  # completions: how many
        return wanted > 0
    if wanted is None and isinstance(top := body.get("top_logprobs"), int):  # responses: how many
        return top > 0
    return wanted if isinstance(wanted, bool) else None


def _shifts_odds(body: Record) -> bool | None:
    """Whether `logit_bias` names any token: clients send an empty object by default."""
    shifted = decoded(body.get("logit_bias"))
    return bool(shifted) if isinstance(shifted, dict) else None


def _format(body: Record) -> object:
    held = body.get("response_format")
    if held is None:
        key = "text" if "text" in body else "output_config"
        held = part(body, key).get("format") if key in body else None
    return held.get("type") if isinstance(held, dict) else held


def _input_tokens(usage: Mapping[str, object]) -> object:
    """Anthropic counts cached tokens apart from the others, OpenAI among them."""
    found = first(usage, ("prompt_tokens", "input_tokens"))
    cached = [usage.get(key) for key in ("cache_creation_input_tokens", "cache_read_input_tokens")]
    if isinstance(found, int) and "prompt_tokens" not in usage:
        return found + sum(count for count in cached if isinstance(count, int))
    return found


def _choices(body: Record) -> list[Mapping[str, object]]:
    held = body.get("choices")
    return [choice for choice in held if isinstance(choice, dict)] if isinstance(held, list) else []


def _said(body: Record) -> str | None:
    if choices := _choices(body):
        texts = [
            text
            for choice in choices
            if (text := answer(choice["message"]) if "message" in choice else text_of(choice.get("text")))
            is not None
        ]
        return "\n".join(texts) if texts else None
    if "output" in body:
        return answer(body["output"])
    return text_of(body.get("content"))


def _ended(body: Record) -> object:
    if choices := _choices(body):
        return choices[0].get("finish_reason")
    if "stop_reason" in body:
        return body["stop_reason"]
    return part(body, "incomplete_details").get("reason") or body.get("status")
