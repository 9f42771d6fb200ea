"""The fields that are computed from token hashes and from folded text: minimisers, sketch, flags, passages.

Each function fills one field of one text; the reference tells what they mean.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from headwater.imprint.kernel.codes import (
    ABSENT,
    CONTENT,
    DIGIT,
    INNER,
    LAYOUT,
    MINIMISERS,
    MIX,
    PASSAGE,
    SHINGLE,
    SHINGLE_TOKENS,
    SKETCH_LENGTH,
    SPREAD,
)  # fmt: skip
from headwater.imprint.kernel.siphash import absorb, finish, hash_words, start

_NONE = np.uint64(ABSENT)
_0, _1, _2, _3, _4, _5, _6, _7, _8, _12, _16, _27, _30, _31, _32, _128 = (
    np.uint64(number) for number in (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 27, 30, 31, 32, 128)
)
_12_BITS, _16_BITS, _18_BITS = np.uint64(0xFFF), np.uint64(0xFFFF), np.uint64(0x3FFFF)
_SPREAD0, _SPREAD1 = np.uint64(SPREAD[0]), np.uint64(SPREAD[1])
#: Beyond this distance from the middle of two levels rounding may decide between them.
_CLEAR = 0.5 - 1e-6
_GAP, _CONTENT, _ALL = np.uint64(32), np.uint64(CONTENT), np.uint64(CONTENT + LAYOUT)


@njit(**INNER)
def _spread(value: int) -> int:
    """The finish of splitmix64: every bit of the result depends on every bit of the value."""
    value = (value ^ (value >> _30)) * _SPREAD0
    value = (value ^ (value >> _27)) * _SPREAD1
    return value ^ (value >> _31)


@njit(**INNER)
def minimisers(masked: Any, count: int, secrets: Any, values: Any, chosen: Any, out: Any) -> None:
    """The smallest distinct values of three tokens in a row, ascending, padded with 2^64 - 1.

    `values` and `chosen` are scratch.
    """
    for j in range(MINIMISERS):
        out[j] = _NONE
    if count == 1:
        out[0] = _spread(masked[0] * secrets[SHINGLE])
    if count == 2:
        out[0] = _spread(masked[0] * secrets[SHINGLE] + masked[1] * secrets[SHINGLE + 1])
    if count < SHINGLE_TOKENS:
        return
    by0, by1, by2 = secrets[SHINGLE], secrets[SHINGLE + 1], secrets[SHINGLE + 2]
    shingles = np.uint64(count) - _2
    for i in range(shingles):
        values[i] = _spread(masked[i] * by0 + masked[i + _1] * by1 + masked[i + _2] * by2)
    bound = _bound(values, shingles)
    kept = _0
    for i in range(shingles):
        chosen[kept] = i
        kept += np.uint64(values[i] <= bound)
    if (
        _smallest(values, chosen, kept, out) < MINIMISERS and kept < shingles
    ):  # the bound came from equal values
        for i in range(shingles):
            chosen[i] = i
        _smallest(values, chosen, shingles, out)


@njit(**INNER)
def _bound(values: Any, count: int) -> int:
    """A value that eight distinct ones don't exceed, unless some are equal: the largest of the minima of eight lanes."""
    a = b = c = d = e = f = g = h = _NONE
    for i in range(_7, count, _8):
        a = min(a, values[i - _7])
        b = min(b, values[i - _6])
        c = min(c, values[i - _5])
        d = min(d, values[i - _4])
        e = min(e, values[i - _3])
        f = min(f, values[i - _2])
        g = min(g, values[i - _1])
        h = min(h, values[i])
    return max(a, b, c, d, e, f, g, h)


@njit(**INNER)
def _smallest(values: Any, chosen: Any, count: int, out: Any) -> int:
    """The smallest distinct of values[chosen[:count]], ascending, padded with 2^64 - 1; how many there are.

    Each value passes through all places without a branch: which ones are new smallest can't be foreseen.
    """
    a = b = c = d = e = f = g = h = _NONE
    for i in range(count):
        v = values[chosen[i]]
        if (v == a) | (v == b) | (v == c) | (v == d) | (v == e) | (v == f) | (v == g):
            continue
        h = min(h, max(v, g))
        g = min(g, max(v, f))
        f = min(f, max(v, e))
        e = min(e, max(v, d))
        d = min(d, max(v, c))
        c = min(c, max(v, b))
        b = min(b, max(v, a))
        a = min(a, v)
    found = 0
    for j, value in enumerate((a, b, c, d, e, f, g, h)):
        out[j] = value
        found += value != _NONE
    return found


@njit(**INNER)
def sketch(
    units: Any, klass: Any, n: int, secrets: Any, pairs: Any, triples: Any, tally: Any, out: Any
) -> None:
    """Signed feature hashing: pairs of code points into the first 96 places, triples of classes into the rest.

    `pairs[128 * 128]` and `triples[64 * 64 * 64]` say for what ASCII text consists of, others are computed: the
    place, plus 128 where it counts up. `tally[2, 256]` counts these; two rows, because a counter that was just
    written is slow to read again.
    """
    for j in range(256):
        tally[0, j] = 0
        tally[1, j] = 0
    before = _GAP
    triple = np.uint64(klass[1])
    row = _0
    for i in range(_1, np.uint64(n)):
        code = np.uint64(units[i])
        if (before | code) < _128:
            entry = pairs[(before << _7) | code]
        else:
            entry = _pair(units, klass, i, secrets)
        before = code
        row ^= _1
        tally[row, entry] += 1
        if i > _1:
            triple = ((triple << _6) | np.uint64(klass[i])) & _18_BITS
            tally[row, triples[triple]] += 1
    sums = tally[0]
    for j in range(CONTENT + LAYOUT):
        sums[j] = tally[0, j + 128] + tally[1, j + 128] - tally[0, j] - tally[1, j]
    _levels(sums, _0, _CONTENT, out)
    _levels(sums, _CONTENT, _ALL, out)


@njit(**INNER)
def _levels(sums: Any, first: int, last: int, out: Any) -> None:
    """Places from `first` to before `last` of the sketch: the roots of their sums, of one length together."""
    total = 0
    for j in range(first, last):
        total += abs(sums[j])
    scale = SKETCH_LENGTH / math.sqrt(total) if total > 0 else 0.0
    unclear = 0
    for j in range(first, last):
        guess = math.sqrt(np.float64(abs(sums[j]))) * scale + 0.5
        level = np.int32(guess)
        unclear |= abs(guess - level - 0.5) > _CLEAR
        out[j] = level if sums[j] >= 0 else -level
    if unclear:
        for j in range(first, last):
            size = abs(sums[j])
            level = (
                _level(np.int64(math.sqrt(np.float64(size)) * scale + 0.5), size, total) if size > 0 else 0
            )
            out[j] = level if sums[j] >= 0 else -level


@njit(**INNER)
def _level(level: int, size: int, total: int) -> int:
    """127 * sqrt(size / total), halves up, from a level that is off by one at most.

    Whole numbers decide, since a root at a half may fall on either side of it from one machine to the next.
    """
    square = 4 * SKETCH_LENGTH * SKETCH_LENGTH * np.int64(size)
    if (2 * level - 1) * (2 * level - 1) * np.int64(total) > square:
        return level - 1
    if (2 * level + 1) * (2 * level + 1) * np.int64(total) <= square:
        return level + 1
    return level


@njit(**INNER)
def _pair(units: Any, klass: Any, i: int, secrets: Any) -> int:
    """Entry of the pair of code points that ends at i, digits as 0."""
    before = np.uint64(48 if klass[i - 1] == DIGIT else units[i - 1]) & _16_BITS
    code = np.uint64(48 if klass[i] == DIGIT else units[i]) & _16_BITS
    value = ((before << _16) | code) * secrets[MIX]
    value = (value ^ (value >> _32)) * secrets[MIX + 1]
    return np.uint8((((value >> _32) * _CONTENT) >> _32) | ((value & _2) << _6))


@njit(**INNER)
def flags(plain: Any, count: int, table: Any, steps: Any, found: Any, k0: int, k1: int) -> tuple[int, int]:
    """Walk the phrase automaton over the tokens; the bit set of phrase groups that occurred, and the tokens' hash.

    `table` holds the words of the phrases, each at one of two places (cuckoo hashing): the token hash, its last
    twelve bits replaced by the word's number. `steps` and `found` are as `Automaton` says. The hash (that of
    `hash_words`) is made beside it because either waits for its own last step.
    """
    mask = np.uint64(len(table) - 1)
    width = np.uint64(len(steps) // len(found))
    groups = _0
    state = _0
    v0, v1, v2, v3 = start(k0, k1)
    for i in range(np.uint64(count)):
        key = plain[i]
        v0, v1, v2, v3 = absorb(v0, v1, v2, v3, key)
        here = table[(key >> _12) & mask] ^ key
        there = table[(key >> _32) & mask] ^ key
        near = here if here < there else there
        word = (near ^ key) & _12_BITS if near <= _12_BITS else _0
        state = np.uint64(steps[state + word])
        if state & _1:
            state ^= _1
            groups |= found[state // width]
    return groups, finish(v0, v1, v2, v3, _0, np.uint64(count) << _6)


@njit(**INNER)
def winnow(plain: Any, count: int, width: int, window: int, secrets: Any, spare: Any, out: Any) -> int:
    """The smallest of each `window` hashes in a row of `width` tokens (Schleimer et al., 2003); how many."""
    if count == 0:
        return 0
    k0 = secrets[PASSAGE]
    k1 = secrets[PASSAGE + 1]
    width = width if width < count else count
    hashes = count - width + 1
    for i in range(hashes):
        spare[i] = hash_words(plain, i, i + width, k0, k1)
    window = window if window < hashes else hashes
    best = np.int64(-1)
    m = 0
    for last in range(window - 1, hashes):
        first = last - window + 1
        if best < first:  # the old minimum has left the window: look again, the rightmost wins
            best = np.int64(first)
            for i in range(first + 1, last + 1):
                if spare[i] <= spare[best]:
                    best = np.int64(i)
        elif spare[last] <= spare[best]:
            best = np.int64(last)
        else:
            continue
        out[m] = spare[best]
        m += 1
    return m
