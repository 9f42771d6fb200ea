"""Sums whose grid would be too large: rounded up to a coarser one, which makes every tail an upper bound.

Rounding costs most where many small integers are rounded one by one. So it is done in steps: as many of the smallest
as fit are summed on the finer grid, their sum is rounded once, and the coarser grid takes more.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwater.mark.tails.sums import Cumulants, Sum
from headwater.mark.tails.transform import transformed

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
    variances = parts.variances(s)
    # Twenty deviations are wider than nearly every window; where they aren't, terms are rounded one by one.
    wide = 20 * np.sqrt(np.cumsum((parts.count * variances)[order]))
    light = min(int(np.searchsorted(wide, LARGEST_GRID)), len(order) - 1)
    found: list[Sum] = []
    lost = 0.0
    if light:
        some, lost = _summed_up(_chosen(parts, order[:light]), s, factor, log_loss)
        found.append(some)
    for place in order[light:]:
        one = _chosen(parts, np.array([place]))
        count = int(one.count[0])
        room = (LARGEST_GRID * int(np.gcd.reduce(one.value)) / 20) ** 2 / float(variances[place])
        times = math.ceil(count / max(room, 1))
        some, more = _summed_up(replace(one, count=one.count // times), s, factor, log_loss)
        found.append(replace(some, count=some.count * times))
        if count % times:
            found.append(_rounded(replace(one, count=one.count % times), factor))
        lost += more * times
    starts = np.cumsum([0, *(len(some.value) for some in found[:-1])])
    together = Sum(
        parts.base,
        parts.step * factor,
        np.concatenate([some.value for some in found]),
        np.concatenate([some.log for some in found]),
        np.concatenate([some.start + start for some, start in zip(found, starts, strict=True)]),
        np.concatenate([some.count for some in found]),
    )
    return together, lost


def _summed_up(parts: Sum, s: float, factor: int, log_loss: float) -> tuple[Sum, float]:
    """`parts` as one part, rounded up once, and the tilted chance that it lacks; term by term, if it doesn't fit."""
    step = int(np.gcd.reduce(parts.value))
    fine = replace(parts, value=parts.value // step)
    at = fine.cumulants(s * step)
    window = fine.reach(s * step, at, log_loss)
    if parts.count.sum() == 1 or window[1] - window[0] >= LARGEST_GRID:
        return _rounded(parts, factor), 0.0
    grid = transformed(fine, s * step, window, log_loss)
    place = (grid.first + np.arange(len(grid.chance))) * step
    up = -(-place // factor)
    chance = np.maximum(grid.chance, 0.0) + grid.noise / math.sqrt(len(grid.chance))
    fresh = np.flatnonzero(np.diff(up, prepend=up[0] - 1))
    mass = np.add.reduceat(chance * np.exp(s * (up * factor - place)), fresh)
    value, mass = up[fresh][mass > 0], mass[mass > 0]
    log = np.log(mass) - s * factor * value + at.log_mgf + at.rounding
    whole = Sum(0, 1, value, log, np.zeros(1, np.intp), np.ones(1, np.int64))
    return whole, grid.lost


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
