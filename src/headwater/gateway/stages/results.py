"""The results of a batch as they pass to its owner: how each line ended, and what is left out of its answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from headwater.exchange.answer import Thoughts
from headwater.exchange.journal import Outcome, answers_of_batch

#: Results that are longer pass all the same; how their lines ended isn't recorded.
_MOST: Final = 256 << 20


class Results:
    """One download. `batch`: our name of the batch that its lines were recorded under."""

    def __init__(self, batch: str, endpoint: str, *, hide: bool) -> None:
        """`hide`: reasoning is left out of the answers."""
        self._batch = batch
        self._thoughts = Thoughts(endpoint) if hide else None
        self._line = b""
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes | None:
        """Some of it; what stands in its place, None where it stays."""
        if self._thoughts is not None:
            data = self._cleared(data)
        self._size += len(data)
        if self._size <= _MOST:
            self._pieces.append(data)
        else:
            self._pieces.clear()
        return None if self._thoughts is None else data

    def outcomes(self, at_us: int) -> Iterator[Outcome]:
        """How the lines ended, as far as they say so."""
        if self._size > _MOST:
            return
        for told in answers_of_batch(b"".join(self._pieces), self._batch, at_us):
            if isinstance(told, Outcome):
                yield told

    def _cleared(self, data: bytes) -> bytes:
        """Whole lines, each without reasoning; the rest waits. The last one may end without a line end."""
        data = self._line + data
        *lines, rest = data.split(b"\n")
        if rest and _read(rest) is not None:
            lines, rest = [*lines, rest], b""
            return b"\n".join([self._one(line) for line in lines])
        self._line = rest
        return b"".join([self._one(line) + b"\n" for line in lines])

    def _one(self, line: bytes) -> bytes:
        held = _read(line)
        if not isinstance(held, dict) or self._thoughts is None:
            return line
        for answer, part in ((held.get("response"), "body"), (held.get("result"), "message")):
            if isinstance(answer, dict) and isinstance(answer.get(part), dict):
                body = msgspec.json.encode(answer[part])
                cleared = self._thoughts.body(body)
                if cleared is not None and cleared != body:
                    answer[part] = msgspec.Raw(cleared)
                    return msgspec.json.encode(held)
        return line


def _read(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, RecursionError):
        return None
