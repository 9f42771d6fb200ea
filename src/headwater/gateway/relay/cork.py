"""Writes leave together: those of one connection in one system call, those of several connections one after the other.

What is written while the loop works through what has come is kept, and goes out when it is through, or when many
connections have something to send. A peer on the same machine that sleeps is woken by the first of them and finds the
others at once; waking it for each costs the sender more than all else that the kernel does.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

_LOG: Final = logging.getLogger("headwater.gateway")

#: As many connections are kept waiting at most: the first of them waits for no more than the work on the others.
_MOST: Final = 64
#: Bytes of a piece, and pieces, that aren't kept: whoever reads slowly must be noticed before more is read for it.
_LARGE: Final = 16_384
_PIECES: Final = 16


class Cork:
    """A worker's cork."""

    __slots__ = ("_loop", "waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.waiting: list[Writing] = []

    def add(self, writing: Writing) -> None:
        """This connection has something to send."""
        waiting = self.waiting
        waiting.append(writing)
        if len(waiting) == 1:
            self._loop.call_soon(self.pull)
        elif len(waiting) >= _MOST:
            self.pull()

    def pull(self) -> None:
        """Let everything out that was kept."""
        waiting, self.waiting = self.waiting, []
        for writing in waiting:
            try:
                writing.flush()
            except Exception as error:  # one connection's fault is no other's
                _LOG.error("a connection can't be written to: %s", type(error).__name__)
                writing.transport.abort()


class Writing(asyncio.Protocol):
    """A connection that is written to through the cork."""

    transport: asyncio.Transport
    _cork: Cork
    _out: list[bytes]

    def put(self, data: bytes) -> None:
        """Send bytes."""
        out = self._out
        out.append(data)
        if len(out) == 1:
            self._cork.add(self)
        if len(data) > _LARGE or len(out) > _PIECES:
            self.flush()

    def put_all(self, pieces: list[bytes]) -> None:
        """Send bytes that belong together: short ones as one piece."""
        if sum(map(len, pieces)) <= _LARGE:
            self.put(b"".join(pieces))
            return
        for piece in pieces:
            self.put(piece)

    def flush(self) -> None:
        """Send what is kept."""
        out = self._out
        if out:
            self._out = []
            if not self.transport.is_closing():
                if len(out) == 1:
                    self.transport.write(out[0])
                elif sum(map(len, out)) <= _LARGE:  # a list of buffers costs the loop more than their copy
                    self.transport.write(b"".join(out))
                else:
                    self.transport.writelines(out)

    def finish(self) -> None:
        """Close, after what was written."""
        self.flush()
        self.transport.close()
