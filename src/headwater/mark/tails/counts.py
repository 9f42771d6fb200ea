"""Exact tails of two counts: hits among independent draws, and among draws without replacement (a green list that
holds a fixed number of the vocabulary, read by distinct tokens). Both are ln of P(hits >= `hits`), rounded up.
"""

from __future__ import annotations

import math

import numpy as np

from headwater.mark.tails.sums import EPSILON, gather
from headwater.mark.tails.tail import log_tails_of


def log_binomial_tail(hits: int, draws: int, chance: float) -> float:
    """ln of P(at least `hits` of `draws` hit), each independently with `chance` (0 … 1).

    As near as `law.log_tail`: it is the same sum. ValueError: `chance` beyond 0 … 1, `draws` below 0.
    """
    if not 0 <= chance <= 1 or draws < 0:
        raise ValueError("a chance is 0 to 1, draws are 0 or more")
    found = gather([(0, np.array([1 - chance, chance]), 1, draws)])
    steps = min(max(hits - found.base, 0), found.top + 1)
    return float(log_tails_of(found, np.array([steps]))[0])


def log_hypergeometric_tail(hits: int, draws: int, marked: int, size: int) -> float:
    """ln of P(at least `hits` of `draws` different ones are marked), `marked` of `size` being so.

    Up to 1e-6 above the truth (relative) for sizes up to 10^7. ValueError: more draws or marked ones than `size`.
    """
    if not (0 <= draws <= size and 0 <= marked <= size):
        raise ValueError("draws and marked ones are 0 to the number there is")
    least, most = max(0, draws + marked - size), min(draws, marked)
    if hits <= least:
        return 0.0
    if hits > most:
        return -math.inf
    if hits - 1 < (draws + 1) * (marked + 1) // (size + 2):
        # Above the mode chances fall from each to the next, so that the side that is summed is the one that falls.
        below, rounding = _falling(draws - hits + 1, draws, size - marked, size)
        return min(0.0, math.log1p(-min(math.exp(below), 1.0)) + rounding) if below < -1e-9 else 0.0
    tail, rounding = _falling(hits, draws, marked, size)
    return min(0.0, tail + rounding)


def _falling(hits: int, draws: int, marked: int, size: int) -> tuple[float, float]:
    """ln of the tail from `hits`, at or above the mode, and how far rounding may have moved it."""
    pieces = [
        *(math.lgamma(n + 1) for n in (marked, size - marked, draws, size - draws)),
        *(
            -math.lgamma(n + 1)
            for n in (hits, marked - hits, draws - hits, size - marked - draws + hits, size)
        ),
    ]
    k = np.arange(hits, min(draws, marked), dtype=np.float64)
    ratios = (marked - k) / (k + 1) * ((draws - k) / (size - marked - draws + k + 1))
    rest = float(np.cumprod(ratios).sum())
    return math.fsum(pieces) + math.log1p(rest), 4 * EPSILON * sum(map(abs, pieces)) + EPSILON * (len(k) + 4)
