"""The keyed function of our own marks, compiled: SipHash over columns of contexts, then Philox by token.

`function` says the same plainly and is the specification.
"""
# mypy: disable-error-code="untyped-decorator, call-overload, assignment, no-any-return, return-value"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from headwater.mark.engines.kernel.philox import BLOCK, INNER, one_word, philox
from headwater.mark.engines.kernel.totals import add_scores

_START0, _START1 = np.uint64(0x736F6D6570736575), np.uint64(0x646F72616E646F6D)
_START2, _START3 = np.uint64(0x6C7967656E657261), np.uint64(0x7465646279746573)
_0, _2, _13, _16, _17, _21, _32, _43, _47, _48, _51, _56, _255 = (
    np.uint64(number) for number in (0, 2, 13, 16, 17, 21, 32, 43, 47, 48, 51, 56, 255)
)
_WORD = np.uint64(0xFFFFFFFF)


@njit(**INNER)
def _round(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    v0 += v1
    v1 = ((v1 << _13) | (v1 >> _51)) ^ v0
    v0 = (v0 << _32) | (v0 >> _32)
    v2 += v3
    v3 = ((v3 << _16) | (v3 >> _48)) ^ v2
    v0 += v3
    v3 = ((v3 << _21) | (v3 >> _43)) ^ v0
    v2 += v1
    v1 = ((v1 << _17) | (v1 >> _47)) ^ v2
    v2 = (v2 << _32) | (v2 >> _32)
    return v0, v1, v2, v3


@njit(**INNER)
def _absorb(word: Any, s0: Any, s1: Any, s2: Any, s3: Any) -> None:
    for i in range(len(word)):
        v0, v1, v2, v3 = _round(s0[i], s1[i], s2[i], s3[i] ^ word[i])
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        s0[i], s1[i], s2[i], s3[i] = v0 ^ word[i], v1, v2, v3


@njit(**INNER)
def _finish(s0: Any, s1: Any, s2: Any, s3: Any, seed: Any) -> None:
    for i in range(len(seed)):
        v0, v1, v2, v3 = _round(s0[i], s1[i], s2[i] ^ _255, s3[i])
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        seed[i] = v0 ^ v1 ^ v2 ^ v3


@njit(**INNER)
def _lay(columns: Any, first: int, count: int, words: Any) -> None:
    """The contexts of `count` units from `first` on as the words of eight bytes that SipHash takes in."""
    width = len(columns)
    for j in range(width // 2):
        low, high, word = (
            columns[2 * j, first : first + count],
            columns[2 * j + 1, first : first + count],
            words[j],
        )
        for i in range(count):
            word[i] = (np.uint64(low[i]) & _WORD) | (np.uint64(high[i]) << _32)
    last, ending = words[width // 2], np.uint64(4 * width & 255) << _56
    for i in range(count):
        last[i] = ending
    if width % 2:
        column = columns[width - 1, first : first + count]
        for i in range(count):
            last[i] |= np.uint64(column[i]) & _WORD


@njit(**INNER)
def _seeds(words: Any, count: int, k0: int, k1: int, state: Any, seed: Any) -> None:
    s0, s1, s2, s3 = state[0, :count], state[1, :count], state[2, :count], state[3, :count]
    for i in range(count):
        s0[i], s1[i], s2[i], s3[i] = k0 ^ _START0, k1 ^ _START1, k0 ^ _START2, k1 ^ _START3
    for j in range(len(words)):
        _absorb(words[j, :count], s0, s1, s2, s3)
    _finish(s0, s1, s2, s3, seed[:count])


@njit(**INNER)
def _values(token: Any, seed: Any, use: int, out: Any) -> None:
    for i in range(len(token)):
        word = np.uint64(token[i])
        found = philox((word >> _2) & _WORD, use, _0, _0, seed[i] & _WORD, seed[i] >> _32)
        out[i] = np.uint32(one_word(found, word))


@njit(**INNER)
def one_seed(context: Any, width: int, k0: int, k1: int) -> int:
    """SipHash-2-4 of the last `width` tokens of `context` under one key."""
    v0, v1, v2, v3 = k0 ^ _START0, k1 ^ _START1, k0 ^ _START2, k1 ^ _START3
    size = np.int64(width)
    first = len(context) - size
    for j in range(size // 2 + 1):
        at = first + 2 * j
        word = _0 if at >= len(context) else np.uint64(context[at]) & _WORD
        if at + 1 < len(context):
            word |= np.uint64(context[at + 1]) << _32
        elif j == size // 2:
            word |= (np.uint64(4 * size) & _255) << _56
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
    v2 ^= _255
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@njit(cache=True, nogil=True)
def seeds(columns: Any, key: Any, out: Any) -> None:
    """`out` (n,) uint64: SipHash-2-4 of contexts `columns` (width, n) under `key` (2,) uint64."""
    words = np.empty((len(columns) // 2 + 1, BLOCK), np.uint64)
    state = np.empty((4, BLOCK), np.uint64)
    for first in range(0, columns.shape[1], BLOCK):
        count = min(BLOCK, columns.shape[1] - first)
        _lay(columns, first, count, words)
        _seeds(words, count, key[0], key[1], state, out[first : first + count])


@njit(cache=True, nogil=True)
def values(columns: Any, token: Any, key: Any, use: Any, out: Any) -> None:
    """`out` (n,) uint32: the values of units under `key` (2,) uint64 for a use."""
    words = np.empty((len(columns) // 2 + 1, BLOCK), np.uint64)
    state, seed = np.empty((4, BLOCK), np.uint64), np.empty(BLOCK, np.uint64)
    for first in range(0, len(token), BLOCK):
        count = min(BLOCK, len(token) - first)
        _lay(columns, first, count, words)
        _seeds(words, count, key[0], key[1], state, seed)
        _values(token[first : first + count], seed, use, out[first : first + count])


@njit(cache=True, nogil=True)
def totals(columns: Any, token: Any, keys: Any, use: Any, below: Any, of: Any, tables: Any, out: Any) -> None:
    """Add to `out` (keys, documents) the scores of all units under each of `keys` (keys, 2) uint64.

    `below`: 0, or the threshold of a green list: then a value is 1 if its word is below it and 0 if not.
    """
    words = np.empty((len(columns) // 2 + 1, BLOCK), np.uint64)
    state, seed = np.empty((4, BLOCK), np.uint64), np.empty(BLOCK, np.uint64)
    found = np.empty(BLOCK, np.uint32)
    for first in range(0, len(token), BLOCK):
        count = min(BLOCK, len(token) - first)
        _lay(columns, first, count, words)
        for k in range(len(keys)):
            _seeds(words, count, keys[k, 0], keys[k, 1], state, seed)
            _values(token[first : first + count], seed, use, found[:count])
            if below:
                for i in range(count):
                    found[i] = np.uint32(1) if found[i] < below else np.uint32(0)
            add_scores(found, count, first, of, 0, tables, out[k])
