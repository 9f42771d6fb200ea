"""Philox4x32-10, compiled, in loops that run on vectors of units.

Words of 32 bits are kept in 64 and masked before a product, so that the compiler takes the instruction that multiplies
32 by 32 bits, several units at a time; that is why the generator works on columns and is inlined everywhere.
"""

# mypy: disable-error-code="untyped-decorator, call-overload, assignment, no-any-return, return-value"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from headwater.mark.engines.philox import M0, M1, W0, W1, WORD

#: How functions are compiled that only other compiled functions call: inlined, without wrappers for Python.
INNER = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}
#: How many units are computed at a time: their state stays in the nearest cache.
BLOCK = 512

_32 = np.uint64(32)
_WORD = np.uint64(WORD)
_M0, _M1, _W0, _W1 = (np.uint64(number) for number in (M0, M1, W0, W1))
_0, _1 = np.uint64(0), np.uint64(1)


@njit(**INNER)
def _round(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    product0 = (c0 & _WORD) * _M0
    product1 = (c2 & _WORD) * _M1
    return (product1 >> _32) ^ c1 ^ k0, product1 & _WORD, (product0 >> _32) ^ c3 ^ k1, product0 & _WORD


@njit(**INNER)
def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """The four words of one counter (c0 … c3) under one key (k0, k1).

    Written out, because a loop that the compiler doesn't unroll keeps the loop around it from running on vectors.
    """
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _W0) & _WORD, (k1 + _W1) & _WORD
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _W0) & _WORD, (k1 + _W1) & _WORD
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _W0) & _WORD, (k1 + _W1) & _WORD
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _W0) & _WORD, (k1 + _W1) & _WORD
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _W0) & _WORD, (k1 + _W1) & _WORD
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _W0) & _WORD, (k1 + _W1) & _WORD
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _W0) & _WORD, (k1 + _W1) & _WORD
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _W0) & _WORD, (k1 + _W1) & _WORD
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    k0, k1 = (k0 + _W0) & _WORD, (k1 + _W1) & _WORD
    return _round(c0, c1, c2, c3, k0, k1)


@njit(**INNER)
def one_word(words: tuple[int, int, int, int], token: int) -> int:
    """The word that the two lowest bits of a token name."""
    odd, upper = (
        _0 - (token & _1),
        _0 - ((token >> _1) & _1),
    )  # all ones or none: no branch, so vectors stay whole
    low = words[0] ^ ((words[0] ^ words[1]) & odd)
    high = words[2] ^ ((words[2] ^ words[3]) & odd)
    return low ^ ((low ^ high) & upper)


@njit(**INNER)
def lay(columns: Any, token: Any, first: int, words: Any, ids: Any) -> None:
    """Copy units from `first` on into a block: `words` (at least width, count) and `ids` (count,), uint32.

    `columns`: (width, n), contexts with one row for each place.
    """
    count = len(ids)
    part = token[first : first + count]
    for i in range(count):
        ids[i] = np.uint32(part[i])
    for j in range(len(columns)):
        column, into = columns[j, first : first + count], words[j]
        for i in range(count):
            into[i] = np.uint32(column[i])


@njit(cache=True, nogil=True)
def many(counters: Any, keys: Any, out: Any) -> None:
    """`out` (n, 4) words of `counters` (n, 4) under `keys` (n, 2), all uint64."""
    for i in range(len(out)):
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = philox(
            counters[i, 0], counters[i, 1], counters[i, 2], counters[i, 3], keys[i, 0], keys[i, 1]
        )
