"""Server-sent events as they pass: cut where an event ends, so that one can be left out or changed.

Only streams in which something may have to change go through here; of others no byte is held back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

#: Given the bytes of an event with its end, what stands in its place; nothing, to leave it out.
Change = Callable[[bytes], bytes]
#: Bytes of an event that is held back at most (pictures come in them); a longer one passes as it comes.
_LONGEST: Final = 64 << 20
_END: Final = re.compile(rb"\n\r?\n")
_ENDS: Final = (b"\n\n", b"\n\r\n")
_DONE: Final = b"data: [DONE]"


class EventCutter:
    """Cuts one response into events; what is held back is never more than one event that isn't whole."""

    __slots__ = ("_change", "_held", "_size", "_tail")

    def __init__(self, change: Change) -> None:
        self._change = change
        self._held: list[bytes] = []
        self._size = 0
        self._tail = b""  # in which an end may have begun

    @property
    def holds(self) -> bool:
        """Whether an event is held back that isn't whole."""
        return bool(self._held)

    def feed(self, data: bytes) -> bytes:
        """What may be sent on of the response so far."""
        if self._held:
            ends = _END.search(self._tail + data) is not None
            self._held.append(data)
            self._size += len(data)
            if not ends and self._size <= _LONGEST:
                self._tail = (self._tail + data)[-2:]
                return b""
            data = b"".join(self._held)
            self._held.clear()
        end = _last_end(data)
        if end < len(data):
            rest = data[end:]
            if len(rest) <= _LONGEST and rest.strip(b"\r\n") and not rest.startswith(_DONE):
                data, self._tail, self._size = data[:end], rest[-2:], len(rest)
                self._held.append(rest)
        return b"".join([self._change(event) for event in _events(data)])


def data_of(event: bytes) -> bytes | None:
    """The data of an event, of its lines of data joined (HTML, server-sent events); None where it has none."""
    lines = [line[5:].lstrip(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None


def with_data(event: bytes, data: bytes) -> bytes:
    """The event with other data, on one line."""
    kept = [line for line in event.splitlines() if line and not line.startswith(b"data:")]
    return b"\n".join([*kept, b"data: " + data, b"", b""])


def _last_end(data: bytes) -> int:
    return max(at + len(end) if (at := data.rfind(end)) >= 0 else 0 for end in _ENDS)


def _events(data: bytes) -> list[bytes]:
    """Events with their ends; blank lines that are no event's end stand alone, wherever the stream was cut."""
    found, begun = [], 0
    for at in [*(end.end() for end in _END.finditer(data)), len(data)]:
        event = data[begun:at]
        blank = len(event) - len(event.lstrip(b"\r\n"))
        found += [event[:blank], event[blank:]] if blank else [event]
        begun = at
    return found
