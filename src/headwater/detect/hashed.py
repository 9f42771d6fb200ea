"""Which of many 64-bit hashes are among others, and where each is met first: by a table of them, without a sort."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def among(values: Hashes, others: Hashes) -> npt.NDArray[np.bool_]:
    """Whether each of `values` (n) is one of `others`."""
    return before(values, np.ones(len(values), np.int64), others, np.zeros(len(others), np.int64))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def before(values: Hashes, at: Ints, others: Hashes, when: Ints) -> npt.NDArray[np.bool_]:
    """Whether each of `values` (n) is one of `others`, first met (`when`) before the time `at` (n) of its own."""
    out = np.zeros(len(values), np.bool_)
    slot, bits = _table(len(others))
    for i in range(len(others)):
        place = _place(slot, bits, others, others[i])
        if slot[place] < 0 or when[i] < when[slot[place]]:
            slot[place] = i
    for i in range(len(values)):
        place = _place(slot, bits, others, values[i])
        out[i] = slot[place] >= 0 and when[slot[place]] < at[i]
    return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def first_of(values: Hashes) -> Ints:
    """Where each different value is met first, ascending."""
    out, found = np.empty(len(values), np.int64), 0
    slot, bits = _table(len(values))
    for i in range(len(values)):
        place = _place(slot, bits, values, values[i])
        if slot[place] < 0:
            slot[place] = i
            out[found] = i
            found += 1
    return out[:found]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def previous(
    owner: npt.NDArray[np.integer[Any]], values: Hashes, counts: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int32]:
    """For each row (n, those of an owner together) the last one before it that has its owner and value, −1 for none.

    Of rows that don't count, and for them, nothing is looked up.
    """
    out = np.full(len(values), -1, np.int32)
    slot, _ = _table(1024)
    begin = 0
    while begin < len(values):
        end = begin + 1
        while end < len(values) and owner[end] == owner[begin]:
            end += 1
        bits = 4
        while (1 << bits) < 2 * (end - begin):
            bits += 1
        if (1 << bits) > len(slot):
            slot = np.empty(1 << bits, np.int32)
        slot[: 1 << bits] = -1
        for i in range(begin, end):
            if counts[i]:
                place = _place(slot, bits, values, values[i])
                out[i], slot[place] = slot[place], i
        begin = end
    return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def mixed(value: np.uint64) -> np.uint64:
    """A round of splitmix64 (Steele, Lea and Flood, OOPSLA 2014): every bit of a number moves every other."""
    z = value + _SPREAD
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _table(size: int) -> tuple[npt.NDArray[np.int32], int]:
    """Empty slots, twice as many as there may be values, and the bits of their numbers."""
    bits = 4
    while (1 << bits) < 2 * size:
        bits += 1
    return np.full(1 << bits, -1, np.int32), bits


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _place(slot: npt.NDArray[np.int32], bits: int, held: Hashes, value: np.uint64) -> np.int64:
    """The slot of a value, or the empty one where it would stand; slots name places in `held`."""
    # Hashes may have their first bits in common.
    place = np.int64((value * _SPREAD) >> np.uint64(64 - bits))
    while slot[place] >= 0 and held[slot[place]] != value:
        place = (place + 1) & ((1 << bits) - 1)
    return place
