"""Distinct windows of token ids, found in one pass with an open-addressing hash table.

A hit counts only when the whole window agrees, so two windows are never taken for one. The hash starts from a number
that nobody outside the process knows, so that a text can't be made to fill one corner of the table.
"""
# mypy: disable-error-code="untyped-decorator, call-overload, assignment, no-any-return, return-value"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_32 = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_ONE, _NONE = np.uint64(1), np.uint64(0)
#: Windows are looked up so many at a time: first their slots are all fetched, so that memory is waited for once.
_BATCH = 256


@njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)
def _hashed(tokens: Any, place: int, back: int, ahead: int, seed: int, out: Any) -> None:
    """`out`: hashes of the windows tokens[place+i-back : place+i+ahead]."""
    for i in range(len(out)):
        out[i] = seed
    for j in range(-back, ahead):
        column = tokens[place + j : place + j + len(out)]
        for i in range(len(out)):
            mixed = (out[i] ^ np.uint64(column[i])) * _SPREAD
            out[i] = mixed ^ (mixed >> _32)


@njit(cache=True, nogil=True)
def distinct(
    tokens: Any,
    width: int,
    history: int,
    first: int,
    pairs: bool,
    seed: int,
    bits: int,
    where: Any,
    times: Any,
) -> tuple[int, int]:
    """Fill `where` with places of distinct windows, those before `first` included, and (`pairs`) `times`: how often.

    The window of place j is tokens[j-width:j], and tokens[j] with it where `pairs`. Returns how many windows there
    are, and how many of them stand before `first`. `bits`: log2 of the slots of the table.
    """
    table = np.zeros(1 << bits, np.uint64)  # 32 bits of the hash, then 1 + number of the window
    mask, shift = np.uint64((1 << bits) - 1), np.uint64(64 - bits)
    hashes, entries = np.empty(_BATCH, np.uint64), np.empty(_BATCH, np.uint64)
    ahead = 1 if pairs else 0
    found = before = 0
    for start in range(history, len(tokens), _BATCH):
        count = min(_BATCH, len(tokens) - start)
        _hashed(tokens, start, width, ahead, np.uint64(seed), hashes[:count])
        for i in range(count):
            entries[i] = table[(hashes[i] * _SPREAD) >> shift]
        for i in range(count):
            place = start + i
            if place == first:
                before = found
            tag = (hashes[i] & _LOW) << _32
            slot = (hashes[i] * _SPREAD) >> shift
            entry = entries[i]
            if entry == _NONE:  # it may have been filled since
                entry = table[slot]
            while True:
                if entry == _NONE:
                    table[slot] = tag | np.uint64(found + 1)
                    where[found] = place
                    if pairs:
                        times[found] = 1
                    found += 1
                    break
                if (entry >> _32) << _32 == tag:
                    number = np.int64(entry & _LOW) - 1
                    away = where[number] - place
                    same = True
                    for j in range(place - width, place + ahead):
                        if tokens[j] != tokens[j + away]:
                            same = False
                            break
                    if same:
                        if pairs:
                            times[number] += 1
                        break
                slot = (slot + _ONE) & mask
                entry = table[slot]
    return found, found if first >= len(tokens) else before


@njit(cache=True, nogil=True)
def contexts(tokens: Any, where: Any, out: Any) -> None:
    """`out` (width, n): the tokens before each place of `where` (n,), one row for each place of a context."""
    for j in range(len(out)):
        back, row = len(out) - j, out[j]
        for i in range(len(where)):
            row[i] = tokens[where[i] - back]
