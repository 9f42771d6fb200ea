"""What a request's body asks for, before anybody has answered; and the body as it goes on, with what was granted.

The bodies are those of the public references of OpenAI (chat completions, completions, responses, embeddings) and of
Anthropic (messages). Only fields that matter are decoded; all others stay byte for byte. Each key stands once in what
is written: of two, servers differ in which one counts. What may be granted is decided above.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

import msgspec

from headwater.errors import HeadwaterError, Where

Raw = msgspec.Raw
_MOST: Final = 1 << 31
_MOST_ANSWERS: Final = 1024
_DEEPEST: Final = 12
#: A picture that is written into a body isn't shorter.
_INLINE: Final = 256
#: Anthropic's least for reasoning; below it no answer with reasoning can be asked for.
_LEAST_THINKING: Final = 1024
_FIELDS: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_ENCODE: Final = msgspec.json.Encoder().encode
_TEXT: Final = msgspec.json.Decoder(str | None).decode
_FLAG: Final = msgspec.json.Decoder(bool | None).decode
_NUMBER: Final = msgspec.json.Decoder(int | None).decode
_EITHER: Final = msgspec.json.Decoder(int | bool | None).decode
_TELLS_USAGE: Final = Raw(b'{"include_usage":true}')
#: The field in which an answer's length is limited where a body names none.
_LIMIT: Final = {
    "chat": "max_tokens",
    "completion": "max_tokens",
    "responses": "max_output_tokens",
    "messages": "max_tokens",
}
_PROBABILITIES: Final = ("logprobs", "top_logprobs", "prompt_logprobs")


class UnreadableRequestError(HeadwaterError):
    """A body from which it can't be told what is asked for; `where.field` names the field."""


class Asked(msgspec.Struct):
    """What one request asks for.

    `output_tokens`: the longest that one answer may be, None where the body doesn't say; `limits`: the fields that say
    so. `answers`: how many are written (n or best_of, times the number of prompts). `text_bytes`: an upper bound of the
    bytes of text, `images`: pictures beside it. `tells_usage`: whether a stream tells its usage, as far as the client
    asked. `fields`: the body's, undecoded.
    """

    endpoint: str
    fields: dict[str, Raw]
    text_bytes: int
    images: int = 0
    model: str = ""
    stream: bool = False
    output_tokens: int | None = None
    limits: tuple[str, ...] = ()
    answers: int = 1
    logprobs: bool = False
    raw_reasoning: bool = False
    background: bool = False
    tells_usage: bool = True


def read_request(body: bytes, endpoint: str) -> Asked:
    """What a body asks for; `endpoint`: chat, completion, responses, messages or embeddings.

    Raises `UnreadableRequestError` where the body is no JSON object, or a field that matters has a type or a value that
    no server gives a meaning to.
    """
    try:
        fields = _FIELDS(body)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise UnreadableRequestError("the body is no JSON object that can be read") from None
    found = Asked(endpoint, fields, len(body))
    if b"image" in body:
        found.images, inline = _pictures(body)
        found.text_bytes -= inline
    found.model = _held(fields, "model", _TEXT) or ""
    if "stream" in fields:
        found.stream = bool(_held(fields, "stream", _FLAG))
    _READ[endpoint](found, fields)
    return found


def write_request(asked: Asked, *, max_tokens: int | None, drop: Collection[str] = ()) -> bytes:
    """The body as it goes on: held to `max_tokens`, without what `drop` names (logprobs, raw_reasoning).

    A stream of chat or completions is asked to tell its usage, whatever the client asked for.
    """
    fields, endpoint = asked.fields, asked.endpoint
    if asked.stream and not asked.tells_usage:
        fields["stream_options"] = _with_usage(fields.get("stream_options"))
    if max_tokens is not None:
        limit = Raw(b"%d" % max_tokens)
        for name in asked.limits or (_LIMIT[endpoint],):
            fields[name] = limit
    if drop and "logprobs" in drop:
        _without_probabilities(fields, endpoint)
    if "thinking" in fields and endpoint == "messages":
        _think(fields, max_tokens, leave_out="raw_reasoning" in drop)
    return _ENCODE(fields)


def _chat(found: Asked, fields: dict[str, Raw]) -> None:
    _limited(found, fields, ("max_tokens", "max_completion_tokens"))
    found.answers = _count(fields, "n")
    if "logprobs" in fields:
        found.logprobs = bool(_held(fields, "logprobs", _FLAG))
    for name in ("top_logprobs", "prompt_logprobs"):
        if name in fields and _held(fields, name, _NUMBER):
            found.logprobs = True
    found.tells_usage = _tells_usage(fields)


def _completion(found: Asked, fields: dict[str, Raw]) -> None:
    _limited(found, fields, ("max_tokens",))
    found.answers = max(_count(fields, "n"), _count(fields, "best_of")) * _prompts(fields.get("prompt"))
    if "logprobs" in fields:
        wanted = _held(fields, "logprobs", _EITHER)
        # 0 asks for the probability of the token itself.
        found.logprobs = wanted is not None and wanted is not False
    if "prompt_logprobs" in fields and _held(fields, "prompt_logprobs", _NUMBER) is not None:
        found.logprobs = True
    found.tells_usage = _tells_usage(fields)


def _responses(found: Asked, fields: dict[str, Raw]) -> None:
    _limited(found, fields, ("max_output_tokens",))
    if "background" in fields:
        found.background = bool(_held(fields, "background", _FLAG))
    included = _loose(fields.get("include"))
    named = isinstance(included, list) and any("logprobs" in str(name) for name in included)
    found.logprobs = named or bool("top_logprobs" in fields and _held(fields, "top_logprobs", _NUMBER))


def _messages(found: Asked, fields: dict[str, Raw]) -> None:
    _limited(found, fields, ("max_tokens",))
    thinking = _loose(fields.get("thinking"))
    found.raw_reasoning = isinstance(thinking, dict) and thinking.get("type") != "disabled"


def _plain(found: Asked, fields: dict[str, Raw]) -> None:
    """An embedding has no length."""


_READ: Final[dict[str, Callable[[Asked, dict[str, Raw]], None]]] = {
    "chat": _chat,
    "completion": _completion,
    "responses": _responses,
    "messages": _messages,
    "embeddings": _plain,
}


def _held(fields: dict[str, Raw], name: str, decode: Callable[[Raw], Any]) -> Any:
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        return decode(raw)
    except msgspec.MsgspecError:
        raise UnreadableRequestError(f"{name} has a value of another type", where=Where(field=name)) from None


def _limited(found: Asked, fields: dict[str, Raw], names: tuple[str, ...]) -> None:
    for name in names:
        if name not in fields or (length := _held(fields, name, _NUMBER)) is None:
            continue
        if not 0 <= length < _MOST:
            raise UnreadableRequestError(f"{name} is out of range", where=Where(field=name))
        found.limits += (name,)
        found.output_tokens = length if found.output_tokens is None else min(found.output_tokens, length)


def _count(fields: dict[str, Raw], name: str) -> int:
    if name not in fields or (value := _held(fields, name, _NUMBER)) is None:
        return 1
    if not 1 <= value <= _MOST_ANSWERS:
        raise UnreadableRequestError(f"{name} is out of range", where=Where(field=name))
    return int(value)


def _prompts(raw: Raw | None) -> int:
    """How many prompts a completion has: a list of texts, or of lists of token ids, is answered once for each."""
    text = b"" if raw is None else bytes(raw)
    if not text.startswith(b"["):
        return 1
    held = msgspec.json.decode(text, type=list[Raw])
    several = bool(held) and bytes(held[0])[:1] in (b'"', b"[")
    return len(held) if several else 1


def _tells_usage(fields: dict[str, Raw]) -> bool:
    options = _loose(fields.get("stream_options")) if "stream_options" in fields else None
    return isinstance(options, dict) and options.get("include_usage") is True


def _with_usage(raw: Raw | None) -> Raw:
    options = _loose(raw)
    if not isinstance(options, dict):
        return _TELLS_USAGE
    return Raw(_ENCODE({**options, "include_usage": True}))


def _without_probabilities(fields: dict[str, Raw], endpoint: str) -> None:
    for name in _PROBABILITIES:
        fields.pop(name, None)
    included = _loose(fields.get("include")) if endpoint == "responses" else None
    if isinstance(included, list):
        fields["include"] = Raw(_ENCODE([name for name in included if "logprobs" not in str(name)]))


def _think(fields: dict[str, Raw], max_tokens: int | None, *, leave_out: bool) -> None:
    """Reasoning fits into what the answer is held to, or isn't asked for."""
    thinking = _loose(fields["thinking"])
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if leave_out:
        del fields["thinking"]
    elif max_tokens is not None and isinstance(budget, int) and budget >= max_tokens:
        if max_tokens <= _LEAST_THINKING:
            del fields["thinking"]
        else:
            fields["thinking"] = Raw(_ENCODE({**thinking, "budget_tokens": max_tokens - 1}))


def _loose(raw: Raw | None) -> Any:
    """A small field as it is, of whatever type; None where it isn't there or can't be read."""
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _pictures(body: bytes) -> tuple[int, int]:
    """Pictures in a body, and the bytes that those of them take which are written into it: base64 isn't text."""
    try:
        return _parts(msgspec.json.decode(body), 0)
    except (msgspec.MsgspecError, RecursionError):
        return 0, 0


def _parts(value: Any, depth: int) -> tuple[int, int]:
    if depth > _DEEPEST:
        return 0, 0
    if isinstance(value, dict):
        if value.get("type") in ("image_url", "input_image", "image"):
            return 1, _inline(value.get("image_url", value.get("source")))
        value = [one for one in value.values() if isinstance(one, (list, dict))]
    if not isinstance(value, list):
        return 0, 0
    counted = [_parts(one, depth + 1) for one in value]
    return sum(one[0] for one in counted), sum(one[1] for one in counted)


def _inline(source: Any) -> int:
    if isinstance(source, dict):
        source = source.get("url") if "url" in source else source.get("data")
    if not isinstance(source, str) or len(source) < _INLINE or source.startswith("http"):
        return 0
    return len(source)
