"""The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998) a block of 624 words at a time.

Written so that the compiler does several words at once: seeding is the only part that has to go word by word.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

#: Words of one block.
BLOCK = 624
_AHEAD = 397
_UPPER, _LOWER, _MATRIX = np.uint32(0x80000000), np.uint32(0x7FFFFFFF), np.uint32(0x9908B0DF)
_MASK7, _MASK15 = np.uint32(0x9D2C5680), np.uint32(0xEFC60000)
_0, _1, _7, _11, _15, _18, _30 = (np.uint32(number) for number in (0, 1, 7, 11, 15, 18, 30))
_FACTOR = np.uint32(1812433253)


@njit(cache=True, nogil=True)
def start(state: Any, seed: int) -> None:
    """Seed `state` (624 words) with the low 32 bits of a seed, as torch and NumPy's `RandomState` do."""
    word = np.uint32(seed)
    state[0] = word
    for i in range(1, BLOCK):
        word = np.uint32(_FACTOR * np.uint32(word ^ np.uint32(word >> _30)) + np.uint32(i))
        state[i] = word


@njit(cache=True, nogil=True)
def _mixed(upper: int, lower: int, ahead: int) -> int:
    both = np.uint32((upper & _UPPER) | (lower & _LOWER))
    odd = np.uint32(_0 - np.uint32(lower & _1))
    return np.uint32(ahead ^ np.uint32(both >> _1) ^ np.uint32(odd & _MATRIX))  # type: ignore[return-value]


@njit(cache=True, nogil=True)
def next_block(state: Any, words: Any) -> None:
    """Go on by one block, and write its 624 words into `words`."""
    for i in range(BLOCK - _AHEAD):
        state[i] = _mixed(state[i], state[i + 1], state[i + _AHEAD])
    for i in range(BLOCK - _AHEAD, BLOCK - 1):
        state[i] = _mixed(state[i], state[i + 1], state[i + _AHEAD - BLOCK])
    state[BLOCK - 1] = _mixed(state[BLOCK - 1], state[0], state[_AHEAD - 1])
    for i in range(BLOCK):
        word = state[i]
        word ^= np.uint32(word >> _11)
        word ^= np.uint32(np.uint32(word << _7) & _MASK7)
        word ^= np.uint32(np.uint32(word << _15) & _MASK15)
        words[i] = np.uint32(word ^ np.uint32(word >> _18))
