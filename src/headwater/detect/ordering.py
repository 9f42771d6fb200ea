"""The order of rows by account and then by other columns, at less than a comparison sort costs.

How many rows each account has says where they go; each account's own rows, a few, are then sorted by the next column,
and only what is equal in both is compared further.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.spans import spans

Ints = npt.NDArray[np.int64]

#: Rows of one code up to which they are put in place one by one.
SHORT = 48
_SIGN = np.uint64(1 << 63)


def by_code(code: npt.NDArray[np.integer[Any]], first: npt.NDArray[Any], *more: npt.NDArray[Any]) -> Ints:
    """The places (n) in order of `code` (n, small whole numbers, none negative), `first`, then `more`.

    The same as `np.lexsort((*more[::-1], first, code))`: rows that are equal in all stay as they came.
    """
    if not len(code):
        return np.empty(0, np.int64)
    keys = _whole(first)
    if keys is None:
        return np.lexsort((*more[::-1], first, code))
    order = counted(code, int(code.max()) + 1)
    _sort_runs(code, keys, order)
    if more:
        _settle(order, code, keys, more)
    return order


class ByCode:
    """Rows by a small whole number; those below zero are nobody's."""

    def __init__(self, code: npt.NDArray[np.integer[Any]], codes: int = 0) -> None:
        """`codes`: that they lie below, where more than one is asked for at once."""
        mine = np.flatnonzero(code >= 0)
        count = np.bincount(code[mine], minlength=codes)
        self._order = mine[counted(code[mine], len(count))] if len(mine) else mine
        self._start = np.concatenate([[0], np.cumsum(count)])

    def of(self, code: int) -> Ints:
        """The rows (ascending) that have this number."""
        if code < 0 or code + 1 >= len(self._start):
            return self._order[:0]
        return self._order[self._start[code] : self._start[code + 1]]

    def among(self, codes: npt.NDArray[np.integer[Any]]) -> Ints:
        """The rows (ascending) that have one of these numbers, which differ."""
        return np.sort(self._order[spans(self._start[codes], self._start[codes + 1])])


def _whole(values: npt.NDArray[Any]) -> Ints | None:
    """Values as int64 in the same order; None where they aren't whole numbers."""
    if values.dtype == np.uint64:
        return (values ^ _SIGN).view(np.int64)
    return values.astype(np.int64) if values.dtype.kind in "iub" else None


def _settle(
    order: Ints, code: npt.NDArray[np.integer[Any]], keys: Ints, more: tuple[npt.NDArray[Any], ...]
) -> None:
    """Put in order what is equal in code and first column."""
    same = (code[order[1:]] == code[order[:-1]]) & (keys[order[1:]] == keys[order[:-1]])
    if not same.any():
        return
    tied = np.zeros(len(order), bool)
    tied[1:] |= same
    tied[:-1] |= same
    at = np.flatnonzero(tied)
    run = np.cumsum(np.concatenate([[True], ~same])[at])
    rows = order[at]
    order[at] = rows[np.lexsort((*(column[rows] for column in more[::-1]), run))]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def counted(code: npt.NDArray[np.integer[Any]], codes: int) -> Ints:
    """The places (n) by code (n, below `codes`), in the order in which they came."""
    start = np.zeros(codes + 1, np.int64)
    for i in range(len(code)):
        start[code[i] + 1] += 1
    for c in range(codes):
        start[c + 1] += start[c]
    out = np.empty(len(code), np.int64)
    for i in range(len(code)):
        out[start[code[i]]] = i
        start[code[i]] += 1
    return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _sort_runs(code: npt.NDArray[np.integer[Any]], keys: Ints, order: Ints) -> None:
    """Sort the places of each code by key; equal ones stay as they are."""
    begin = 0
    while begin < len(order):
        end = begin + 1
        rising = True
        while end < len(order) and code[order[end]] == code[order[begin]]:
            rising = rising and keys[order[end - 1]] <= keys[order[end]]
            end += 1
        if not rising:
            if end - begin <= SHORT:
                for i in range(begin + 1, end):
                    row = order[i]
                    key = keys[row]
                    j = i
                    while j > begin and keys[order[j - 1]] > key:
                        order[j] = order[j - 1]
                        j -= 1
                    order[j] = row
            else:
                rows = order[begin:end].copy()
                order[begin:end] = rows[np.argsort(keys[rows], kind="mergesort")]
        begin = end
