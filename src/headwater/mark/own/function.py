"""The keyed function of our own marks, in plain Python and NumPy: the specification of `kernel`.

seed = SipHash-2-4 (Aumasson and Bernstein, 2012) of the context's tokens, oldest first, each as four bytes, little end
first, under a key of two words of 64 bits; value = that word of Philox4x32-10 which the token's two lowest bits name,
for the counter (token >> 2, use, 0, 0) under the seed's lower and upper half.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headwater.mark.engines.philox import philox, word_of
from headwater.siphash import siphash

#: Values are words of 32 bits.
SIZE = 1 << 32
#: What a value is used for, so that one key under two schemes gives values that have nothing to do with each other.
GUMBEL, TILT = 1, 2


def seed_of(context: Sequence[int] | NDArray[np.int64], key: tuple[int, int]) -> int:
    """The seed of one context."""
    return siphash(*key, np.asarray(context, np.int64).astype("<u4").tobytes(), 2, 4)


def values_of(seed: NDArray[np.uint64], token: NDArray[np.int64], use: int) -> NDArray[np.uint32]:
    """The values of tokens under seeds (broadcast against each other)."""
    seed, ids = np.broadcast_arrays(seed, token.astype(np.uint64))
    key = (seed & np.uint64(0xFFFFFFFF), seed >> np.uint64(32))
    nothing = np.zeros(ids.shape, np.uint64)
    words = philox((ids >> np.uint64(2), nothing + np.uint64(use), nothing, nothing), key)
    return word_of(words, ids & np.uint64(3)).astype(np.uint32)
