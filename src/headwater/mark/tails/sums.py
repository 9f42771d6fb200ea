"""A sum of independent integers on its own lattice: from 0 to `top` in steps of 1, with its cumulants at any tilt.

Chances are kept as logarithms, so that a tilt by e^(s x) neither overflows nor loses what is rare.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Everything is counted in 64 bits, with room to add two.
LARGEST = 2**62
EPSILON = float(np.finfo(np.float64).eps)


class Cumulants(NamedTuple):
    """K(s) = ln E e^(sS) with its first two derivatives, and how far rounding may have moved K(s) - s x."""

    log_mgf: float
    mean: float
    variance: float
    rounding: float


@dataclass(frozen=True)
class Sum:
    """`base` + `step` * (the sum, over parts, of `count` independent integers).

    A part is the run of `value` (from 0) and `log` (ln of chances) from its `start` to the next part's.
    """

    base: int
    step: int
    value: NDArray[np.int64]
    log: NDArray[np.float64]
    start: NDArray[np.intp]
    count: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.intp]:
        """How many points each part has."""
        return np.diff(self.start, append=len(self.value))

    @property
    def top(self) -> int:
        """The largest value of the sum, in steps from its least."""
        if not len(self.start):
            return 0
        largest = np.maximum.reduceat(self.value, self.start)
        return sum(int(count) * int(value) for count, value in zip(self.count, largest, strict=True))

    @property
    def log_top(self) -> float:
        """ln of the chance of the largest value."""
        log = np.where(
            self.value == np.repeat(np.maximum.reduceat(self.value, self.start), self.sizes),
            self.log,
            -np.inf,
        )
        return math.fsum(self.count * np.logaddexp.reduceat(log, self.start))

    def weighed(self, s: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """The tilted chances of all points before they are divided, each part's sum of them, and ln of its scale."""
        log = self.log + s * self.value
        scale = np.maximum.reduceat(log, self.start)
        weights = np.exp(log - np.repeat(scale, self.sizes))
        return weights, np.add.reduceat(weights, self.start), scale

    def log_mgf(self, s: float) -> float:
        """K(s) alone."""
        _, total, scale = self.weighed(s)
        return float(self.count @ (scale + np.log(total)))

    def chances(self, s: float) -> NDArray[np.float64]:
        """The tilted chances of all points: each part's sum to 1."""
        weights, total, _ = self.weighed(s)
        return weights / np.repeat(total, self.sizes)

    def variances(self, s: float) -> NDArray[np.float64]:
        """The tilted variance of one integer of each part."""
        chances = self.chances(s)
        means = np.add.reduceat(chances * self.value, self.start)
        found: NDArray[np.float64] = np.add.reduceat(
            chances * (self.value - np.repeat(means, self.sizes)) ** 2, self.start
        )
        return found

    def cumulants(self, s: float) -> Cumulants:
        """K(s) and its derivatives: mean and variance of the tilted sum."""
        weights, total, scale = self.weighed(s)
        means = np.add.reduceat(weights * self.value, self.start) / total
        apart = self.value - np.repeat(means, self.sizes)
        variances = np.add.reduceat(weights * apart * apart, self.start) / total
        log_mgf = self.count * (scale + np.log(total))
        mean = float(self.count @ means)
        rounding = 2 * EPSILON * (float(self.count @ (4 + np.abs(scale))) + 2 * abs(s) * mean)
        return Cumulants(math.fsum(log_mgf), mean, float(self.count @ variances), rounding)

    def tilt(self, target: float) -> float:
        """The s >= 0 at which the tilted sum has mean `target` < top, to a tenth of its standard deviation."""
        _, mean, variance, _ = self.cumulants(0.0)
        if target <= mean:
            return 0.0
        # No step of the lattice needs more than the least chance says.
        most = 50 - float(self.log.min()) + math.log(float(self.count.max()))
        # Right for sums of exponential laws, and for all near the mean.
        away = (target - mean) / math.sqrt(variance * float(self.count.sum())) if variance > 1e-300 else 0.0
        low, high = 0.0, math.inf
        s = min((target - mean) / max(variance, 1e-300) / (1 + away), most)
        for _ in range(200):
            _, mean, variance, _ = self.cumulants(s)
            miss = mean - target
            if abs(miss) <= 0.1 * math.sqrt(variance):
                break
            low, high = (s, high) if miss < 0 else (low, s)
            step = s - miss / variance if variance > 0 else math.nan
            outward = min(8 * s, 2 * high)
            s = step if low < step < min(high, outward) else (low + high) / 2 if high < math.inf else 4 * s
        return s

    def reach(self, s: float, at: Cumulants, log_loss: float) -> tuple[int, int]:
        """First and last value to keep of the law tilted by `s`: beyond each lies e^`log_loss` at most (Chernoff)."""
        deviation = math.sqrt(at.variance) or 1.0
        slopes = [times / deviation for times in (3, 6, 9)]
        last = min((self.log_mgf(s + h) - at.log_mgf - log_loss) / h for h in slopes)
        first = max((at.log_mgf - self.log_mgf(s - h) + log_loss) / h for h in slopes)
        first, last = max(0, first - 1), min(self.top, last + 1)
        return math.floor(first), max(math.ceil(last), math.floor(first))


def gather(parts: Iterable[tuple[int, NDArray[np.float64], int, int]]) -> Sum:
    """The sum of `count` independent integers from each (first, chances, times, count), each taken `times` times.

    ValueError: chances that are none, below 0, not finite or all 0; `times` or `count` below 0; sums beyond 64 bits.
    """
    base = 0
    values, logs, counts = [], [], []
    for first, chance, times, count in parts:
        if times < 0 or count < 0:
            raise ValueError("times and count of a part are 0 or more")
        total = float(chance.sum())
        if not (math.isfinite(total) and total > 0 and chance.min() >= 0):
            raise ValueError("the chances of a law are finite, 0 or more, and not all 0")
        held = np.flatnonzero(chance)
        base += (int(first) + int(held[0])) * int(times) * int(count)
        if len(held) > 1 and times and count:
            if int(held[-1] - held[0]) * int(times) * int(count) >= LARGEST:
                raise ValueError("the sum doesn't fit into 64 bits")
            values.append((held - held[0]) * int(times))
            logs.append(np.log(chance[held] / total))
            counts.append(int(count))
    if abs(base) >= LARGEST:
        raise ValueError("the sum doesn't fit into 64 bits")
    if not values:
        none = np.zeros(0, np.int64)
        return Sum(base, 1, none, np.zeros(0), none, none)
    step = math.gcd(*(int(np.gcd.reduce(value)) for value in values))
    start = np.cumsum([0, *(len(value) for value in values[:-1])])
    found = Sum(
        base, step, np.concatenate(values) // step, np.concatenate(logs), start, np.asarray(counts, np.int64)
    )
    if abs(base) + found.top * step >= LARGEST:
        raise ValueError("the sum doesn't fit into 64 bits")
    return found
