"""A rate that one process counts alone: the generic cell rate algorithm, one number a key.

ITU-T I.371 (2004), annex A, in the form with a theoretical arrival time: `tat` is when the bucket would be full again.
Whole numbers throughout: a tick is the part of a µs in which exactly one `cost`-th of a unit comes back.
"""

from __future__ import annotations

from math import gcd

from headwater.control.budget.calendar import LENGTH_US
from headwater.control.budget.kinds import Budget


class Meter:
    """The rate of one budget for one key."""

    __slots__ = (
        "__weakref__",
        "budget",
        "cost",
        "depth",
        "id",
        "kept",
        "key",
        "most",
        "per_us",
        "takes",
        "tat",
        "then",
    )

    def __init__(self, budget: Budget, key: str) -> None:
        self.key, self.id, self.takes = key, budget.cell(key), budget.takes
        #: when it is full again, in ticks; and whether the budgets hold on to it, since it wasn't full
        self.tat, self.kept = 0, False
        #: when it would be full again after what `pays` was last asked for
        self.then = 0
        self.per_us = 1
        self.change(budget)

    def change(self, budget: Budget) -> None:
        """Another limit from here on; what was full at some time is full at the same time."""
        window_us, limit = LENGTH_US[budget.per], budget.limit
        shared = gcd(window_us, limit)
        before = self.per_us
        self.budget = budget
        #: ticks in a µs, and ticks that one unit costs
        self.per_us, self.cost = limit // shared, window_us // shared
        self.most = budget.most
        self.depth = self.most * self.cost
        self.tat = self.tat * self.per_us // before

    def pays(self, amount: int, now_us: int) -> bool:
        """Whether `amount` may be used now."""
        at = now_us * self.per_us
        self.then = max(self.tat, at) + amount * self.cost
        return self.then - at <= self.depth

    def take(self, amount: int, now_us: int) -> None:
        """Use `amount`; below nothing: give it back. Doesn't look whether it is there."""
        self.tat = max(self.tat, now_us * self.per_us) + amount * self.cost

    def wait_us(self, amount: int, now_us: int) -> int | None:
        """How long until `amount` may be used, in µs, rounded up; None: never."""
        if amount > self.budget.most:
            return None
        at = now_us * self.per_us
        return max(0, -(-(max(self.tat, at) + amount * self.cost - self.depth - at) // self.per_us))

    def stands(self, now_us: int) -> tuple[int, int]:
        """What could be used now, and how long until the whole burst is there, in µs, rounded up."""
        missing = self.tat - now_us * self.per_us
        if missing <= 0:
            return self.most, 0
        remaining = (self.depth - missing) // self.cost
        return (remaining if remaining > 0 else 0), -(-missing // self.per_us)
