"""Which texts of a batch may carry a mark at all: a quick look, so that exact p-values are computed for few of them.

A text is passed over where the bounds of its p-value, over the whole and over every passage, are far above what would
count. It's a saving only: what is left is read by `mark.detect`, and nothing is named by the quick look.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.mark import Evidence, Law, Mark, Tokens, joined

Floats = NDArray[np.float64]

#: Tilts of Chernoff's bound, for scores whose spread is 1: for a whole text, in which one token may stand a thousand
#: times; and for passages.
_WHOLE: Final = np.geomspace(1e-3, 4.0, 25)
_PASSAGES: Final = np.geomspace(0.1, 3.0, 10)
#: A bound counts from this part of the level's logarithm on. The bound is a few nats above ln p, and schemes whose
#: values hang together a little have lighter tails than independent ones.
_NEAR: Final = 0.6


@dataclass(frozen=True)
class Screen:
    """A quick look for one mark; `evidence` is the detector that reads it afterwards."""

    mark: Mark
    evidence: Evidence

    def look(self, texts: Sequence[Tokens], level: float) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """For each of `texts` whether its p-value may be as low as e^`level`, and how many units it has."""
        parts = [self.evidence.unlearned(self.mark.scheme.units(tokens)) for tokens in texts]
        counts = np.array([len(part) for part in parts], np.int64)
        near = np.zeros(len(texts), bool)
        some = np.flatnonzero(counts).tolist()
        if not some:
            return near, counts
        units, owner = joined([parts[at] for at in some])
        classes = [self.evidence.classes(texts[at], parts[at]) for at in some]
        kinds = None if classes[0] is None else np.concatenate([each for each in classes if each is not None])
        scorer = self.evidence.scorer
        values = self.mark.scheme.values(self.mark.key, units)
        scores: Floats = scorer.scores(values, kinds) / np.float64(self._spread)
        kinds = np.zeros(len(units), np.intp) if kinds is None else kinds
        reached = np.maximum(
            self._whole(scores, units.times, kinds, owner), self._passages(scores, kinds, owner)
        )
        near[some] = -reached <= _NEAR * level
        return near, counts

    def _whole(
        self, scores: Floats, times: NDArray[np.int64], kinds: NDArray[np.intp], owner: NDArray[np.int64]
    ) -> Floats:
        """By text, the most that -ln p of its whole is sure to reach."""
        most = int(times.max()) + 1
        cases, case = np.unique(kinds * most + times, return_inverse=True)
        totals = np.bincount(owner, scores * times)
        best = np.zeros(len(totals))
        for tilt in _WHOLE:
            norms = np.array([self._norm(one // most, float(tilt) * (one % most)) for one in cases.tolist()])
            np.maximum(best, tilt * totals - np.bincount(owner, norms[case]), out=best)
        return best

    def _passages(self, scores: Floats, kinds: NDArray[np.intp], owner: NDArray[np.int64]) -> Floats:
        """By text, the most that -ln p of any passage is sure to reach: the steepest rise of a sum."""
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        best = np.zeros(len(starts))
        for tilt in _PASSAGES:
            norms = np.array([self._norm(kind, tilt) for kind in range(len(self._laws))])
            risen = np.cumsum(tilt * scores - norms[kinds])
            before = np.concatenate([[0.0], risen[:-1]])
            # Each text lies lower than all before it, so that a rise never begins in another text.
            apart = (float(np.ptp(risen)) + abs(float(risen[0])) + 1.0) * owner
            lowest = np.minimum.accumulate(before - apart)
            np.maximum(best, np.maximum.reduceat(risen - apart - lowest, starts), out=best)
        return best

    @cached_property
    def _laws(self) -> list[list[Law]]:
        """By class and stream: the law of a score without the key."""
        null = self.mark.scheme.null
        return [[table.law(null) for table in tables] for tables in self.evidence.scorer.tables]

    @cached_property
    def _spread(self) -> float:
        """The largest standard deviation of a class's scores."""
        return math.sqrt(max(sum(law.variance for law in laws) for laws in self._laws)) or 1.0

    def _norm(self, kind: int, tilt: float) -> float:
        """ln of the mean of exp(`tilt` · score) of a unit without the key, for scores whose spread is 1."""
        return sum(law.log_mgf(tilt / self._spread) for law in self._laws[kind])
