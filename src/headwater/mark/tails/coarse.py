"""Sums whose grid would be too large: rounded up to a coarser one, which makes every tail an upper bound.

Rounding costs most where many small integers are rounded one by one. So it is done in steps: as many of the smallest
as fit are summed on the finer grid, their sum is rounded once, and the coarser grid takes more.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwater.mark.tails.sums import Cumulants, Sum
from headwater.mark.tails.transform import Grid, transformed

#: The largest grid: 16 MB of numbers. A grid gets coarser by the second at most at once.
LARGEST_GRID, STEP = 1 << 21, 16


class Coarse(NamedTuple):
    """A sum in steps of `factor`, never below the one it stands for, with its cumulants under its tilt `s` and the
    window of its tilted law; `lost`: chance it lacks under this tilt, for which alone it is made.
    """

    parts: Sum
    s: float
    at: Cumulants
    window: tuple[int, int]
    factor: int
    lost: float


def fitted(parts: Sum, s: float, log_loss: float) -> Coarse:
    """`parts` as they are where their tilted law fits the largest grid, else rounded up until it does."""
    at = parts.cumulants(s)
    window = parts.reach(s, at, log_loss)
    factor, lost = 1, 0.0
    while (span := window[1] - window[0] + 1) > LARGEST_GRID:
        step = min(STEP, -(-span // (LARGEST_GRID - 2)))
        parts, more = _coarser(parts, s, step, log_loss)
        s, factor, lost = s * step, factor * step, lost + more
        at = parts.cumulants(s)
        window = parts.reach(s, at, log_loss)
    return Coarse(parts, s, at, window, factor, lost)


def _coarser(parts: Sum, s: float, factor: int, log_loss: float) -> tuple[Sum, float]:
    """`parts` rounded up to a grid of steps of `factor`, and the tilted chance that was lost."""
    order = np.argsort(np.maximum.reduceat(parts.value, parts.start), kind="stable")
    # Twenty deviations are wider than nearly every window; where they aren't, nothing is summed beforehand.
    wide = 20 * np.sqrt(np.cumsum((parts.count * parts.variances(s))[order]))
    light = min(int(np.searchsorted(wide, LARGEST_GRID)), len(order) - 1)
    if not light:
        return _rounded(parts, factor), 0.0
    few = _chosen(parts, order[:light])
    at = few.cumulants(s)
    window = few.reach(s, at, log_loss)
    if window[1] - window[0] >= LARGEST_GRID:
        return _rounded(parts, factor), 0.0
    grid = transformed(few, s, window, log_loss)
    values, logs = _law(grid, s, at, factor)
    heavy = _rounded(_chosen(parts, order[light:]), factor)
    together = Sum(
        parts.base,
        parts.step * factor,
        np.concatenate([values, heavy.value]),
        np.concatenate([logs, heavy.log]),
        np.concatenate([[0], len(values) + heavy.start]).astype(np.intp),
        np.concatenate([[1], heavy.count]),
    )
    return together, grid.lost


def _law(grid: Grid, s: float, at: Cumulants, factor: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """A tilted law on a grid as the values, in steps of `factor`, and untilted ln chances of one part."""
    place = grid.first + np.arange(len(grid.chance))
    up = -(-place // factor)
    chance = np.maximum(grid.chance, 0.0) + grid.noise / math.sqrt(len(grid.chance))
    mass = np.bincount(up - up[0], chance * np.exp(s * (up * factor - place)))
    values = up[0] + np.flatnonzero(mass)
    return values, np.log(mass[mass > 0]) - s * factor * values + at.log_mgf + at.rounding


def _chosen(parts: Sum, which: NDArray[np.intp]) -> Sum:
    """Some of the parts."""
    sizes = parts.sizes[which]
    start = np.cumsum(sizes) - sizes
    points = np.arange(int(sizes.sum())) + np.repeat(parts.start[which] - start, sizes)
    return Sum(parts.base, parts.step, parts.value[points], parts.log[points], start, parts.count[which])


def _rounded(parts: Sum, factor: int) -> Sum:
    """Each integer of the sum rounded up to a multiple of `factor`."""
    value = -(-parts.value // factor)
    fresh = np.diff(value, prepend=-1) != 0
    fresh[parts.start] = True
    kept = np.flatnonzero(fresh)
    start = np.searchsorted(kept, parts.start)
    return Sum(
        parts.base,
        parts.step * factor,
        value[kept],
        np.logaddexp.reduceat(parts.log, kept),
        start,
        parts.count,
    )
