"""ln of P(sum >= x) from the tilted law of the sum: one tilt serves all totals within some standard deviations.

P(S >= x) = e^(K(s) - s x) T(x), where T(x) is the sum over k >= x of the tilted chance of k times e^(-s (k - x)).
All that is left out or uncertain in T(x) is added to it, so the answer is rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from headwater.mark.tails.coarse import fitted
from headwater.mark.tails.sums import EPSILON, Cumulants, Sum
from headwater.mark.tails.transform import Grid, convolved, transformed

#: Up to this many points a sum is convolved; up to the second, where the transform's rounding hides the tail.
DIRECT, PATIENT = 2048, 1 << 16
#: ln of what may lie beyond a window, and how much of a tail may be bound instead of value.
LOG_LOSS, ADDED = -28.0, 4e-7


def log_tails_of(parts: Sum, totals: NDArray[np.int64]) -> NDArray[np.float64]:
    """ln of P(sum >= x) for each of `totals`, in steps from the least value of the sum, rounded up."""
    totals, where = np.unique(totals, return_inverse=True)
    top = parts.top
    found = np.where(totals <= 0, 0.0, -np.inf)
    if top:
        log_top = min(0.0, parts.log_top)
        found[totals == top] = log_top + EPSILON * (8 * int(parts.count.sum()) - 4 * log_top)
        inside = (totals > 0) & (totals < top)
        found[inside] = _inside(parts, totals[inside])
    # What isn't below the tail of a total isn't below that of a larger one.
    answer: NDArray[np.float64] = np.minimum(np.minimum.accumulate(found), 0.0)[where]
    return answer


def _inside(parts: Sum, totals: NDArray[np.int64]) -> NDArray[np.float64]:
    """The same for distinct ascending totals between the least value and the top."""
    found = np.full(len(totals), np.nan)
    left = np.arange(len(totals))
    while len(left):
        asked = totals[left]
        for s, last in _tilts(parts, asked, untilted=len(left) == len(totals)):
            tails, good = _tilted(parts, s, asked, last=last)
            good[0] |= last
            if good[0]:
                break
        found[left[good]] = tails[good]
        left = left[~good]
    return found


def _tilts(parts: Sum, totals: NDArray[np.int64], *, untilted: bool) -> Iterator[tuple[float, bool]]:
    """Tilts to try for the lowest of `totals`, those first that serve many; and whether it is the last."""
    lowest = int(totals[0])
    plain = parts.cumulants(0.0)
    if untilted and lowest < plain.mean + 3 * math.sqrt(plain.variance):
        yield 0.0, False
    exact = parts.tilt(lowest)
    if totals[-1] > lowest:
        ahead = lowest + 2.5 * math.sqrt(parts.cumulants(exact).variance)
        yield parts.tilt(min(float(totals[-1]), ahead)), False
    yield exact, True


def _tilted(
    parts: Sum, s: float, totals: NDArray[np.int64], *, last: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Tails at one tilt, and which of them are as near as promised; `last`: nothing better comes for the first."""
    at = parts.cumulants(s)
    if parts.top <= DIRECT:
        return _read(at, s, convolved(parts, s), totals)
    log_loss = LOG_LOSS - math.log1p(s * math.sqrt(at.variance))
    fit = fitted(parts, s, log_loss)
    grid = transformed(fit.parts, fit.s, fit.window, log_loss)
    tails, good = _read(fit.at, fit.s, grid._replace(lost=grid.lost + fit.lost), -(-totals // fit.factor))
    if fit.factor > 1:
        return np.minimum(tails, at.log_mgf - s * totals + at.rounding), good
    if last and not good[0] and parts.top <= PATIENT:
        return _read(at, s, convolved(parts, s), totals)
    return tails, good


def _read(
    at: Cumulants, s: float, grid: Grid, totals: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """ln tails from a grid, and whether what is added for safety is a small enough share of each."""
    sums = _suffix_sums(grid.chance, s)
    place = totals - grid.first
    below = np.exp(s * np.minimum(place, 0))
    tail = np.maximum(sums[np.clip(place, 0, len(grid.chance))], 0.0) * below
    terms = min(len(grid.chance), 1 / -math.expm1(-2 * s) if s > 0 else math.inf)
    added = grid.lost + grid.noise * math.sqrt(terms)
    with np.errstate(divide="ignore"):
        log = at.log_mgf - s * totals + np.log(np.minimum(tail + added, 1.0))
    slack = at.rounding + EPSILON * len(grid.chance) + 1e-10
    return np.asarray(log + slack, np.float64), added <= ADDED * tail


def _suffix_sums(chance: NDArray[np.float64], s: float) -> NDArray[np.float64]:
    """T(k) = chance[k] + e^(-s) T(k + 1), for each k and one beyond: in blocks that e^(-s k) doesn't make small."""
    found = np.zeros(len(chance) + 1)
    block = len(chance) if s * len(chance) <= 40 else max(1, int(40 / s))
    for first in range((len(chance) - 1) // block * block, -1, -block):
        part = chance[first : first + block]
        fall = np.exp(-s * np.arange(len(part)))
        found[first : first + len(part)] = np.cumsum((part * fall)[::-1])[::-1] / fall
        found[first : first + len(part)] += found[first + len(part)] * math.exp(-s) * fall[::-1]
    return found
