"""vLLM's keyed function (`philox4x32-10-v1`) in NumPy: the specification of `kernel.vllm`.

Philox runs over the context in blocks of four tokens, each output being mixed into the next block, and once more over
the token; of four words the token's two lowest bits choose one, whose upper 24 bits are the value.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from headwater.mark.engines.philox import WORD, Words, philox, word_of

#: Keep the two uses of the generator apart ("WMCX" and "WMTK").
CONTEXT_DOMAIN, TOKEN_DOMAIN = 0x574D4358, 0x574D544B
#: Values are 24 bits long, as many as a float32 keeps.
SIZE = 1 << 24

_WORD = np.uint64(WORD)


def mantissas(context: NDArray[np.int64], token: NDArray[np.int64], key: int) -> NDArray[np.uint32]:
    """The values (n,) of tokens (n,) after contexts (n, width) under a key of 64 bits; ids are taken modulo 2^32."""
    count, width = context.shape
    low, high = np.uint64(key & WORD), np.uint64(key >> 32)
    words = context.astype(np.uint64) & _WORD
    filler = np.broadcast_to(np.uint64(WORD) - np.arange(4, dtype=np.uint64), (count, 4))
    state: tuple[Words, ...] = tuple(
        np.full(count, start, np.uint64) for start in (CONTEXT_DOMAIN, width, 0, 0)
    )
    for offset in range(0, width, 4):
        block = np.concatenate(
            [words[:, offset : offset + 4], filler[:, max(0, min(4, width - offset)) :]], axis=1
        )
        c0, c1, c2, c3 = (state[i] ^ block[:, i] for i in range(4))
        state = philox((c0, c1, c2, c3), (low ^ np.uint64(offset), high))
    ids = token.astype(np.uint64) & _WORD
    counter = (ids >> np.uint64(2), state[0], state[1], state[2])
    found = philox(counter, (low ^ state[3], high ^ np.uint64(TOKEN_DOMAIN)))
    return (word_of(found, ids & np.uint64(3)) >> np.uint64(8)).astype(np.uint32)


def derived_key(key: int, domain: bytes) -> int:
    """One of the two keys that vLLM makes of the configured one for its dual-key mark (`key_a`, `key_b`)."""
    return int.from_bytes(hashlib.sha256(domain + key.to_bytes(8, "big")).digest()[:8], "big")


def uniforms(values: NDArray[np.uint32]) -> NDArray[np.float32]:
    """The numbers in (0, 1) that vLLM makes of values, rounded as it rounds them."""
    return ((values.astype(np.float64) + 1.0) / (SIZE + 1)).astype(np.float32)
