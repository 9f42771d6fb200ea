"""How much of a dataset is each found account's: the likelihood of a mixture over its units, with intervals.

A unit is marked under account i's key with chance pi_i, and then its score's law is tilted: the chance of a score s is
that without the key times exp(effect · s), over its mean. With a learned likelihood ratio as the scorer an effect of 1
is the traffic it was learned from; an engine's own sum has an effect between 0 and 1 that only the data can tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from headwater.mark.scheme import Null
from headwater.mark.score import Scorer
from headwater.mark.trace.dataset import Dataset

Floats = NDArray[np.float64]

#: A prior so weak that it only keeps shares inside (0, 1).
_BARRIER = 1e-3
#: Nats by which a document must be one account's rather than anybody else's.
_CLEAR = 3.0
#: Effects that are looked at where the data are to tell it, as parts of the usual one.
_EFFECTS = (0.15, 4.0)
#: How near 0 ln of the mean of exp(score) is for a likelihood ratio on a grid; the effect of an engine's own sum of
#: -ln(1-u) at a chat's entropy, 1 - 1/mean.
_RATIO, _OF_ENGINES = 0.05, 0.4
#: The same at 0.5 and at 2.5 nats a token.
_OF_TRAFFIC = (0.3, 0.7)


@dataclass(frozen=True)
class Share:
    """The share of the dataset's distinct units that an account's key marked, with its interval.

    `relative`: the same among the named accounts alone, which hardly depends on the effect.
    """

    share: float
    low: float
    high: float
    relative: float
    relative_low: float
    relative_high: float


@dataclass(frozen=True)
class Shares:
    """`of`: one for each account, in the order given; `effect`: the tilt, as assumed or found; `spread`: how many
    times more documents vary than independent units would, by which the intervals are widened."""

    of: tuple[Share, ...]
    effect: float
    effect_found: bool
    spread: float


class Tilt:
    """The likelihood ratio of a score under a key that marked the unit, as a function of the effect."""

    def __init__(self, scorer: Scorer, null: Null, classes: NDArray[np.intp]) -> None:
        self.grain = scorer.tables[0][0].grain
        self._scorer = scorer
        self._laws = [[table.law(null) for table in tables] for tables in scorer.tables]
        self._classes = classes

    @property
    def is_ratio(self) -> bool:
        """Whether the scorer is a likelihood ratio: the mean of its exp without the key is 1."""
        return float(np.abs(self.norm(1.0)[0]).max()) < _RATIO

    def usual(self) -> float:
        """The effect to begin from."""
        return 1.0 if self.is_ratio else _OF_ENGINES

    def marked(self, other: Scorer, effect: float) -> Floats:
        """By class: the mean in steps of another scorer's scores of marked units, where both have the same bins."""
        _, slopes = self.norm(effect)
        if other is self._scorer:
            return slopes / self.grain
        found = []
        for (mine,), (theirs,) in zip(self._scorer.tables, other.tables, strict=True):
            power = effect * mine.grain * mine.scores
            weight = np.diff(mine.edges) * np.exp(power - power.max())
            found.append(float(weight @ theirs.scores) / float(weight.sum()))
        return np.array(found)

    def norm(self, effect: float) -> tuple[Floats, Floats]:
        """By class: ln of the mean of exp(effect · score) without the key, and its derivative by the effect."""
        norms, slopes = np.zeros(len(self._laws)), np.zeros(len(self._laws))
        for number, laws in enumerate(self._laws):
            for law in laws:
                at = (law.first + np.arange(len(law.chance))) * self.grain
                top = float((effect * at).max())
                weight = law.chance * np.exp(effect * at - top)
                norms[number] += top + math.log(weight.sum())
                slopes[number] += float(weight @ at) / float(weight.sum())
        return norms, slopes

    def log_ratio(self, scores: NDArray[np.int64], effect: float) -> tuple[Floats, Floats]:
        """ln of the ratio, and its derivative by the effect, for scores (n, accounts)."""
        norms, slopes = self.norm(effect)
        nats = scores * self.grain
        return effect * nats - norms[self._classes][:, None], nats - slopes[self._classes][:, None]


def mixture_shares(
    scores: NDArray[np.int64],
    dataset: Dataset,
    scorer: Scorer,
    null: Null,
    *,
    effect: float | None = None,
    confidence: float = 0.95,
) -> Shares:
    """The shares of accounts whose scores of the dataset's units are `scores` (n, accounts).

    The intervals (`confidence`) cover what chance does to the marks, as much as documents vary in it. Where `effect` is
    None it is found together with the shares, within the family, and they cover that, too. What they can't cover is
    traffic of another entropy than was taken: half as strong a mark looks like half the share. It moves all shares
    alike, so the relative ones hardly feel it.
    """
    tilt = Tilt(scorer, null, dataset.classes)
    find_effect = effect is None
    found = np.full(scores.shape[1], 0.5 / (scores.shape[1] + 1))
    if effect is None:

        def value(tried: float) -> float:
            nonlocal found
            found, reached = _fit(np.expm1(tilt.log_ratio(scores, tried)[0]), found)
            return reached

        effect = _best(value, tilt.usual())
    log_ratio, slope = tilt.log_ratio(scores, effect)
    excess = np.expm1(log_ratio)
    found, _ = _fit(excess, found)
    slopes = (excess + 1) * slope @ found if find_effect else None
    covariance, spread = _covariance(excess, found, slopes, dataset, _strata(log_ratio, found, dataset))
    covariance *= spread
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    total = float(found.sum())
    relative = found / total
    # The relative shares by the delta method: their derivative by the shares.
    by_share = (np.eye(len(found)) - relative[:, None]) / total
    of_relative = by_share @ covariance @ by_share.T
    of = [
        Share(*_interval(found[i], covariance[i, i], z), *_interval(relative[i], of_relative[i, i], z))
        for i in range(len(found))
    ]
    return Shares(tuple(of), effect, find_effect, spread)


def _fit(excess: Floats, shares: Floats) -> tuple[Floats, float]:
    """Shares at the maximum of the (concave) likelihood sum ln(1 + excess · shares), and its value: Newton's method
    from `shares` on, with a weak logarithmic barrier at 0 and at a sum of 1."""
    value = _value(excess, shares)
    for _ in range(100):
        weighted = excess / (1 + excess @ shares)[:, None]
        rest = 1 - shares.sum()
        slope = weighted.sum(axis=0) + _BARRIER / shares - _BARRIER / rest
        bend = weighted.T @ weighted + np.diag(_BARRIER / shares**2) + _BARRIER / rest**2
        step = np.linalg.solve(bend, slope)
        gain = float(slope @ step)
        if gain < 1e-6:
            break
        length = 1.0
        while length > 1e-12:
            tried = shares + length * step
            if tried.min() > 0 and tried.sum() < 1:
                reached = _value(excess, tried)
                if reached >= value + 1e-4 * length * gain:
                    shares, value = tried, reached
                    break
            length /= 2
        else:
            break
    return shares, value


def _value(excess: Floats, shares: Floats) -> float:
    inside = _BARRIER * (float(np.log(shares).sum()) + math.log(1 - float(shares.sum())))
    return float(np.log1p(excess @ shares).sum()) + inside


def _best(value: Callable[[float], float], assumed: float) -> float:
    """The effect with the largest value: golden section over its logarithm."""
    low, high = (math.log(assumed * bound) for bound in _EFFECTS)
    golden = (math.sqrt(5) - 1) / 2
    inner = [high - golden * (high - low), low + golden * (high - low)]
    values = [value(math.exp(each)) for each in inner]
    while high - low > 5e-3:
        if values[0] >= values[1]:
            high, inner, values = inner[1], [0.0, inner[0]], [0.0, values[0]]
            inner[0] = high - golden * (high - low)
            values[0] = value(math.exp(inner[0]))
        else:
            low, inner, values = inner[0], [inner[1], 0.0], [values[1], 0.0]
            inner[1] = low + golden * (high - low)
            values[1] = value(math.exp(inner[1]))
    return math.exp((low + high) / 2)


def guessed_shares(scores: NDArray[np.int64], dataset: Dataset, scorer: Scorer, null: Null) -> Shares:
    """The same by an engine's own sum, whose effect at the traffic's entropy nobody has told.

    Twice as strong a mark and half the share look alike, so an interval reaches from the share at the strongest effect
    to that at the weakest (0.5 to 2.5 nats a token); of other detectors than a Gumbel mark's it says nothing, 0 to 1.
    The relative shares are as good as ever.
    """
    found = mixture_shares(scores, dataset, scorer, null)
    if null.ones is not None or any(len(tables) > 1 for tables in scorer.tables):
        return replace(found, of=tuple(replace(one, low=0.0, high=1.0) for one in found.of))
    ends = [mixture_shares(scores, dataset, scorer, null, effect=effect) for effect in _OF_TRAFFIC]
    of = [
        replace(one, low=min(each.low for each in all_of), high=max(each.high for each in all_of))
        for one, *all_of in zip(found.of, found.of, *(end.of for end in ends), strict=True)
    ]
    return replace(found, of=tuple(of))


def _strata(log_ratio: Floats, shares: Floats, dataset: Dataset) -> NDArray[np.intp]:
    """Whose each document clearly is as a whole, by account; nobody's, or not clear: one more."""
    whole = np.add.reduceat(log_ratio, dataset.starts[:-1], axis=0) + np.log(shares)
    nobody = np.full(len(whole), math.log(1 - float(shares.sum())))
    order = np.sort(np.column_stack([whole, nobody]), axis=1)
    best = np.argmax(whole, axis=1)
    clear = (whole.max(axis=1) == order[:, -1]) & (order[:, -1] - order[:, -2] > _CLEAR)
    return np.where(clear, best, len(shares))


def _covariance(
    excess: Floats, shares: Floats, slopes: Floats | None, dataset: Dataset, strata: NDArray[np.intp]
) -> tuple[Floats, float]:
    """The shares' covariance were units independent, and by how much documents vary more than that.

    The second is the ratio of two sandwich estimates (White, 1982), by document and by unit, averaged over accounts:
    those with few documents borrow from the others. The shares meant are those of this dataset, so documents are
    compared with others of the same account (`strata`).
    """
    accounts = len(shares)
    mixed = (1 + excess @ shares)[:, None]
    score = excess / mixed if slopes is None else np.column_stack([excess, slopes]) / mixed
    bread = np.linalg.pinv(score.T @ score).astype(np.float64)
    counts = np.bincount(strata, minlength=accounts + 1)
    compared = counts[strata] > 1
    if not compared.any():
        return bread[:accounts, :accounts], 1.0
    # What each unit, and each document, moves the shares by.
    moved = score @ bread[:, :accounts]
    sums = np.add.reduceat(moved, dataset.starts[:-1], axis=0)
    means = np.zeros((accounts + 1, accounts))
    np.add.at(means, strata, sums)
    apart = (sums - (means / np.maximum(counts, 1)[:, None])[strata])[compared]
    apart *= np.sqrt(counts / np.maximum(counts - 1, 1))[strata][compared][:, None]
    by_document = (apart**2).sum(axis=0)
    by_unit = np.add.reduceat(moved**2, dataset.starts[:-1], axis=0)[compared].sum(axis=0)
    return bread[:accounts, :accounts], max(1.0, float(np.mean(by_document / by_unit)))


def _interval(share: float, variance: float, z: float) -> tuple[float, float, float]:
    """An estimate with its interval, cut to what a share can be."""
    spread = z * math.sqrt(max(float(variance), 0.0))
    return float(share), max(0.0, float(share) - spread), min(1.0, float(share) + spread)
