"""Intervals for shares, and nothing that knows what is counted.

Clopper and Pearson's where counts are independent; with a bootstrap over whole clusters where they come in clusters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
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


def clustered(
    hits: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
    *,
    seed: int,
    draws: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Interval of sum(hits) / sum(sizes) where hits come in clusters; `hits` and `sizes` have one entry a cluster.

    At either end the wider of two: percentiles when whole clusters are drawn again, which is too narrow where few
    clusters are hit, and Clopper and Pearson's for the share of clusters with a hit, which is too narrow where a hit
    cluster is large.
    """
    clusters = len(sizes)
    low, high = clopper_pearson(int((hits > 0).sum()), clusters, level)
    if not hits.any():
        return low, high
    # Clusters of equal hits and size are one kind: drawing kinds is the same law and far less work.
    kinds, count = np.unique(np.stack([hits, sizes], axis=1), axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(clusters, count / clusters, size=draws)
    shares = (drawn @ kinds[:, 0]) / (drawn @ kinds[:, 1])
    least, most = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2])
    return min(low, float(least)), max(high, float(most))
