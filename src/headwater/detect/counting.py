"""Counts by account, added to where they stand: a batch costs what its rows cost, however many accounts a log has."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def count(total: npt.NDArray[np.integer[Any]], places: npt.NDArray[np.integer[Any]]) -> None:
    """One more in `total` for each of `places`, which may repeat."""
    for place in places:
        total[place] += 1


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def add_rows(
    total: npt.NDArray[np.number[Any]],
    places: npt.NDArray[np.integer[Any]],
    values: npt.NDArray[np.number[Any]],
) -> None:
    """Rows of `values` (n × k) more in the rows of `total` at `places` (n); those below zero are left out."""
    for i in range(len(places)):
        if places[i] >= 0:
            sums = total[places[i]]
            for k in range(values.shape[1]):
                sums[k] += values[i, k]


def add(total: Ints, places: npt.NDArray[np.integer[Any]], amounts: npt.NDArray[Any]) -> None:
    """So much more in `total` for each of `places`: whole numbers."""
    _more(total, places, amounts.astype(np.int64))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _more(total: Ints, places: npt.NDArray[np.integer[Any]], amounts: Ints) -> None:
    for i in range(len(places)):
        total[places[i]] += amounts[i]
