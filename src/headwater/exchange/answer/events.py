"""Server-sent events as they pass: cut where an event ends, so that one can be left out or changed.

Only streams in which something may have to change go through here; of others no byte is held back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: Given the bytes of an event with its end, what stands in its place; nothing, to leave it out.
Change = Callable[[bytes], bytes]
#: An event that is longer passes as it comes, with all that follows in the same piece.
_LONGEST: Final = 4 << 20
_ENDS: Final = (b"\n\n", b"\r\n\r\n")
_DONE: Final = b"data: [DONE]"


class EventCutter:
    """Cuts one response into events; what is held back is never more than one event that isn't whole."""

    __slots__ = ("_change", "_held")

    def __init__(self, change: Change) -> None:
        self._change = change
        self._held = b""

    @property
    def holds(self) -> bool:
        """Whether an event is held back that isn't whole."""
        return bool(self._held)

    def feed(self, data: bytes) -> bytes:
        """What may be sent on of the response so far."""
        if self._held:
            data, self._held = self._held + data, b""
        end = _last_end(data)
        if end < len(data):
            rest = data[end:]
            if len(rest) <= _LONGEST and not rest.startswith(_DONE):
                data, self._held = data[:end], rest
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
    found, begun = [], 0
    while begun < len(data):
        ends = [at + len(end) for end in _ENDS if (at := data.find(end, begun)) >= 0]
        upto = min(ends, default=len(data))
        found.append(data[begun:upto])
        begun = upto
    return found
