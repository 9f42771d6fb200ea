"""Exact laws of sums of integer scores: what a detector's total is worth when the key had no part in the text.

Every score in this room is an integer on a grid whose law without the key is known exactly, so a tail is computed,
never approximated by a normal or Gamma law. All chances are natural logarithms: 1e-10000 is as good as 0.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.mark.tails.sums import Sum, gather
from headwater.mark.tails.tail import log_tails_of


@dataclass(frozen=True)
class Law:
    """The law of an integer: P(it is `first` + i) = `chance`[i]. `chance` sums to 1."""

    first: int
    chance: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """Its mean."""
        return float(self.chance @ self._values)

    @property
    def variance(self) -> float:
        """Its variance."""
        return float(self.chance @ (self._values - self.mean) ** 2)

    def log_mgf(self, tilt: float) -> float:
        """ln of the mean of exp(`tilt` times it): what Chernoff's bound is made of."""
        exponent = tilt * self._values
        top = float(exponent.max())
        return top + math.log(float(self.chance @ np.exp(exponent - top)))

    @property
    def _values(self) -> NDArray[np.int64]:
        return self.first + np.arange(len(self.chance))


@dataclass(frozen=True)
class Part:
    """`count` independent integers of one law, each taken `times` times (a unit that was read that often)."""

    law: Law
    times: int = 1
    count: int = 1


def log_tail(parts: Sequence[Part], total: int) -> float:
    """ln of P(sum >= `total`), rounded up: never below the true value, and at most 1e-6 above it (relative).

    0.0 where the sum can't be less, -inf where it can't be as much. Still never below, but more than 1e-6 above: where
    the sum's law would need more than 2^21 points (a unit read a million times beside many read once, four million
    units), since scores are rounded up then; and where a sum of more than 2^16 points has chances far apart that
    are as rare as 1e-12. ValueError: chances that aren't chances, sums beyond 64 bits. The mathematics is in
    `docs/explanation/exact-tails.md`.
    """
    found = _sum(parts)
    if not found.base < total <= found.base + found.step * found.top:
        return 0.0 if total <= found.base else -np.inf
    steps = -(-(int(total) - found.base) // found.step)
    return float(log_tails_of(found, np.asarray([steps]))[0])


def log_tails(parts: Sequence[Part], totals: NDArray[np.int64]) -> NDArray[np.float64]:
    """`log_tail` for many totals of the same law, as a test of many keys needs it: one law serves most of them."""
    found = _sum(parts)
    bounded = np.clip(totals, found.base, found.base + found.step * found.top + 1)
    return log_tails_of(found, -(-(bounded.astype(np.int64) - found.base) // found.step))


def log_chernoff(parts: Sequence[Part], total: int) -> float:
    """An upper bound of `log_tail` that needs no law of the sum: the least of K(s) - s x over s (Chernoff 1952)."""
    found = _sum(parts)
    if not found.base < total <= found.base + found.step * found.top:
        return 0.0 if total <= found.base else -np.inf
    steps = -(-(int(total) - found.base) // found.step)
    if steps == found.top:
        return min(0.0, found.log_top)
    s = found.tilt(steps)
    at = found.cumulants(s)
    return min(0.0, at.log_mgf - s * steps + at.rounding)


def moments(parts: Sequence[Part]) -> tuple[float, float]:
    """Mean and variance of the sum."""
    found = _sum(parts)
    if not found.top:
        return float(found.base), 0.0
    at = found.cumulants(0.0)
    return found.base + found.step * at.mean, found.step**2 * at.variance


def _sum(parts: Sequence[Part]) -> Sum:
    """The sum on its lattice; parts that share law and times are one."""
    counts: dict[tuple[int, int], int] = {}
    laws: dict[tuple[int, int], Law] = {}
    for part in parts:
        kind = (id(part.law), part.times)
        laws[kind] = part.law
        counts[kind] = counts.get(kind, 0) + part.count
    return gather((laws[kind].first, laws[kind].chance, kind[1], count) for kind, count in counts.items())
