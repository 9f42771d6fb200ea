"""SynthID's hashes over a text, compiled: which positions the engine marked, and the values of all layers.

The hash is linear and public; whoever writes a text can make two windows agree. What is looked up here has its own
hash with a number nobody outside the process knows, so that this can't cost time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_FACTOR = np.uint64(6364136223846793005)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_0, _1, _29 = np.uint64(0), np.uint64(1), np.uint64(29)


@njit(cache=True, nogil=True)
def _slot(keys: Any, numbers: Any, key: Any, seed: int, shift: int) -> Any:
    """Where a key of 64 bits stands in a table, or where it may be written: `numbers` is negative there."""
    mask = np.uint64(len(keys) - 1)
    mixed = (key ^ np.uint64(seed)) * _SPREAD
    mixed = (mixed ^ (mixed >> _29)) * _SPREAD
    slot = mixed >> np.uint64(shift)
    while numbers[slot] >= 0 and keys[slot] != key:
        slot = (slot + _1) & mask
    return slot


@njit(cache=True, nogil=True)
def marked(
    tokens: Any, width: int, history: int, mask: Any, seed: int, bits: int, where: Any, times: Any
) -> int:
    """Fill `where` with the places of distinct marked windows and `times` with how often each was read; how many.

    Place j has tokens[j-width:j] as context. The engine leaves it unmarked if the hash of this is among those of the
    `history` places before it; before the first of them it remembers zeros. Windows are told apart by the bits of
    their hash that `mask` has. `bits`: log2 of the slots of the tables.
    """
    contexts, calls = np.empty(1 << bits, np.uint64), np.full(1 << bits, -1, np.int64)
    windows, owners = np.empty(1 << bits, np.uint64), np.full(1 << bits, -1, np.int64)
    shift = 64 - bits
    found = 0
    for call in range(len(tokens) - width):
        hashed = _1
        for i in range(call, call + width):
            hashed = (hashed + np.uint64(tokens[i])) * _FACTOR + _1
        slot = _slot(contexts, calls, hashed, seed, shift)
        last = calls[slot]
        contexts[slot], calls[slot] = hashed, call
        if (last >= 0 and last >= call - history) or (hashed == _0 and call < history):
            continue
        hashed = ((hashed + np.uint64(tokens[call + width])) * _FACTOR + _1) & mask
        slot = _slot(windows, owners, hashed, seed, shift)
        if owners[slot] >= 0:
            times[owners[slot]] += 1
            continue
        windows[slot], owners[slot] = hashed, found
        where[found], times[found] = call + width, 1
        found += 1
    return found


@njit(cache=True, nogil=True)
def hashes(context: Any, token: Any, out: Any) -> None:
    """The hash of each window: context (n, width) and token (n,), before any key."""
    for i in range(len(token)):
        hashed = _1
        for j in range(context.shape[1]):
            hashed = (hashed + np.uint64(context[i, j])) * _FACTOR + _1
        out[i] = (hashed + np.uint64(token[i])) * _FACTOR + _1


@njit(cache=True, nogil=True)
def looked_up(hashed: Any, keys: Any, table: Any, out: Any) -> None:
    """Values of windows (n, layers) from a table of any size, as torch takes the remainder of a signed number."""
    size = np.int64(len(table))
    for i in range(len(hashed)):
        for j in range(len(keys)):
            out[i, j] = table[np.int64((hashed[i] + keys[j]) * _FACTOR + _1) % size]


@njit(cache=True, nogil=True)
def looked_up_shifted(hashed: Any, keys: Any, shifted: Any, out: Any) -> None:
    """The same from `shifted`[x] = table[(x * factor + 1) % size], where the size is a power of two."""
    mask = np.uint64(len(shifted) - 1)
    for i in range(len(hashed)):
        low = hashed[i]
        for j in range(len(keys)):
            out[i, j] = shifted[(low + keys[j]) & mask]


@njit(cache=True, nogil=True)
def summed(hashed: Any, more: Any, keys: Any, table: Any, shifted: bool, out: Any) -> None:
    """For each key of one layer the sum of `more` over the windows whose bit is 1."""
    size, mask = np.int64(len(table)), np.uint64(len(table) - 1)
    for j in range(len(keys)):
        total = 0
        for i in range(len(hashed)):
            if shifted:
                bit = table[(hashed[i] + keys[j]) & mask]
            else:
                bit = table[np.int64((hashed[i] + keys[j]) * _FACTOR + _1) % size]
            total += more[i] * np.int64(bit)
        out[j] = total
