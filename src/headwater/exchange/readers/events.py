"""What a streamed answer says: its server-sent events, put together as if it had come in one piece.

Events are those of OpenAI (chat completions, completions, responses) and Anthropic (messages). What can't be understood
is passed over; a stream that ends early says what it said until then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from headwater.exchange.decoding import DecodingError, decode
from headwater.exchange.readers.calls import answer_columns, part
from headwater.exchange.readers.messages import text_of
from headwater.exchange.readers.protocol import Record, Row

_BEGINNINGS: Final = (b"data:", b"event:", b":", b"id:", b"retry:")
_WHOLE: Final = ("response.completed", "response.incomplete", "response.failed")


def is_stream(data: bytes) -> bool:
    """Whether a body is a stream of events."""
    return data.lstrip()[:8].startswith(_BEGINNINGS)


def streamed_columns(data: bytes) -> Row:
    """As `calls.answer_columns`, of a stream: text, why it ended, tokens."""
    told = _Told()
    for event in _events(data):
        told.take(event)
    return told.row()


class _Told:
    """An answer as far as it was told; several answers by their index, and the parts of one by theirs."""

    def __init__(self) -> None:
        self._texts: dict[tuple[int, int], list[str]] = {}
        self._ended: dict[int, object] = {}
        self._usage: dict[str, object] = {}
        self._whole: Row | None = None

    def take(self, event: Record) -> None:
        kind = event.get("type")
        choices = event.get("choices")
        if isinstance(choices, list):
            for choice in choices:
                if isinstance(choice, dict):
                    self._choice(choice)
        elif kind in _WHOLE:
            self._whole = answer_columns(part(event, "response"))
        elif kind == "response.output_text.delta":
            self._say(event.get("output_index"), event.get("content_index"), event.get("delta"))
        elif kind == "message_start":
            self._usage.update(part(part(event, "message"), "usage"))
        elif kind == "content_block_start":
            self._say(event.get("index"), 0, part(event, "content_block").get("text"))
        elif kind == "content_block_delta":
            self._say(event.get("index"), 0, part(event, "delta").get("text"))
        elif kind == "message_delta":
            self._end(0, part(event, "delta").get("stop_reason"))
        elif kind == "error" or isinstance(event.get("error"), dict):
            self._end(0, "error")
        self._usage.update(part(event, "usage"))

    def row(self) -> Row:
        if self._whole is not None:
            return self._whole
        texts = ["".join(self._texts[index]) for index in sorted(self._texts)]
        counted = answer_columns({"usage": self._usage})
        return {
            "response": "\n".join(texts) if texts else None,
            "finish_reason": self._ended[min(self._ended)] if self._ended else None,
            "input_tokens": counted["input_tokens"],
            "output_tokens": counted["output_tokens"],
        }

    def _choice(self, choice: Record) -> None:
        index, said = choice.get("index"), part(choice, "delta").get("content")
        self._say(index, 0, choice.get("text") if said is None else said)
        self._end(index, choice.get("finish_reason"))

    def _say(self, index: object, inner: object, content: object) -> None:
        text = text_of(content)
        if text is not None:
            self._texts.setdefault((_number(index), _number(inner)), []).append(text)

    def _end(self, index: object, reason: object) -> None:
        if reason is not None:
            self._ended[_number(index)] = reason


def _number(index: object) -> int:
    return index if isinstance(index, int) else 0


def _events(data: bytes) -> Iterator[Record]:
    """The data of each event that is a JSON object."""
    lines: list[bytes] = []
    for line in [*data.splitlines(), b""]:
        if line.startswith(b"data:"):
            lines.append(line[5:].strip())
        elif not line and lines:
            text, lines = b"\n".join(lines), []
            try:
                held = decode(text)
            except (DecodingError, RecursionError):
                continue
            if isinstance(held, dict):
                yield held
