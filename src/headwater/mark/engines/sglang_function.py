"""SGLang's keyed function in NumPy: MurmurHash3 (x86, 32 bits) over the context, then over key, context and token.

The specification of `kernel.sglang`. All words have 32 bits and are kept in uint64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Values are whole hashes.
SIZE = 1 << 32
WORD = 0xFFFFFFFF
#: The multipliers and the addend of the hash, and of its finish.
C1, C2, ADDED, F1, F2 = 0xCC9E2D51, 0x1B873593, 0xE6546B64, 0x85EBCA6B, 0xC2B2AE35

Words = NDArray[np.uint64]
_WORD = np.uint64(WORD)


def _rotated(value: Words, bits: int) -> Words:
    return ((value << np.uint64(bits)) | (value >> np.uint64(32 - bits))) & _WORD


def spread(word: ArrayLike) -> Words:
    """What a word is before the state takes it in."""
    value = (np.asarray(word, np.uint64) * np.uint64(C1)) & _WORD
    return (_rotated(value, 15) * np.uint64(C2)) & _WORD


def mixed(state: ArrayLike, word: ArrayLike) -> Words:
    """The state after one more word."""
    turned = _rotated(np.asarray(state, np.uint64) ^ spread(word), 13)
    return (turned * np.uint64(5) + np.uint64(ADDED)) & _WORD


def finished(state: Words, length: ArrayLike) -> Words:
    """The hash of a message of `length` bytes."""
    state = state ^ np.asarray(length, np.uint64)
    state = ((state ^ (state >> np.uint64(16))) * np.uint64(F1)) & _WORD
    state = ((state ^ (state >> np.uint64(13))) * np.uint64(F2)) & _WORD
    return state ^ (state >> np.uint64(16))


def context_hashes(context: NDArray[np.int64]) -> Words:
    """Hashes (n,) of contexts (n, width); -1 stands for a token that isn't there, and isn't hashed."""
    state = np.zeros(len(context), np.uint64)
    for column in context.T:
        state = np.where(column < 0, state, mixed(state, column.astype(np.uint64) & _WORD))
    return finished(state, 4 * (context >= 0).sum(axis=1))


def hashes(context: Words, token: NDArray[np.int64], key: int) -> NDArray[np.uint32]:
    """The values (n,) of tokens (n,) after contexts with hashes (n,) under a key of 64 bits."""
    start = mixed(mixed(np.uint64(0), np.uint64(key & WORD)), np.uint64(key >> 32))
    state = mixed(mixed(np.broadcast_to(start, context.shape), context), token.astype(np.uint64) & _WORD)
    return finished(state, 16).astype(np.uint32)


def same_values(context: Words, token: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number (n,) for each pair of a context's hash and a token: pairs with the same have one value under every key.

    Bit 18 of what a context's hash is spread to becomes the state's highest bit, whatever the state is, and the
    highest bit of what a token is spread to takes it back.
    """
    place, last = spread(context), spread(token.astype(np.uint64) & _WORD)
    turned = (place >> np.uint64(18)) & np.uint64(1)
    place ^= turned << np.uint64(18)
    return (((last ^ (turned << np.uint64(31))) << np.uint64(32)) | place).view(np.int64)


def coins(context: Words, first: int, second: int) -> Words:
    """For each context the number of 32 bits that decides between two keys."""
    state: Words = np.zeros(context.shape, np.uint64)
    for key in (first, second):
        state = mixed(mixed(state, np.uint64(key & WORD)), np.uint64(key >> 32))
    return finished(mixed(state, context), 20)
