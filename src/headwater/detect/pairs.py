"""Distinct pairs of whole numbers, each pair as one number while it is sorted."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Pairs(NamedTuple):
    """Pairs in order of `first`, then `second`; `place` (n): which one each was, `times`: how often each was there."""

    first: Ints
    second: Ints
    place: Ints
    times: Ints


def pairs(first: npt.NDArray[np.integer[Any]], second: npt.NDArray[np.integer[Any]]) -> Pairs:
    """The distinct pairs of two columns (n); `second` is never negative, and small enough for one number of both."""
    many = int(second.max(initial=0)) + 1
    found, place, times = np.unique(
        first.astype(np.int64) * many + second, return_inverse=True, return_counts=True
    )
    return Pairs(*np.divmod(found, many), place, times)
