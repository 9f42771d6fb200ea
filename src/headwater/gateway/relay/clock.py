"""One timer for all time limits of a worker: it looks at everything with a deadline some times a second.

A timer of its own for each limit of each request would cost more than relaying it. A deadline is met late by at most
one look, and never early.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

_LONGEST_LOOK_S: Final = 0.5
_SHORTEST_LOOK_S: Final = 0.01
NEVER: Final = float("inf")


class Timed(Protocol):
    """Something that must not take longer than until `deadline` (seconds of the loop's clock)."""

    deadline: float

    def expire(self) -> None:
        """The deadline has passed. Sets another one, or ends."""


class Clock:
    """The loop's time as of the last look, plus one look: adding a limit to `now` never expires early."""

    def __init__(self, loop: asyncio.AbstractEventLoop, shortest_limit_s: float) -> None:
        self._loop = loop
        self._look_s = min(_LONGEST_LOOK_S, max(_SHORTEST_LOOK_S, shortest_limit_s / 4))
        self._timer: asyncio.TimerHandle | None = None
        self.now = loop.time() + self._look_s
        self.timed: set[Timed] = set()
        #: What is done before deadlines are looked at: what has come already was in time.
        self.before_look: list[Callable[[], None]] = []
        self.each_look: list[Callable[[float], None]] = []

    def start(self) -> None:
        """Look from now on."""
        self._timer = self._loop.call_later(self._look_s, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self.start()
        time = self._loop.time()
        self.now = time + self._look_s
        for work in self.before_look:
            work()
        for item in [item for item in self.timed if item.deadline <= time]:
            item.expire()
        for look in self.each_look:
            look(time)
