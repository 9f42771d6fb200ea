"""Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw ("Parallel random numbers: as easy as
1, 2, 3", SC 2011): four words of counter and two of key give four words out.

This is the specification in NumPy; `kernel.philox` has the compiled loops.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Multipliers of a round, and what is added to the key after it (the paper's table 2).
M0, M1, W0, W1 = 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85
WORD = 0xFFFFFFFF
ROUNDS = 10

Words = NDArray[np.uint64]
_32 = np.uint64(32)
_WORD = np.uint64(WORD)
_M0, _M1, _W0, _W1 = (np.uint64(number) for number in (M0, M1, W0, W1))


def philox(
    counter: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike], key: tuple[ArrayLike, ArrayLike]
) -> tuple[Words, Words, Words, Words]:
    """Four words of 32 bits (in uint64) for each counter under its key; arrays are broadcast against each other."""
    c0, c1, c2, c3 = (np.asarray(word, np.uint64) for word in counter)
    k0, k1 = (np.asarray(word, np.uint64) for word in key)
    for _ in range(ROUNDS):
        product0, product1 = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (
            (product1 >> _32) ^ c1 ^ k0,
            product1 & _WORD,
            (product0 >> _32) ^ c3 ^ k1,
            product0 & _WORD,
        )
        k0, k1 = (k0 + _W0) & _WORD, (k1 + _W1) & _WORD
    return c0, c1, c2, c3


def word_of(words: tuple[Words, Words, Words, Words], which: Words) -> Words:
    """Of each four words the one that `which` (0 to 3) names."""
    chosen: Words = np.choose(which.astype(np.intp), [np.broadcast_to(word, which.shape) for word in words])
    return chosen
