"""SipHash-1-3 (Aumasson and Bernstein, 2012), compiled: of UTF-8 text given as code points, and of hashes.

Which key serves which purpose is decided in `material`. Constants are typed once, above, because a mixture of
signed and unsigned numbers would become floating point, and because each cast costs compile time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from headwater.imprint.kernel.codes import DIGIT, INNER

B0, B1, B6, B8, B12, B13, B16, B17, B18, B21, B24, B32, B43, B47, B48, B51, B53, B56, B59, B63, B64 = (
    np.uint64(bits)
    for bits in (0, 1, 6, 8, 12, 13, 16, 17, 18, 21, 24, 32, 43, 47, 48, 51, 53, 56, 59, 63, 64)
)
_START0, _START1 = np.uint64(0x736F6D6570736575), np.uint64(0x646F72616E646F6D)
_START2, _START3 = np.uint64(0x6C7967656E657261), np.uint64(0x7465646279746573)
_END = np.uint64(0xFF)
_ZERO, _ONE, _TWO, _THREE = np.uint64(0x30), np.uint64(0x80), np.uint64(0x800), np.uint64(0x10000)
_HEAD2, _HEAD3, _HEAD4 = np.uint64(0x80C0), np.uint64(0x8080E0), np.uint64(0x808080F0)


@njit(**INNER)
def start(k0: int, k1: int) -> tuple[int, int, int, int]:
    """The state under a key, before any word."""
    return k0 ^ _START0, k1 ^ _START1, k0 ^ _START2, k1 ^ _START3


@njit(**INNER)
def _round(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    v0 += v1
    v1 = ((v1 << B13) | (v1 >> B51)) ^ v0
    v0 = (v0 << B32) | (v0 >> B32)
    v2 += v3
    v3 = ((v3 << B16) | (v3 >> B48)) ^ v2
    v0 += v3
    v3 = ((v3 << B21) | (v3 >> B43)) ^ v0
    v2 += v1
    v1 = ((v1 << B17) | (v1 >> B47)) ^ v2
    v2 = (v2 << B32) | (v2 >> B32)
    return v0, v1, v2, v3


@njit(**INNER)
def absorb(v0: int, v1: int, v2: int, v3: int, word: int) -> tuple[int, int, int, int]:
    """Take in one word of eight bytes."""
    v0, v1, v2, v3 = _round(v0, v1, v2, v3 ^ word)
    return v0 ^ word, v1, v2, v3


@njit(**INNER)
def finish(v0: int, v1: int, v2: int, v3: int, rest: int, bits: int) -> int:
    """Take in the rest of a message of so many bits, and finish with three rounds."""
    v0, v1, v2, v3 = absorb(v0, v1, v2, v3, rest | (bits << B53))
    v2 ^= _END
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@njit(**INNER)
def hash_words(words: Any, first: int, last: int, k0: int, k1: int) -> int:
    """SipHash-1-3 of words[first:last], each as eight bytes, little end first."""
    v0, v1, v2, v3 = start(k0, k1)
    for i in range(np.uint64(first), np.uint64(last)):
        v0, v1, v2, v3 = absorb(v0, v1, v2, v3, words[i])
    return finish(v0, v1, v2, v3, B0, np.uint64(last - first) << B6)


@njit(**INNER)
def utf8(code: int) -> tuple[int, int]:
    """The UTF-8 bytes of a code point outside ASCII, the first in the lowest place, and how many bits."""
    last = code & B63
    if code < _TWO:
        return _HEAD2 | (code >> B6) | (last << B8), B16
    middle = (code >> B6) & B63
    if code < _THREE:
        return _HEAD3 | (code >> B12) | (middle << B8) | (last << B16), B24
    return _HEAD4 | (code >> B18) | (((code >> B12) & B63) << B8) | (middle << B16) | (last << B24), B32


@njit(**INNER)
def hash_units(units: Any, klass: Any, first: int, last: int, k0: int, k1: int) -> int:
    """SipHash-1-3 of the UTF-8 bytes of the code points units[first:last], each run of digits as one 0."""
    v0, v1, v2, v3 = start(k0, k1)
    word = B0
    shift = B0
    length = B0
    for i in range(first, last):
        code = np.uint64(units[i])
        if klass[i] == DIGIT:
            if i > first and klass[i - B1] == DIGIT:
                continue
            code = _ZERO
        bits = B8
        if code >= _ONE:
            code, bits = utf8(code)
        length += bits
        word |= code << shift
        shift += bits
        if shift >= B64:
            v0, v1, v2, v3 = absorb(v0, v1, v2, v3, word)
            shift -= B64
            # a shift by 64 is undefined; nothing is left over then
            word = B0 if shift == B0 else code >> (bits - shift)
    return finish(v0, v1, v2, v3, word, length)
