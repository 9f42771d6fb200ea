"""Sessions of accounts, numbered over a log, and the half that each row falls into."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]


def sessions(
    account: Codes, at_us: Ints, side: npt.NDArray[np.uint8], *, gap_us: int, length_us: int, workers: int
) -> tuple[Codes, npt.NDArray[np.uint8]]:
    """The session (int32, −1: none) and the half (uint8) of each row, which may come in any order.

    `account` and `at_us` (n each) say whose a row is (−1: nobody's) and when (µs); `side` is 0 or 1 by account. A pause
    of more than `gap_us` ends a session, and so does unbroken traffic of `length_us`. Sessions of an account alternate
    between the halves, from its side on; a single one is cut in two in the middle of its time.
    """
    size = len(side)
    begin = np.zeros(size + 1, np.int64)
    begin[1:] = _counted(account, size)
    np.cumsum(begin, out=begin)
    row, time = np.empty(begin[-1], np.int64), np.empty(begin[-1], np.int64)
    _put(account, at_us, begin[:-1].copy(), row, time)
    # Accounts in as many parts as there are threads, of about as many rows each.
    ends = np.searchsorted(begin, np.linspace(0, len(row), workers + 1)[1:-1].astype(np.int64))
    bounds = [0, *ends.tolist(), size]
    parts = list(pairwise(bounds))
    ordinal, base = np.empty(len(row), np.int32), np.zeros(size + 1, np.int64)
    session, half = np.full(len(account), -1, np.int32), np.zeros(len(account), np.uint8)

    def number(part: tuple[int, int]) -> None:
        _numbered(part[0], part[1], begin, row, time, gap_us, length_us, ordinal, base)

    def spread(part: tuple[int, int]) -> None:
        _spread(part[0], part[1], begin, row, time, side, ordinal, base, session, half)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(number, parts))
        np.cumsum(base, out=base)
        list(pool.map(spread, parts))
    return session, half


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _counted(account: Codes, size: int) -> Ints:
    """Rows of each account."""
    out = np.zeros(size, np.int64)
    for at in range(len(account)):
        if account[at] >= 0:
            out[account[at]] += 1
    return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _put(account: Codes, at_us: Ints, free: Ints, row: Ints, time: Ints) -> None:
    """Rows and their times, those of each account together; `free` is the next place of each."""
    for at in range(len(account)):
        code = account[at]
        if code >= 0:
            place = free[code]
            free[code] = place + 1
            row[place], time[place] = at, at_us[at]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _numbered(
    first: int,
    last: int,
    begin: Ints,
    row: Ints,
    time: Ints,
    gap_us: int,
    length_us: int,
    ordinal: Codes,
    base: Ints,
) -> None:
    """Put the rows of the accounts `first` to before `last` in order of time, and number each account's sessions.

    `ordinal` is the session of each row, from 0; how many an account has stands in `base`, one place behind it.
    """
    for code in range(first, last):
        start, end = begin[code], begin[code + 1]
        for at in range(start + 1, end):
            if time[at] < time[at - 1]:
                order = np.argsort(time[start:end], kind="mergesort")
                row[start:end] = row[start:end][order]
                time[start:end] = time[start:end][order]
                break
        count, begun, piece = 0, 0, 0
        for at in range(start, end):
            if at == start or time[at] - time[at - 1] > gap_us:
                count, begun, piece = count + 1, time[at], 0
            elif (time[at] - begun) // length_us != piece:
                count, piece = count + 1, (time[at] - begun) // length_us
            ordinal[at] = count - 1
        base[code + 1] = count


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _spread(
    first: int,
    last: int,
    begin: Ints,
    row: Ints,
    time: Ints,
    side: npt.NDArray[np.uint8],
    ordinal: Codes,
    base: Ints,
    session: Codes,
    half: npt.NDArray[np.uint8],
) -> None:
    """Write the session and the half of each row of some accounts."""
    for code in range(first, last):
        start, end = begin[code], begin[code + 1]
        single = base[code + 1] - base[code] == 1
        middle = time[start] + (time[end - 1] - time[start]) // 2 if single else 0
        for at in range(start, end):
            session[row[at]] = base[code] + ordinal[at]
            late = time[at] > middle if single else ordinal[at] & 1
            half[row[at]] = late ^ (side[code] & 1)
