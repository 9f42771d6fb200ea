"""Green lists are drawn without replacement: what that does to tails which are computed as if it weren't so.

Distinct tokens of one list are slightly dependent. The chance of any outcome of theirs is at most a known factor above
what independent draws would give it, whatever the outcome is scored by; so its logarithm, added to a log tail, makes
that tail an upper bound again. It's small: half the share of the vocabulary that was read, about, in nats a list.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.scheme import Units

#: More than what rounding does to the factor of one list.
_ROUNDING = 1e-8


def within_vocabulary(units: Units, size: int) -> None:
    """Raise `UsageError` for units whose tokens a vocabulary of `size` doesn't have: another scheme's units."""
    if len(units) and not 0 <= units.token.min() <= units.token.max() < size:
        raise UsageError("a token is outside the vocabulary of this scheme")


def log_factor(counts: NDArray[np.int64], size: int, ones: int) -> float:
    """ln of the largest ratio between chances with and without replacement, in nats, rounded up.

    counts: (lists,) how many distinct tokens of each list were read. `ones` of `size` tokens are green.
    """
    different, lists = np.unique(np.asarray(counts, np.int64), return_counts=True)
    several = different > 1
    if several.any() and int(different[-1]) > size:
        raise UsageError("more distinct tokens than the vocabulary has")
    factors = [_of_one(int(count), size, ones) for count in different[several]]
    return float(np.dot(factors, lists[several])) if factors else 0.0


def _of_one(count: int, size: int, ones: int) -> float:
    """The largest over k of F(ones, k) F(size - ones, count - k) / F(size, count), where F(n, k) is
    n (n-1) … (n-k+1) / n^k. It grows in k as long as k <= ones / size * (count - 1)."""
    green = min(ones * (count - 1) // size + 1, ones)
    red = count - green
    if red > size - ones:
        green, red = count - (size - ones), size - ones
    found = _falling(ones, green) + _falling(size - ones, red) - _falling(size, count)
    return max(found, 0.0) + _ROUNDING


def _falling(size: int, count: int) -> float:
    """ln of size (size-1) … (size-count+1) / size^count."""
    if count > 1000:
        return math.lgamma(size + 1) - math.lgamma(size - count + 1) - count * math.log(size)
    return math.fsum(math.log1p(-i / size) for i in range(count))
