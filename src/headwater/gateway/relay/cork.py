"""Writes that belong together leave together: each write of its own would be a system call of its own.

While bytes that came are worked through, what is written is kept; when they are through, it goes out, one call a
connection. Writes at any other time go out at once, so that none is ever forgotten.
"""

from __future__ import annotations

import asyncio


class Cork:
    """A worker's cork. Whoever works on what one connection received sets `on` and calls `pull` at the end."""

    __slots__ = ("on", "waiting")

    def __init__(self) -> None:
        self.on = False
        self.waiting: list[Writing] = []

    def pull(self) -> None:
        """Let everything out that was kept."""
        self.on = False
        waiting, self.waiting = self.waiting, []
        for writing in waiting:
            writing.flush()


class Writing(asyncio.Protocol):
    """A connection that is written to through the cork."""

    transport: asyncio.Transport
    _cork: Cork
    _out: list[bytes]

    def put(self, data: bytes) -> None:
        """Send bytes."""
        if self._cork.on:
            if not self._out:
                self._cork.waiting.append(self)
            self._out.append(data)
        else:
            self.transport.write(data)

    def put_all(self, pieces: list[bytes]) -> None:
        """Send bytes that belong together."""
        if self._cork.on:
            if not self._out:
                self._cork.waiting.append(self)
            self._out += pieces
        else:
            self.transport.writelines(pieces)

    def flush(self) -> None:
        """Send what is kept."""
        out = self._out
        if out:
            self._out = []
            if not self.transport.is_closing():
                if len(out) == 1:
                    self.transport.write(out[0])
                else:
                    self.transport.writelines(out)
