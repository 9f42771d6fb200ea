"""The units of one text under one key: scored, totalled, and held against their exact law."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from headwater.mark.law import Law
from headwater.mark.scheme import MarkKey, Scheme, Units
from headwater.mark.score import Scorer, tails


@dataclass(frozen=True)
class Scored:
    """`scores`: (n,) by unit. `classes`: (n,) or None, as the scorer wants them; they don't depend on the key."""

    scheme: Scheme
    scorer: Scorer
    units: Units
    scores: NDArray[np.int64]
    classes: NDArray[np.intp] | None = None

    @property
    def total(self) -> int:
        """The detector's statistic: each distinct unit as often as it was read."""
        return int(self.scores @ self.units.times)

    @cached_property
    def log_p(self) -> float:
        """ln of the chance that a key without a part in the text gives this total or more."""
        return float(self.tails(np.array([self.total]))[0]) if len(self.units) else 0.0

    def tails(self, totals: NDArray[np.int64]) -> NDArray[np.float64]:
        """The same for other totals."""
        return tails(self.scheme, self.scorer, self.units, totals, self.classes)

    def within(self, begin: int, end: int) -> Scored:
        """The units that stand first at tokens `begin` … `end`-1, each counted once."""
        here = (self.units.position >= begin) & (self.units.position < end)
        units = self.units.part(here)
        once = Units(units.context, units.token, units.position, np.ones_like(units.times), end - begin)
        kinds = None if self.classes is None else self.classes[here]
        return Scored(self.scheme, self.scorer, once, self.scores[here], kinds)

    @cached_property
    def laws(self) -> list[list[Law]]:
        """The laws of one unit's streams, by class."""
        return [[table.law(self.scheme.null) for table in tables] for tables in self.scorer.tables]


def score(
    scheme: Scheme, key: MarkKey, units: Units, scorer: Scorer, classes: NDArray[np.intp] | None = None
) -> Scored:
    """`units` under `key`."""
    return Scored(scheme, scorer, units, scorer.scores(scheme.values(key, units), classes), classes)
