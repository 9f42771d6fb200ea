"""The results of a batch as they pass to its owner: how each line ended, and what is left out of its answer.

Line by line, so that nothing is held but a line that isn't whole.
"""

from __future__ import annotations

import json
from typing import Any, Final

from headwater.exchange import DecodingError, decode
from headwater.exchange.answer import Answering, Thoughts, encoded
from headwater.exchange.journal import Outcome, answers_of_batch

#: A line that is longer passes all the same, and how it ended isn't recorded.
_LONGEST: Final = 64 << 20
_OK: Final = 2


class _Head:
    """The head that an answer within a line would have."""

    status = 200

    def get(self, name: bytes) -> bytes | None:
        """See `AnswerHead`."""
        return b"application/json" if name == b"content-type" else None


class Results:
    """One download. `batch`: our name of the batch that its lines were recorded under."""

    def __init__(self, batch: str, *, hide: bool, length: int = -1, endpoint: str = "chat") -> None:
        """`hide`: reasoning is left out of the answers; `length`: of the body in bytes, below 0 if unknown.

        `endpoint`: whose usage is told, "messages" of Anthropic's.
        """
        self._endpoint = endpoint
        self._batch, self._hide, self._length = batch, hide, length
        self._held: list[bytes] = []
        self._size = 0
        self._received = 0
        #: How lines ended that weren't taken yet.
        self.outcomes: list[Outcome] = []
        #: Lines that were answered, the tokens that they used, and whether all of them said so.
        self.answered = self.input_tokens = self.output_tokens = 0
        self.told = True

    def feed(self, data: bytes, at_us: int) -> bytes | None:
        """Some of it; what stands in its place, None where it stays."""
        self._received += len(data)
        lines = self._lines(data)
        for line in lines:
            if self._batch and line.strip():
                ended = _told(line, self._batch, at_us)
                self.outcomes += ended
                for one in ended:
                    self._count(one)
                self.told = self.told and bool(ended)
        return b"".join([_cleared(line) for line in lines]) if self._hide else None

    def _count(self, ended: Outcome) -> None:
        if ended.status is None or ended.status // 100 != _OK:
            return
        answer = Answering(_Head(), self._endpoint, hide_usage=False, hide_reasoning=False)
        answer.feed(ended.body or b"")
        inputs, outputs = answer.usage or (0, 0)
        self.answered += 1
        self.told = self.told and inputs > 0
        self.input_tokens += inputs
        self.output_tokens += outputs

    def _lines(self, data: bytes) -> list[bytes]:
        """Lines that are whole now, with their ends. The last one may have none."""
        self._held.append(data)
        self._size += len(data)
        last = data.rstrip(b"\r")[-1:] == b"}"
        ended = self._received == self._length
        if b"\n" not in data and not ended and self._size <= _LONGEST and not last:
            return []
        lines = b"".join(self._held).splitlines(keepends=True)
        rest = b"" if ended or not lines or lines[-1].endswith(b"\n") else lines.pop()
        if rest and (len(rest) > _LONGEST or (last and _read(rest) is not None)):
            lines.append(rest)
            rest = b""
        self._held, self._size = ([rest] if rest else []), len(rest)
        return lines


def _told(line: bytes, batch: str, at_us: int) -> list[Outcome]:
    """How a line ended; half of a surrogate pair, from a text that was cut, is no reason not to know."""
    for text in (line, None):
        if text is None:
            held = _read(line)
            text = json.dumps(held, ensure_ascii=False).encode("utf-8", "replace")
        found = [one for one in answers_of_batch(text, batch, at_us) if isinstance(one, Outcome)]
        if found:
            return found
    return []


def _cleared(line: bytes) -> bytes:
    """A line without reasoning."""
    held = _read(line)
    if not isinstance(held, dict):
        return line
    for answer, part in ((held.get("response"), "body"), (held.get("result"), "message")):
        body = answer.get(part) if isinstance(answer, dict) else None
        if isinstance(body, dict) and Thoughts(_endpoint(body)).clear(body):
            return encoded(held) + line[len(line.rstrip(b"\r\n")) :]
    return line


def _endpoint(body: dict[str, Any]) -> str:
    """Which API's answer a body is."""
    if "output" in body:
        return "responses"
    return "chat" if "choices" in body else "messages"


def _read(line: bytes) -> Any:
    try:
        return decode(line)
    except DecodingError:
        return None
