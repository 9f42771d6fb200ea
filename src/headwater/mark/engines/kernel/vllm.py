"""vLLM's keyed function, compiled: Philox over the context in blocks of four tokens, then over the token.

`engines.vllm_function.mantissas` says the same in NumPy and is the specification.
"""

# mypy: disable-error-code="untyped-decorator, call-overload, assignment, no-any-return, return-value"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from headwater.mark.engines.kernel.philox import BLOCK, INNER, lay, one_word, philox
from headwater.mark.engines.kernel.totals import add_scores
from headwater.mark.engines.vllm_function import CONTEXT_DOMAIN, TOKEN_DOMAIN

_CONTEXT, _TOKEN = np.uint64(CONTEXT_DOMAIN), np.uint64(TOKEN_DOMAIN)
_WORD = np.uint64(0xFFFFFFFF)
_0, _2, _8, _32 = (np.uint64(number) for number in (0, 2, 8, 32))


@njit(**INNER)
def _absorb(a: Any, b: Any, c: Any, d: Any, k0: int, k1: int, s0: Any, s1: Any, s2: Any, s3: Any) -> None:
    for i in range(len(a)):
        s0[i], s1[i], s2[i], s3[i] = philox(
            s0[i] ^ np.uint64(a[i]),
            s1[i] ^ np.uint64(b[i]),
            s2[i] ^ np.uint64(c[i]),
            s3[i] ^ np.uint64(d[i]),
            k0,
            k1,
        )


@njit(**INNER)
def _finish(ids: Any, k0: int, k1: int, s0: Any, s1: Any, s2: Any, s3: Any, out: Any) -> None:
    for i in range(len(ids)):
        word = np.uint64(ids[i])
        out[i] = np.uint32(one_word(philox(word >> _2, s0[i], s1[i], s2[i], k0 ^ s3[i], k1), word) >> _8)


@njit(**INNER)
def _block(words: Any, ids: Any, count: int, width: int, key: int, state: Any, out: Any) -> None:
    """`out`: the mantissas of `count` units, laid in columns, under a key of 64 bits."""
    k0, k1 = key & _WORD, key >> _32
    s0, s1, s2, s3 = state[0, :count], state[1, :count], state[2, :count], state[3, :count]
    for i in range(count):
        s0[i], s1[i], s2[i], s3[i] = _CONTEXT, np.uint64(width), _0, _0
    for offset in range(0, width, 4):
        _absorb(
            words[offset, :count],
            words[offset + 1, :count],
            words[offset + 2, :count],
            words[offset + 3, :count],
            k0 ^ np.uint64(offset),
            k1,
            s0,
            s1,
            s2,
            s3,
        )
    _finish(ids[:count], k0, k1 ^ _TOKEN, s0, s1, s2, s3, out[:count])


@njit(**INNER)
def _columns(width: int) -> Any:
    """Room for the columns of a block, with what vLLM puts where a block of four has no token."""
    words = np.empty(((width + 3) // 4 * 4, BLOCK), np.uint32)
    for j in range(width, len(words)):
        words[j] = np.uint32(0xFFFFFFFF - j % 4)
    return words


@njit(cache=True, nogil=True)
def values(columns: Any, token: Any, keys: Any, out: Any) -> None:
    """`out` (streams, n) uint32: the mantissas of units under each of `keys` (streams,) uint64.

    `columns`: (width, n), the units' contexts with one row for each place.
    """
    width = len(columns)
    words, ids, state = _columns(width), np.empty(BLOCK, np.uint32), np.empty((4, BLOCK), np.uint64)
    for first in range(0, len(token), BLOCK):
        count = min(BLOCK, len(token) - first)
        lay(columns, token, first, words, ids[:count])
        for stream in range(len(keys)):
            _block(words, ids, count, width, keys[stream], state, out[stream, first : first + count])


@njit(cache=True, nogil=True)
def totals(columns: Any, token: Any, keys: Any, of: Any, tables: Any, out: Any) -> None:
    """Add to `out` (keys, documents) the scores of all units under each of `keys` (keys, streams) uint64."""
    width = len(columns)
    words, ids, state = _columns(width), np.empty(BLOCK, np.uint32), np.empty((4, BLOCK), np.uint64)
    found = np.empty(BLOCK, np.uint32)
    for first in range(0, len(token), BLOCK):
        count = min(BLOCK, len(token) - first)
        lay(columns, token, first, words, ids[:count])
        for k in range(len(keys)):
            for stream in range(keys.shape[1]):
                _block(words, ids, count, width, keys[k, stream], state, found)
                add_scores(found, count, first, of, stream, tables, out[k])
