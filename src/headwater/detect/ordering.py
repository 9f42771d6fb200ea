"""The order of rows by account and then by other columns, at less than a comparison sort costs.

How many rows each account has says where they go; each account's own rows, a few, are then sorted by the next column,
and only what is equal in both is compared further.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    order, start = _counted(code, int(code.max()) + 1)
    return _put_in_order(order, start[:-1], start[1:], (first, *more))


def by_hash(hashes: npt.NDArray[np.uint64], *then: npt.NDArray[Any]) -> Ints:
    """The places (n) in order of `hashes`, then of other columns; rows that are equal in all in any order."""
    order = np.argsort(hashes)
    ordered = hashes[order]
    return _put_in_order(np.asarray(order, np.int64), *_equal(ordered, ordered), then)


def settled(code: npt.NDArray[np.integer[Any]], first: Ints, *more: npt.NDArray[Any]) -> Ints | None:
    """Rows (n) that are in order of `code` and `first`, in order of `more`, too, where both are equal.

    The places, or None where nothing has to move.
    """
    begin, end = _equal(code, first)
    return _put_in_order(np.arange(len(code)), begin, end, more) if len(begin) else None


def _put_in_order(order: Ints, begin: Ints, end: Ints, columns: Sequence[npt.NDArray[Any]]) -> Ints:
    """Places whose runs (`begin` to `end`) are equal so far, put in order of one column after another."""
    for column in columns:
        if not len(begin):
            break
        begin, end = _sort_runs(begin, end, _whole(column), order)
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


def _whole(values: npt.NDArray[Any]) -> Ints:
    """Numbers as int64 in the same order: those that are equal stay so, NaN comes last."""
    if values.dtype == np.uint64:
        return (values ^ _SIGN).view(np.int64)
    if values.dtype.kind in "iub":
        return values.astype(np.int64, copy=False)
    exact = values.astype(np.float64) + 0.0  # one zero
    bits = np.where(np.isnan(exact), np.nan, exact).view(np.int64)
    return np.asarray(bits ^ ((bits >> 63) & np.int64(2**63 - 1)))


def counted(code: npt.NDArray[np.integer[Any]], codes: int) -> Ints:
    """The places (n) by code (n, below `codes`), in the order in which they came."""
    return _counted(code, codes)[0]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _counted(code: npt.NDArray[np.integer[Any]], codes: int) -> tuple[Ints, Ints]:
    """Places by code, and where those of each begin and the last ones end (codes + 1)."""
    start = np.zeros(codes + 1, np.int64)
    for i in range(len(code)):
        start[code[i] + 1] += 1
    for c in range(codes):
        start[c + 1] += start[c]
    out, at = np.empty(len(code), np.int64), start.copy()
    for i in range(len(code)):
        out[at[code[i]]] = i
        at[code[i]] += 1
    return out, start


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _equal(code: npt.NDArray[np.integer[Any]], first: npt.NDArray[np.integer[Any]]) -> tuple[Ints, Ints]:
    """Where runs of two or more rows begin and end that are equal in both columns (sorted)."""
    found, room = 0, 1024
    begin, end = np.empty(room, np.int64), np.empty(room, np.int64)
    start = 0
    for i in range(1, len(code) + 1):
        if i < len(code) and code[i] == code[start] and first[i] == first[start]:
            continue
        if i - start > 1:
            if found == room:
                begin, end = np.append(begin, begin), np.append(end, end)
                room *= 2
            begin[found], end[found] = start, i
            found += 1
        start = i
    return begin[:found], end[:found]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _sort_runs(begin: Ints, end: Ints, keys: Ints, order: Ints) -> tuple[Ints, Ints]:
    """Sort the places of each run by key; equal ones stay as they are, and are the runs that come back."""
    longest = 1
    for run in range(len(begin)):
        longest = max(longest, end[run] - begin[run])
    # Keys lie all over memory: each is fetched once.
    key = np.empty(longest, np.int64)
    found, room = 0, 1024
    low, high = np.empty(room, np.int64), np.empty(room, np.int64)
    for run in range(len(begin)):
        rows = order[begin[run] : end[run]]
        size = len(rows)
        rising = True
        for i in range(size):
            key[i] = keys[rows[i]]
            rising = rising and (i == 0 or key[i - 1] <= key[i])
        if not rising and size > SHORT:
            turn = np.argsort(key[:size], kind="mergesort")
            key[:size] = key[:size][turn]
            rows[:] = rows[turn]
        elif not rising:
            for i in range(1, size):
                one, row, j = key[i], rows[i], i
                while j > 0 and key[j - 1] > one:
                    key[j], rows[j] = key[j - 1], rows[j - 1]
                    j -= 1
                key[j], rows[j] = one, row
        first = 0
        for i in range(1, size + 1):
            if i < size and key[i] == key[first]:
                continue
            if i - first > 1:
                if found == room:
                    low, high = np.append(low, low), np.append(high, high)
                    room *= 2
                low[found], high[found] = begin[run] + first, begin[run] + i
                found += 1
            first = i
    return low[:found], high[:found]
