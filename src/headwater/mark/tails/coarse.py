"""Sums whose grid would be too large: rounded up to a coarser one, which makes every tail an upper bound.

Rounding costs most where many small integers are rounded one by one. So as many of the smallest as fit are summed
on the fine grid first, and their sum is rounded once.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from headwater.mark.tails.sums import Sum
from headwater.mark.tails.transform import transformed

#: The largest grid: 32 MB of numbers.
LARGEST_GRID = 1 << 22


class Coarse(NamedTuple):
    """A sum in steps of `factor`, never below the one it stands for; `lost`: chance it lacks under its tilt."""

    parts: Sum
    factor: int
    lost: float


def fits(parts: Sum, s: float, log_loss: float) -> bool:
    """Whether the tilted law fits the largest grid."""
    first, last = parts.reach(s, log_loss)
    return last - first < LARGEST_GRID


def coarsened(parts: Sum, s: float, log_loss: float) -> Coarse:
    """`parts` rounded up so that their law, tilted by `s`, fits; of use at this tilt only."""
    first, last = parts.reach(s, log_loss)
    factor = -(-2 * (last - first) // LARGEST_GRID)
    order = np.argsort(np.maximum.reduceat(parts.value, parts.start), kind="stable")
    light = _light(parts, order, s, log_loss)
    few = _chosen(parts, order[:light])
    heavy = _chosen(parts, order[light:])
    if not light:
        return Coarse(_rounded(heavy, factor), factor, 0.0)
    grid = transformed(few, s, log_loss)
    at = few.cumulants(s)
    place = grid.first + np.arange(len(grid.chance))
    up = -(-place // factor)
    chance = np.maximum(grid.chance, 0.0) + grid.noise / math.sqrt(len(grid.chance))
    mass = np.bincount(up - up[0], chance * np.exp(s * (up * factor - place)))
    values = up[0] + np.flatnonzero(mass)
    logs = np.log(mass[mass > 0]) - s * factor * values + at.log_mgf + at.rounding
    rough = _rounded(heavy, factor)
    together = Sum(
        parts.base,
        parts.step * factor,
        np.concatenate([values, rough.value]),
        np.concatenate([logs, rough.log]),
        np.concatenate([[0], len(values) + rough.start]).astype(np.intp),
        np.concatenate([[1], rough.count]),
    )
    return Coarse(together, factor, grid.lost)


def _light(parts: Sum, order: np.ndarray, s: float, log_loss: float) -> int:
    """How many of the parts in `order` are summed on the fine grid: as many as surely fit half of the largest."""
    low, high = 0, len(order) - 1
    while low < high:
        middle = (low + high + 1) // 2
        first, last = _chosen(parts, order[:middle]).reach(s, log_loss)
        low, high = (middle, high) if last - first < LARGEST_GRID // 2 else (low, middle - 1)
    return low


def _chosen(parts: Sum, which: np.ndarray) -> Sum:
    """Some of the parts."""
    sizes = parts.sizes[which]
    start = np.cumsum(sizes) - sizes
    points = np.arange(int(sizes.sum())) + np.repeat(parts.start[which] - start, sizes)
    return Sum(parts.base, parts.step, parts.value[points], parts.log[points], start, parts.count[which])


def _rounded(parts: Sum, factor: int) -> Sum:
    """Each integer of the sum rounded up to a multiple of `factor`."""
    return Sum(
        parts.base, parts.step * factor, -(-parts.value // factor), parts.log, parts.start, parts.count
    )
