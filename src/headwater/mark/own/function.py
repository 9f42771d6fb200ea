"""The keyed function of our own marks, in plain Python and NumPy: the specification of `kernel`.

seed = SipHash-2-4 (Aumasson and Bernstein, 2012) of the context's tokens, oldest first, each as four bytes, little end
first, under a key of two words of 64 bits; value = that word of Philox4x32-10 which the token's two lowest bits name,
for the counter (token >> 2, use, 0, 0) under the seed's lower and upper half.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headwater.mark.engines.philox import philox, word_of

#: Values are words of 32 bits.
SIZE = 1 << 32
#: What a value is used for, so that one key under two schemes gives values that have nothing to do with each other.
GUMBEL, TILT = 1, 2

_MASK = (1 << 64) - 1


def _turned(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def siphash(message: bytes, k0: int, k1: int) -> int:
    """SipHash-2-4 of a message under the key (k0, k1)."""
    v0, v1 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    v2, v3 = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573

    def rounds(count: int) -> None:
        nonlocal v0, v1, v2, v3
        for _ in range(count):
            v0, v2 = (v0 + v1) & _MASK, (v2 + v3) & _MASK
            v1, v3 = _turned(v1, 13) ^ v0, _turned(v3, 16) ^ v2
            v0 = _turned(v0, 32)
            v2, v0 = (v2 + v1) & _MASK, (v0 + v3) & _MASK
            v1, v3 = _turned(v1, 17) ^ v2, _turned(v3, 21) ^ v0
            v2 = _turned(v2, 32)

    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        v3 ^= word
        rounds(2)
        v0 ^= word
    v2 ^= 0xFF
    rounds(4)
    return v0 ^ v1 ^ v2 ^ v3


def seed_of(context: Sequence[int] | NDArray[np.int64], key: tuple[int, int]) -> int:
    """The seed of one context."""
    return siphash(np.asarray(context, np.int64).astype("<u4").tobytes(), *key)


def values_of(seed: NDArray[np.uint64], token: NDArray[np.int64], use: int) -> NDArray[np.uint32]:
    """The values of tokens under seeds (broadcast against each other)."""
    seed, ids = np.broadcast_arrays(seed, token.astype(np.uint64))
    key = (seed & np.uint64(0xFFFFFFFF), seed >> np.uint64(32))
    nothing = np.zeros(ids.shape, np.uint64)
    words = philox((ids >> np.uint64(2), nothing + np.uint64(use), nothing, nothing), key)
    return word_of(words, ids & np.uint64(3)).astype(np.uint32)
