"""The store of one process: what was spent is forgotten when it ends.

For a single process, for tests, and as what the others are compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headwater.control.budget.granting import Epoch, Record, look, step
from headwater.control.budget.lease import Answer, Ask


class MemoryStore:
    """`clock`: the time in µs since 1970 (UTC). `fresh`: see `Store.begin`."""

    def __init__(self, clock: Callable[[], int], *, fresh: bool) -> None:
        self._clock = clock
        self.records: dict[str, Record] = {}
        self.begin(fresh=fresh)

    def begin(self, *, fresh: bool) -> None:
        """See `Store`."""
        self.records.clear()
        self.epoch = Epoch(self._clock(), fresh)

    def exchange(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`."""
        now_us = self._clock()
        return [
            step(self.records.setdefault(ask.cell, Record()), replica, ask, self.epoch, now_us)
            for ask in asks
        ]

    def look(self, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`."""
        now_us = self._clock()
        return [look(self.records.get(ask.cell, Record()), ask, self.epoch, now_us) for ask in asks]

    def close(self) -> None:
        """Nothing is open."""
