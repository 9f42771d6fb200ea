"""How much of an investigation is done, and how long the rest may take, stage by stage.

What each stage costs of the whole was measured on sixteen million exchanges; in a smaller log, or one whose imprints
are kept, the shares are others, and the estimate mends itself as stages end.
"""

from __future__ import annotations

import time
from collections.abc import Callable

#: Share of an investigation's time that each stage takes: going over the rows, and what follows from them.
SHARES: dict[str, tuple[float, float]] = {
    "read and imprint": (0.36, 0.01),
    "learn what is usual": (0.01, 0.0),
    "look for ties": (0.02, 0.13),
    "look at every group": (0.02, 0.06),
    "leave out bystanders": (0.03, 0.01),
    "look at what was joined": (0.015, 0.005),
    "confirm on other sessions": (0.14, 0.14),
    "look at those who take part": (0.01, 0.025),
    "write the report": (0.0, 0.015),
}
#: Below so much of it, or after fewer seconds, nothing is said of the rest.
LEAST, SOON = 0.03, 2.0


class Whole:
    """The share of the work that is done, and the seconds that are left, told what `progress` is told."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._stage = ""
        self._before = 0.0
        self._now = 0.0
        #: what was there when its stage began (imprints that were kept), and took no time
        self._given = 0.0

    def told(self, stage: str, done: int, total: int | None) -> tuple[float, float | None]:
        """(share done, seconds left or None where nothing can be said yet)."""
        rows, _ = SHARES.get(stage, (0.0, 0.0))
        part = min(1.0, done / total) if total else 0.0
        if stage != self._stage:
            # Stages come in their order; of those left out (nothing was joined) nothing is owed.
            names = list(SHARES)
            if stage in SHARES:
                self._before = sum(sum(SHARES[name]) for name in names[: names.index(stage)])
            self._stage = stage
            if self._clock() - self._began < SOON:
                self._given = self._before + rows * part
        self._now = max(self._now, self._before + rows * part)
        worked, spent = self._now - self._given, self._clock() - self._began
        if worked < LEAST or spent < SOON:
            return self._now, None
        return self._now, max(0.0, spent / worked * (1.0 - self._now))


def words(seconds: float) -> str:
    """A length of time as one says it: less than a minute, about 7 min, about 2 h 10 min."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"about {minutes} min"
    return f"about {hours} h" + (f" {rest} min" if rest else "")
