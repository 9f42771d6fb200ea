"""An interval for a share from its likelihood: the shares that a sample does not speak against strongly enough.

How strongly that is was measured: for each share the drop of likelihood that stays below `critical` in so many of the
human domains and models mixed at that share (Feldman and Cousins 1998, with the domain as a random effect).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from headwater.provenance.prevalence.mixture import SHARES

Floats = npt.NDArray[np.float64]


def accepted(log: Floats, critical: Floats) -> tuple[float, float]:
    """Least and greatest share whose log-likelihood is no more than `critical` below the likeliest one's.

    `log`, `critical`: at each of `SHARES`. Ends between two of them are interpolated.
    """
    spare = log - log.max() + critical
    inside = np.flatnonzero(spare >= 0)
    first, last = int(inside[0]), int(inside[-1])
    low, high = float(SHARES[first]), float(SHARES[last])
    if first:
        low = _crossing(first - 1, first, spare)
    if last + 1 < len(SHARES):
        high = _crossing(last, last + 1, spare)
    return low, high


def _crossing(left: int, right: int, spare: Floats) -> float:
    a, b = float(spare[left]), float(spare[right])
    share = a / (a - b) if a != b else 0.5
    return float(SHARES[left] + share * (SHARES[right] - SHARES[left]))


def clopper_pearson(found: int, of: int, level: float) -> tuple[float, float]:
    """Exact two-sided interval of a binomial share (Clopper and Pearson 1934)."""
    rest = (1 - level) / 2
    low = float(betaincinv(found, of - found + 1, rest)) if found else 0.0
    high = float(betaincinv(found + 1, of - found, 1 - rest)) if found < of else 1.0
    return low, high
