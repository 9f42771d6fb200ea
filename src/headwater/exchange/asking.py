"""What a request's body asks for, before anybody has answered; and the body as it goes on, with what was granted.

The bodies are those of the public references of OpenAI (chat completions, completions, responses, embeddings) and of
Anthropic (messages). Only fields that matter are decoded; all others stay byte for byte. Each key stands once in what
is written: of two, servers differ in which one counts. What may be granted is decided above.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, Final

import msgspec

from headwater.errors import HeadwaterError, Where
from headwater.exchange.decoding import DecodingError, decode
from headwater.exchange.media import SAID, holds_media, media_in

Raw = msgspec.Raw
_MOST: Final = 1 << 31
_MOST_ANSWERS: Final = 1024
#: Anthropic's least for reasoning; below it no answer with reasoning can be asked for.
_LEAST_THINKING: Final = 1024
_FIELDS: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_ENCODE: Final = msgspec.json.Encoder().encode
_TEXT: Final = msgspec.json.Decoder(str | None).decode
_FLAG: Final = msgspec.json.Decoder(bool | None).decode
_NUMBER: Final = msgspec.json.Decoder(int | None).decode
_EITHER: Final = msgspec.json.Decoder(int | bool | None).decode
_ITEMS: Final = msgspec.json.Decoder(list[Raw]).decode
_TELLS_USAGE: Final = Raw(b'{"include_usage":true}')
#: The fields in which an answer's length is limited; the first where a body names none.
_LIMITS: Final = {
    "chat": ("max_tokens", "max_completion_tokens"),
    "completion": ("max_tokens",),
    "responses": ("max_output_tokens",),
    "messages": ("max_tokens",),
}
#: Names that some servers (llama.cpp among them) prefer to those: what they say is moved to the first.
_ALIASES: Final = ("n_predict", "max_new_tokens", "max_length")
#: Code for the server, as SGLang takes it: no client's is ever passed on.
_CODE: Final = "custom_logit_processor"
#: A server's other name for n.
_COUNT_ALIAS: Final = "n_cmpl"
#: Beyond these a body is no conversation: it would keep a worker busy. Bytes below which nothing is counted; commas and
#: brackets in all of it, keys at the top; bytes of a flag or a number, and of a small field.
_PLAIN_BYTES: Final = 65_536
_MOST_VALUES: Final = 500_000
_MOST_OPENINGS: Final = 100_000
_MOST_KEYS: Final = 500
_MOST_SCALAR: Final = 4_096
_MOST_SMALL: Final = 65_536
#: Models of OpenAI's that know only the newer name.
_NEWER: Final = re.compile(r"(?:openai/)?(?:o[1-9]|gpt-[5-9])(?:[.-].*)?$")
#: Path of a model server → kind of body, as in the exchange's column `endpoint`.
ENDPOINTS: Final = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completion",
    "/v1/responses": "responses",
    "/v1/messages": "messages",
    "/v1/embeddings": "embeddings",
    "/v1/messages/count_tokens": "messages",
}
_PROBABILITIES: Final = (
    "logprobs", "top_logprobs", "prompt_logprobs", "n_probs", "return_logprob", "return_hidden_states",
)  # fmt: skip
_OTHERS: Final = _PROBABILITIES[2:]
#: Fields with which servers are told to leave reasoning where it isn't found again.
_UNPARTED: Final = ("reasoning_format", "separate_reasoning", "return_token_ids")
#: Every name that decides something. Go's JSON takes names in any mixture of cases: such a spelling is refused.
_MATTERS: Final = frozenset((
    "model", "stream", "stream_options", "n", "best_of", "prompt", "prompt_embeds", "messages", "input", "include",
    "background", "store", "thinking", "max_tokens", "max_completion_tokens", "max_output_tokens", "tools",
    "previous_response_id", "conversation", "container", "use_beam_search", _CODE, *_ALIASES, *_PROBABILITIES,
    *_UNPARTED,
))  # fmt: skip


class UnreadableRequestError(HeadwaterError):
    """A body from which it can't be told what is asked for; `where.field` names the field."""


class Asked(msgspec.Struct):
    """What one request asks for.

    `output_tokens`: the longest that one answer may be, None where the body doesn't say; `limits`: the fields that say
    so. `answers`: how many are written (n or best_of, times the number of prompts). `text_bytes`: an upper bound of the
    bytes of text, `images`: pictures beside it. `tells_usage`: whether a stream tells its usage, as far as the client
    asked. `unparted`: whether a server is told to leave reasoning where it isn't found again. `fields`: the body's,
    undecoded.
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
    unparted: bool = False


def read_request(body: bytes, endpoint: str) -> Asked:
    """What a body asks for; `endpoint`: chat, completion, responses, messages or embeddings.

    Raises `UnreadableRequestError` where the body is no JSON object, or a field that matters has a type or a value that
    no server gives a meaning to.
    """
    if len(body) > _PLAIN_BYTES and _overfull(body):
        raise UnreadableRequestError("the body holds too many values")
    try:
        body.decode()  # the values that stay undecoded are looked at by nobody else
        fields = _FIELDS(body)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise UnreadableRequestError("the body is no JSON object that can be read") from None
    if len(fields) > _MOST_KEYS:
        raise UnreadableRequestError("the body has too many fields")
    names = "".join(fields)
    if not (names.isascii() and names.islower()):
        _plainly_named(fields)
    if _CODE in fields and bytes(fields.pop(_CODE)) != b"null":
        raise UnreadableRequestError(f"{_CODE} isn't taken from clients", where=Where(field=_CODE))
    found = Asked(endpoint, fields, len(body))
    if endpoint in SAID and holds_media(body):
        found.images, inline = _media(fields.get(SAID[endpoint]))
        found.text_bytes -= inline
    found.model = _held(fields, "model", _TEXT) or ""
    if "stream" in fields:
        found.stream = bool(_held(fields, "stream", _FLAG))
    found.unparted = not fields.keys().isdisjoint(_UNPARTED)
    _READ[endpoint](found, fields)
    if not found.model:  # a server would choose one, and nobody had asked what it may cost
        raise UnreadableRequestError("model is missing", where=Where(field="model"))
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
        for name in asked.limits or (_limit_of(asked),):
            fields[name] = limit
    if drop and "logprobs" in drop:
        _without_probabilities(fields, endpoint)
    if drop and "raw_reasoning" in drop:
        for name in _UNPARTED:
            fields.pop(name, None)
    if "thinking" in fields and endpoint == "messages":
        _think(fields, max_tokens, leave_out="raw_reasoning" in drop)
    return _ENCODE(fields)


def _chat(found: Asked, fields: dict[str, Raw]) -> None:
    _limited(found, fields)
    found.answers = _count(fields, "n")
    if "logprobs" in fields:
        found.logprobs = bool(_held(fields, "logprobs", _FLAG))
    if "top_logprobs" in fields and _held(fields, "top_logprobs", _NUMBER):
        found.logprobs = True
    _probed(found, fields)
    found.tells_usage = _tells_usage(fields)


def _completion(found: Asked, fields: dict[str, Raw]) -> None:
    _limited(found, fields)
    found.answers = max(_count(fields, "n"), _count(fields, "best_of")) * _prompts(fields)
    if "logprobs" in fields:
        wanted = _held(fields, "logprobs", _EITHER)
        # 0 asks for the probability of the token itself.
        found.logprobs = wanted is not None and wanted is not False
    _probed(found, fields)
    found.tells_usage = _tells_usage(fields)


def _responses(found: Asked, fields: dict[str, Raw]) -> None:
    _limited(found, fields)
    if "background" in fields:
        found.background = bool(_held(fields, "background", _FLAG))
    included = _loose(fields.get("include"))
    named = isinstance(included, list) and any("logprobs" in str(name) for name in included)
    found.logprobs = named or bool("top_logprobs" in fields and _held(fields, "top_logprobs", _NUMBER))
    _probed(found, fields)


def _messages(found: Asked, fields: dict[str, Raw]) -> None:
    _limited(found, fields)
    _probed(found, fields)
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
        if len(memoryview(raw)) > _MOST_SCALAR:
            raise msgspec.ValidationError
        return decode(raw)
    except msgspec.MsgspecError:
        raise UnreadableRequestError(f"{name} has a value of another type", where=Where(field=name)) from None


def _limited(found: Asked, fields: dict[str, Raw]) -> None:
    names = _LIMITS[found.endpoint]
    if not fields.keys().isdisjoint(_ALIASES):
        for name in _ALIASES:
            if name in fields and names[0] not in fields:
                fields[names[0]] = fields[name]
            fields.pop(name, None)
    for name in names:
        if name not in fields or (length := _held(fields, name, _NUMBER)) is None:
            continue
        # Some servers take 0 for not said; a completion that only echoes its prompt may say it.
        if not (length > 0 or (length == 0 and found.endpoint == "completion")) or length >= _MOST:
            raise UnreadableRequestError(f"{name} is out of range", where=Where(field=name))
        found.limits += (name,)
        found.output_tokens = length if found.output_tokens is None else min(found.output_tokens, length)
    if len(found.limits) > 1:  # servers differ in which one counts: the least is all that is granted
        least = Raw(str(found.output_tokens).encode())
        for name in found.limits:
            fields[name] = least


def _limit_of(asked: Asked) -> str:
    names = _LIMITS[asked.endpoint]
    return names[-1] if asked.endpoint == "chat" and _is_newer(asked.model) else names[0]


@lru_cache(1024)
def _is_newer(model: str) -> bool:
    return _NEWER.match(model) is not None


def _probed(found: Asked, fields: dict[str, Raw]) -> None:
    """Other servers' ways to ask for probabilities: of the prompt also with 0."""
    if fields.keys().isdisjoint(_OTHERS):
        return
    asked = [(name, _loose(fields[name])) for name in _OTHERS if name in fields]
    if any(value or (name == "prompt_logprobs" and value is not None) for name, value in asked):
        found.logprobs = True


def _media(raw: Raw | None) -> tuple[int, int]:
    try:
        return media_in(None if raw is None else decode(bytes(raw)))
    except DecodingError:  # all of it counts as text
        return 0, 0


def _plainly_named(fields: dict[str, Raw]) -> None:
    for name in fields:
        plain = name.casefold()
        if plain != name and plain in _MATTERS:
            raise UnreadableRequestError(f"{plain} is spelt in another way", where=Where(field=plain))


def _overfull(body: bytes) -> bool:
    """Whether a large body holds more values than a conversation has."""
    return body.count(b",") > _MOST_VALUES or body.count(b"[") + body.count(b"{") > _MOST_OPENINGS


def _count(fields: dict[str, Raw], name: str) -> int:
    if name == "n" and _COUNT_ALIAS in fields:
        fields[name] = fields.pop(_COUNT_ALIAS)
    if name not in fields or (value := _held(fields, name, _NUMBER)) is None:
        return 1
    if not 1 <= value <= _MOST_ANSWERS:
        raise UnreadableRequestError(f"{name} is out of range", where=Where(field=name))
    return int(value)


def _prompts(fields: dict[str, Raw]) -> int:
    """How many prompts a completion has: a list of texts, or of lists of token ids, is answered once for each."""
    counted = _several(fields.get("prompt")) + _several(fields.get("prompt_embeds"))
    return max(1, counted)


def _several(raw: Raw | None) -> int:
    text = b"null" if raw is None else bytes(raw)
    if not text.startswith(b"["):
        return text != b"null"
    held = [bytes(one)[:1] for one in _ITEMS(text)]
    return sum(one in (b'"', b"[") for one in held) or 1


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
    if len(memoryview(raw)) > _MOST_SMALL:
        raise UnreadableRequestError("a field is larger than any server takes")
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return None
