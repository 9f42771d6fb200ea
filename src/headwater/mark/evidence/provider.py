"""Scores of races run again: a few levels of lag, each with the law that the recomputed chance gives it.

Level 0 is a race won; the next are near misses, which other precision makes of a win; the last is a race lost, which
an edit makes of a win. What share of marked units falls in each level is learned from own traffic, by how likely the
token was, and how many units lost their mark by how odd the tokens around are. `docs/explanation/mark-evidence.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.evidence.classes import Grid, grid
from headwater.mark.evidence.plain import GRAIN
from headwater.mark.law import Law, Part

#: Upper ends of the levels of lag, in nats; the last level has none.
CUTS = (0.0, 0.02, 0.1, 0.4, 1.5)
#: Chances are taken upwards to this step of their log odds, so that units share laws: always against the mark.
_STEP = 1 / 64
#: Without the key the served token may win a little more often than its chance says: values have 24 bits, not all.
_ROUNDING = 2.0**-12
_ROUNDS = 40
_PRIOR = 20.0


@dataclass(frozen=True)
class Provider:
    """What was learned. `heights` (steps of chance, levels): the share of intact marked units in each level; `intact`
    (steps of oddness,): the share of units whose context and token are as they were served."""

    chances: Grid
    oddness: Grid
    heights: NDArray[np.float64]
    intact: NDArray[np.float64]
    cuts: tuple[float, ...] = CUTS

    def kinds(self, chances: NDArray[np.float64], odd: NDArray[np.float64]) -> Kinds:
        """The kinds of units with the recomputed `chances` (n,), and how `odd` (n,) their surroundings are."""
        raised = _raised(chances)
        used = (chances > 0) & (raised < 1)
        each = np.stack([raised[used], self.oddness.classes(odd[used][:, None]).astype(float)], 1)
        known, which = np.unique(each, axis=0, return_inverse=True)
        kinds = np.full(len(chances), -1, np.intp)
        kinds[used] = which
        under = _levels(known[:, 0], self.cuts)
        heights = self.heights[self.chances.classes(_odds(known[:, 0])[:, None])]
        whole = self.intact[known[:, 1].astype(np.intp)][:, None]
        ratio = whole * heights / np.maximum(under, 1e-300) + 1 - whole
        steps = np.round(np.log(ratio) / GRAIN).astype(np.int64)
        return Kinds(kinds, np.minimum.accumulate(steps, axis=1), under, self.cuts)


@dataclass(frozen=True)
class Kinds:
    """Units by kind: `kind` (n,), -1 where a unit says nothing; `scores` and `under` (kinds, levels): what a level
    scores, and its chance without the key."""

    kind: NDArray[np.intp]
    scores: NDArray[np.int64]
    under: NDArray[np.float64]
    cuts: tuple[float, ...]

    def of(self, lags: NDArray[np.float64]) -> NDArray[np.int64]:
        """The score of each unit (n,), in grains, from its lag."""
        level = np.searchsorted(np.asarray(self.cuts), lags, side="left")
        return np.where(self.kind >= 0, self.scores[self.kind, level] if len(self.scores) else 0, 0)

    def parts(self, chosen: NDArray[np.bool_] | slice = slice(None)) -> list[Part]:
        """The laws that the total of some units is made of, for `law.log_tail`."""
        kind, counts = np.unique(self.kind[chosen], return_counts=True)
        return [
            Part(self._law(int(each)), 1, int(count))
            for each, count in zip(kind, counts, strict=True)
            if each >= 0
        ]

    def _law(self, kind: int) -> Law:
        scores = self.scores[kind]
        first = int(scores.min())
        chance = np.zeros(int(scores.max()) - first + 1)
        np.add.at(chance, scores - first, self.under[kind])
        return Law(first, chance / chance.sum())


def learn(
    lags: NDArray[np.float64],
    chances: NDArray[np.float64],
    odd: NDArray[np.float64],
    *,
    steps: int = 6,
    odd_steps: int = 6,
    cuts: tuple[float, ...] = CUTS,
) -> Provider:
    """From the lags (n,) of marked units under their key, with recomputed chances and oddness.

    p-values are exact for units that aren't among these. Tells intact units from broken ones by expectation and
    maximisation (Dempster, Laird and Rubin, 1977), since which is which isn't known: a broken unit falls in levels as
    one without the key does.
    """
    raised = _raised(chances)
    used = (chances > 0) & (raised < 1)
    if not used.any():
        raise UsageError("no marked unit has a recomputed chance to learn from")
    raised, lags, odd = raised[used], lags[used], odd[used]
    by_chance, by_odd = grid(_odds(raised)[:, None], [steps]), grid(odd[:, None], [odd_steps])
    of_chance, of_odd = by_chance.classes(_odds(raised)[:, None]), by_odd.classes(odd[:, None])
    level = np.searchsorted(np.asarray(cuts), lags, side="left")
    under = _levels(raised, cuts)[np.arange(len(level)), level]
    heights = np.full((by_chance.count, len(cuts) + 1), 0.02)
    heights[:, 0] = 1 - 0.02 * len(cuts)
    intact = np.full(by_odd.count, 0.9)
    for _ in range(_ROUNDS):
        marked = intact[of_odd] * heights[of_chance, level]
        share = marked / (marked + (1 - intact[of_odd]) * under)
        everyone = np.bincount(level, share, len(cuts) + 1) + 1e-3
        heights = np.tile(_PRIOR * everyone / everyone.sum(), (by_chance.count, 1))
        np.add.at(heights, (of_chance, level), share)
        heights /= heights.sum(1, keepdims=True)
        counts = np.bincount(of_odd, minlength=by_odd.count)
        intact = (np.bincount(of_odd, share, by_odd.count) + 1) / (counts + 2)
        intact = np.minimum(intact, 0.9999)
    return Provider(by_chance, by_odd, heights, intact, cuts)


def changed(
    chances: NDArray[np.float64], *, share: float = 0.1, other: float | NDArray[np.float64] = 1e-4
) -> NDArray[np.float64]:
    """How likely each token was put there by an editor (n,), from its recomputed chance (n,), 0 where it has none.

    `share`: how often an editor changes a token; `other`: the chance of what is put there, for all or for each, as
    counts of own traffic have it.
    """
    found: NDArray[np.float64] = share * other / ((1 - share) * chances + share * np.maximum(other, 1e-12))
    return np.minimum(found, 1.0)


def oddness(
    chances: NDArray[np.float64],
    width: int,
    *,
    share: float = 0.1,
    other: float | NDArray[np.float64] = 1e-4,
) -> NDArray[np.float64]:
    """How likely a token and the `width` before it are *not* all as served: -ln of the chance that they are, (n,).

    The other arguments are those of `changed`, of each token of the text in order.
    """
    cost = -np.log(np.maximum(1 - changed(chances, share=share, other=other), 1e-6))
    total = np.concatenate([np.zeros(width + 1), np.cumsum(cost)])
    found: NDArray[np.float64] = total[width + 1 :] - total[: len(cost)]
    return found


def _odds(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.log(chances) - np.log1p(-chances)
    return found


def _raised(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """`chances` raised a little, up to a grid of their log odds; 1 where they can't be told from 1."""
    more = np.minimum(chances * (1 + _ROUNDING) + 2.0**-24, 1.0)
    inside = np.clip(more, 1e-12, 1 - 1e-9)
    odds = np.ceil(_odds(inside) / _STEP) * _STEP
    return np.where(more < 1 - 1e-9, 1 / (1 + np.exp(-odds)), 1.0)


def _levels(chances: NDArray[np.float64], cuts: tuple[float, ...]) -> NDArray[np.float64]:
    """The chance of each level without the key (n, levels)."""
    below = 1 / (1 + np.exp(-(_odds(chances)[:, None] + np.asarray(cuts))))
    edges = np.concatenate([np.zeros((len(chances), 1)), below, np.ones((len(chances), 1))], 1)
    found: NDArray[np.float64] = np.diff(edges, axis=1)
    return found
