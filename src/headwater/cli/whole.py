"""How much of an investigation is done, and how long the rest may take, stage by stage.

What each stage costs of the whole lies between what was measured on one million exchanges and on sixteen; in a log of
another kind, or one whose imprints are kept, the shares are others, and the estimate mends itself as stages end.
"""

from __future__ import annotations

import time
from collections.abc import Callable

#: Share of an investigation's time that each stage takes: going over the rows, and what follows from them.
SHARES: dict[str, tuple[float, float]] = {
    "read and imprint": (0.33, 0.02),
    "learn what is usual": (0.005, 0.0),
    "look for ties": (0.025, 0.12),
    "look at every group": (0.01, 0.06),
    "leave out bystanders": (0.02, 0.015),
    "look at what was joined": (0.005, 0.005),
    "confirm on other sessions": (0.14, 0.17),
    "look at those who take part": (0.015, 0.04),
    "write the report": (0.0, 0.02),
}
#: Below so much of it, or after fewer seconds, nothing is said of the rest.
LEAST, SOON = 0.03, 2.0
#: How far, of what follows a stage's rows, the clock alone may take it.
NEARLY = 0.95


class Whole:
    """The share of the work that is done, and the seconds that are left, from what `progress` is told and the clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._stage = ""
        #: shares of the stages before this one, of what is done of its rows, and of what follows them
        self._before = self._rows = self._after = 0.0
        #: when its rows were done
        self._since: float | None = None
        #: what was there when its stage began (imprints that were kept), and took no time
        self._given = 0.0
        self._shown = 0.0

    def told(self, stage: str, done: int, total: int | None) -> None:
        """A stage is so far."""
        if stage not in SHARES:
            return
        rows, after = SHARES[stage]
        part = min(1.0, done / total) if total else 0.0
        if stage != self._stage:
            # Stages come in their order; of those left out (nothing was joined) nothing is owed.
            names = list(SHARES)
            self._before = sum(sum(SHARES[name]) for name in names[: names.index(stage)])
            self._stage, self._since = stage, None
        if self._clock() - self._began < SOON:
            self._given = self._before + rows * part
        self._rows, self._after = rows * part, after
        if part == 1.0 or not rows:
            self._since = self._since or self._clock()

    def now(self) -> tuple[float, float | None]:
        """(share done, seconds left or None where nothing can be said yet)."""
        now = self._clock()
        share = self._before + self._rows
        worked, spent = share - self._given, now - self._began
        if self._since is not None and worked >= LEAST and self._after:
            # What follows rows tells nobody how far it is: it is taken to go on as the rest has, up to near its end.
            pace = (self._since - self._began) / worked
            share += self._after * min(NEARLY, (now - self._since) / max(self._after * pace, 1e-9))
            worked = share - self._given
        self._shown = max(self._shown, min(share, 1.0))
        if worked < LEAST or spent < SOON:
            return self._shown, None
        return self._shown, spent / worked * (1.0 - self._shown)

    def __str__(self) -> str:
        """In words, for a line of its own."""
        share, left = self.now()
        return f"in all {share:.0%}" + ("" if left is None else f", {words(left)} left")


def words(seconds: float) -> str:
    """A length of time as one says it: less than a minute, about 7 min, about 2 h 10 min."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"about {minutes} min"
    return f"about {hours} h" + (f" {rest} min" if rest else "")
