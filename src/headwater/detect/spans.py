"""Places of what lies together in sorted arrays: all rows of some accounts, all customers of some texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def spans(begin: npt.NDArray[Any], end: npt.NDArray[Any]) -> Ints:
    """Every place from each `begin` to before its `end`, one span after another."""
    size = end - begin
    return np.asarray(np.arange(size.sum()) + np.repeat(begin - np.cumsum(size) + size, size), np.int64)


def starts(*columns: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Where a new combination of values begins, in columns that are sorted together."""
    new = np.ones(len(columns[0]), bool)
    new[1:] = False
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)


def rows_of(codes: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> Ints:
    """Places in `codes` (ascending, with repeats) of everything that has one of the `wanted` codes."""
    return spans(np.searchsorted(codes, wanted, "left"), np.searchsorted(codes, wanted, "right"))
