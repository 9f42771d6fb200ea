"""What all renderings share: bodies of requests and answers, times, made-up identifiers.

The inverse of `readers.calls` for OpenAI's bodies; `render` and `render_otel` put a tool's envelope around.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from headwater.exchange.times import EPOCH, instant

Exchange = Mapping[str, object]
Json = dict[str, object]

#: What stands for a turn before the newest.
EARLIER: Final = "[earlier turn]"
#: Most turns before the newest that are written.
_TURNS: Final = 100
_HEADERS: Final = {
    "x-ja4": "tls",
    "x-ja4h": "ja4h",
    "x-http2-fingerprint": "http2",
    "x-header-order": "header_order",
}
_SAMPLING: Final = ("temperature", "top_p", "max_tokens", "n", "seed", "stream", "logprobs")


def whole(exchange: Exchange, column: str) -> int:
    """A whole number of the exchange, 0 where it has none."""
    value = exchange.get(column)
    return int(value) if isinstance(value, int | float) else 0


def text(exchange: Exchange, column: str) -> str | None:
    """A text of the exchange."""
    value = exchange.get(column)
    return value if isinstance(value, str) else None


def filled(values: Mapping[str, object]) -> Json:
    """Without the keys whose value is null."""
    return {key: value for key, value in values.items() if value is not None}


def start_us(exchange: Exchange) -> int:
    """When the request arrived, microseconds UTC."""
    return instant(exchange["at"])[0]


def end_us(exchange: Exchange) -> int:
    """When the answer ended, microseconds UTC; the start where no latency is known."""
    latency = exchange.get("latency_ms")
    return start_us(exchange) + (round(latency * 1000) if isinstance(latency, int | float) else 0)


def iso(micros: int) -> str:
    """ISO 8601 in UTC with microseconds and a Z."""
    return (EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def made_up(exchange: Exchange, size: int) -> str:
    """Hex digits of an identifier of `size` bytes, always the same for one exchange."""
    return hashlib.blake2b(str(exchange["id"]).encode(), digest_size=size).hexdigest()


def failed(exchange: Exchange) -> bool:
    """Whether the call failed: an HTTP status of 400 or more, or an end in error."""
    return whole(exchange, "status") >= 400 or exchange.get("finish_reason") == "error"


def turns_before(exchange: Exchange) -> int:
    """How many turns stand before the newest in what is written."""
    return min(max(0, whole(exchange, "turn")), _TURNS)


def earlier_answers(exchange: Exchange) -> list[str]:
    """Answers to the turns before the newest, of which exchanges keep the last."""
    count = turns_before(exchange)
    return [*[EARLIER] * (count - 1), text(exchange, "previous") or EARLIER] if count else []


def headers(exchange: Exchange) -> dict[str, str]:
    """Fingerprints of the client as an edge hands them on."""
    return {name: held for name, column in _HEADERS.items() if (held := text(exchange, column)) is not None}


def messages(exchange: Exchange) -> list[Json]:
    """The conversation as chat messages: system text, earlier turns, the newest turn."""
    said: list[Json] = []
    if (system := text(exchange, "system")) is not None:
        said.append({"role": "system", "content": system})
    for answered in earlier_answers(exchange):
        said += [{"role": "user", "content": EARLIER}, {"role": "assistant", "content": answered}]
    return [*said, {"role": "user", "content": text(exchange, "prompt") or ""}]


def parameters(exchange: Exchange) -> Json:
    """Sampling parameters, tools and format as a request's body names them."""
    held: Json = {name: exchange.get(name) for name in _SAMPLING}
    if tools := whole(exchange, "tools"):
        held["tools"] = [{"type": "function", "function": {"name": f"tool_{at}"}} for at in range(tools)]
    if (wanted := text(exchange, "response_format")) is not None:
        held["response_format"] = {"type": wanted}
    if exchange.get("logit_bias"):
        held["logit_bias"] = {"0": 1}
    return filled(held)


def plain(exchange: Exchange) -> bool:
    """Whether the request holds one text and no conversation (embeddings, text completions)."""
    alone = exchange.get("system") is None and not turns_before(exchange)
    return alone and exchange.get("endpoint") in ("embeddings", "completion")


def request_body(exchange: Exchange) -> Json:
    """The request's body as OpenAI's API takes it."""
    body: Json = {"model": text(exchange, "model") or ""}
    endpoint = exchange.get("endpoint")
    if plain(exchange):
        body["input" if endpoint == "embeddings" else "prompt"] = text(exchange, "prompt") or ""
    else:
        body["input" if endpoint == "responses" else "messages"] = messages(exchange)
    return body | parameters(exchange)


def answer_body(exchange: Exchange) -> Json | None:
    """The answer's body as OpenAI's chat API gives it; None where nothing of it is known."""
    response, reason = text(exchange, "response"), text(exchange, "finish_reason")
    if response is None and reason is None:
        return None
    message = {"role": "assistant", "content": response}
    return {
        "id": str(exchange["id"]),
        "object": "chat.completion",
        "created": start_us(exchange) // 1_000_000,
        "model": text(exchange, "model") or "",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {
            "prompt_tokens": whole(exchange, "input_tokens"),
            "completion_tokens": whole(exchange, "output_tokens"),
            "total_tokens": whole(exchange, "input_tokens") + whole(exchange, "output_tokens"),
        },
    }
