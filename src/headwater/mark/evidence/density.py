"""How a mark's values fall when the key *had* a part: densities over a few bins, from own traffic.

Two ways: from what chance the model gave to the tokens that it served (no key needed, and far less noise), or from
values of marked text under its key. Both end as masses of bins, and `tables` makes log ratios of them.

Given that a token of chance p was served by keyed Gumbel sampling, its value u has the distribution function
u^(1/p): the largest of exponential races, see `docs/explanation/mark-evidence.md`.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.mark.evidence.plain import GRAIN, SMALL
from headwater.mark.scheme import Null, Values
from headwater.mark.score import Table

Masses = NDArray[np.float64]
#: Bins in each halving of u towards 0, down to 2^-_HALVINGS, and of 1-u towards 1.
_LOW, _HIGH, _HALVINGS = 3, 6, 8
#: How many units' worth of the common law is mixed into that of a class.
STRENGTH: Final = 50.0
#: How many units' worth of no mark at all is mixed into the common law.
_NOTHING: Final = 5.0


def edges(null: Null) -> NDArray[np.int64]:
    """The bins that values are told apart by: each value by itself, or about 170 bins, finer near 0 and near 1."""
    if null.ones is not None:
        return np.array([0, 1, 2], np.int64)
    if null.size <= SMALL:
        return np.arange(null.size + 1, dtype=np.int64)
    low = null.size * 2.0 ** -np.arange(1, _HALVINGS + 1 / _LOW, 1 / _LOW)
    high = null.size - null.size * 2.0 ** -np.arange(1, math.log2(null.size), 1 / _HIGH)
    inside = np.round(np.concatenate([low, high])).astype(np.int64)
    return np.unique(np.concatenate([[0], inside, [null.size]]))


def widths(null: Null, bins: NDArray[np.int64]) -> Masses:
    """The chance of each bin without the key."""
    if null.ones is None:
        return np.diff(bins) / null.size
    return np.array([1 - null.ones / null.size, null.ones / null.size])


def of_chances(null: Null, bins: NDArray[np.int64], chances: NDArray[np.float64]) -> Masses:
    """Masses of bins for served tokens that the model gave `chances` (n,): the mean of u^(1/p)."""
    with np.errstate(divide="ignore"):
        logs = np.log(bins / null.size)
    below = np.zeros(len(bins))
    for part in np.array_split(1 / np.clip(chances, 1e-12, 1.0), max(1, len(chances) // 4096)):
        below += np.exp(part[:, None] * logs).sum(0)
    below[0] = 0.0
    found: Masses = np.diff(below / len(chances))
    return found


def of_values(bins: NDArray[np.int64], values: NDArray[np.uint32]) -> Masses:
    """Masses of bins as counted in marked text (n,)."""
    found: Masses = np.histogram(values, bins)[0] / max(1, len(values))
    return found


def rising(masses: Masses, wide: Masses) -> Masses:
    """The nearest masses whose density never falls (Grenander: pool neighbours that go down).

    Densities of served Gumbel values rise: u^(1/p - 1)/p does for every p.
    """
    blocks: list[tuple[float, float, int]] = []
    for mass, width in zip(masses, wide, strict=True):
        blocks.append((float(mass), float(width), 1))
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            last, before = blocks.pop(), blocks.pop()
            blocks.append((last[0] + before[0], last[1] + before[1], last[2] + before[2]))
    density = np.repeat([mass / width for mass, width, _ in blocks], [count for *_, count in blocks])
    return density * wide


def shrunk(masses: Masses, count: int, towards: Masses, strength: float) -> Masses:
    """`masses` of `count` units with `strength` units' worth of another law."""
    return (count * masses + strength * towards) / (count + strength)


def common(masses: Masses, count: int, wide: Masses, *, rises: bool) -> Masses:
    """The law of all units together, with a little of no mark in it."""
    found = shrunk(masses, count, wide, _NOTHING)
    return rising(found, wide) if rises else found


def table(bins: NDArray[np.int64], masses: Masses, wide: Masses, *, doubt: float) -> Table:
    """Log ratios of `masses` to the law without the key.

    `doubt`: the share of units whose mark is taken to be lost, for text that was edited; it bounds how much one unit
    can speak against a mark.
    """
    ratio = np.maximum((1 - doubt) * masses / wide + doubt, 1e-12)
    return Table(bins, np.round(np.log(ratio) / GRAIN).astype(np.int64), GRAIN)


def streams_of(values: Values) -> list[NDArray[np.uint32]]:
    """The columns of values (n, streams)."""
    return [np.ascontiguousarray(values[:, stream]) for stream in range(values.shape[1])]
