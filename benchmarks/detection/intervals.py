"""Intervals for shares, and nothing that knows what is counted."""

from __future__ import annotations

from scipy import stats

Interval = tuple[float, float]


def clopper_pearson(hits: int, trials: int, level: float = 0.95) -> Interval:
    """The exact interval of a binomial share; (0, 1) without trials. Source: Clopper and Pearson (1934)."""
    if not 0 <= hits <= trials:
        raise ValueError("there are no more hits than trials, and none below 0")
    if not trials:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = float(stats.beta.ppf(tail, hits, trials - hits + 1)) if hits else 0.0
    high = float(stats.beta.ppf(1 - tail, hits + 1, trials - hits)) if hits < trials else 1.0
    return low, high
