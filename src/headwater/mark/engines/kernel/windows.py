"""Distinct windows of token ids, found in one pass with an open-addressing hash table.

A hit counts only when the whole window agrees, so two windows are never taken for one. The hash starts from a number
that nobody outside the process knows, so that a text can't be made to fill one corner of the table.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_32 = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)


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
    """Fill `where` with the places of distinct windows, those before `first` included, and `times` with how often.

    The window of place j is tokens[j-width:j], and tokens[j] with it where `pairs`. Returns how many windows there
    are, and how many of them stand before `first`. `bits`: log2 of the slots of the table.
    """
    length = len(tokens)
    table = np.zeros(1 << bits, np.uint64)  # 32 bits of the hash, then 1 + number of the window
    mask = np.uint64((1 << bits) - 1)
    shift = np.uint64(64 - bits)
    found = 0
    before = 0
    for place in range(history, length):
        if place == first:
            before = found
        last = place + 1 if pairs else place
        hashed = np.uint64(seed)
        for i in range(place - width, last):
            hashed = (hashed ^ np.uint64(tokens[i])) * _SPREAD
            hashed ^= hashed >> _32
        tag = (hashed & _LOW) << _32
        slot = (hashed * _SPREAD) >> shift
        while True:
            entry = table[slot]
            if entry == np.uint64(0):
                table[slot] = tag | np.uint64(found + 1)
                where[found] = place
                times[found] = 1
                found += 1
                break
            if (entry >> _32) << _32 == tag:
                number = np.int64(entry & _LOW) - 1
                away = where[number] - place
                same = True
                for i in range(place - width, last):
                    if tokens[i] != tokens[i + away]:
                        same = False
                        break
                if same:
                    times[number] += 1
                    break
            slot = (slot + _ONE) & mask
    if first >= length:
        before = found
    return found, before
