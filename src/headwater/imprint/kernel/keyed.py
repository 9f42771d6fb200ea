"""BLAKE2b (Aumasson et al., 2013; RFC 7693) with a key, of texts without the white space around them, compiled.

Says what `hashlib.blake2b` says. A text costs a block of 128 bytes or two, since the key's own block is taken in once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from headwater.imprint.kernel.codes import INNER
from headwater.imprint.kernel.text import eight

#: Bytes of a block, of a hash, and of the key.
BLOCK, SIZE, KEY_BYTES = 128, 8, 32
_0, _1, _2, _3, _7, _8 = (np.uint64(number) for number in (0, 1, 2, 3, 7, 8))
_16, _24, _32, _40, _48, _56, _63 = (np.uint64(number) for number in (16, 24, 32, 40, 48, 56, 63))
#: Texts that are remembered, because system prompts repeat.
SLOTS = 256
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_BLOCK, _ALL = np.uint64(BLOCK), np.uint64(0xFFFFFFFFFFFFFFFF)


def _frozen(values: Any, kind: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
    table = np.array(values, kind)
    table.setflags(write=False)
    return table


_START = _frozen(
    [
        0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
        0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
    ],
    np.uint64,
)  # fmt: skip
#: The order of the words of a block in each round; the last two rounds are as the first two.
_ORDER = _frozen(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    ],
    np.uint8,
)


@njit(**INNER)
def _mixed(a: int, b: int, c: int, d: int, x: int, y: int) -> tuple[int, int, int, int]:
    a += b + x
    d ^= a
    d = (d >> _32) | (d << _32)
    c += d
    b ^= c
    b = (b >> _24) | (b << _40)
    a += b + y
    d ^= a
    d = (d >> _16) | (d << _48)
    c += d
    b ^= c
    return a, (b >> _63) | (b << _1), c, d


@njit(**INNER)
def _compress(state: Any, block: Any, taken: int, last: int) -> None:
    """Take in a block (16 words), with which `taken` bytes are; `last` has all bits set for the last one."""
    a0, a1, a2, a3 = state[0], state[1], state[2], state[3]
    b0, b1, b2, b3 = state[4], state[5], state[6], state[7]
    c0, c1, c2, c3 = _START[0], _START[1], _START[2], _START[3]
    d0, d1, d2, d3 = _START[4] ^ taken, _START[5], _START[6] ^ last, _START[7]
    for at in range(12):
        o = _ORDER[at]
        a0, b0, c0, d0 = _mixed(a0, b0, c0, d0, block[o[0]], block[o[1]])
        a1, b1, c1, d1 = _mixed(a1, b1, c1, d1, block[o[2]], block[o[3]])
        a2, b2, c2, d2 = _mixed(a2, b2, c2, d2, block[o[4]], block[o[5]])
        a3, b3, c3, d3 = _mixed(a3, b3, c3, d3, block[o[6]], block[o[7]])
        a0, b1, c2, d3 = _mixed(a0, b1, c2, d3, block[o[8]], block[o[9]])
        a1, b2, c3, d0 = _mixed(a1, b2, c3, d0, block[o[10]], block[o[11]])
        a2, b3, c0, d1 = _mixed(a2, b3, c0, d1, block[o[12]], block[o[13]])
        a3, b0, c1, d2 = _mixed(a3, b0, c1, d2, block[o[14]], block[o[15]])
    for j, (one, other) in enumerate(
        ((a0, c0), (a1, c1), (a2, c2), (a3, c3), (b0, d0), (b1, d1), (b2, d2), (b3, d3))
    ):
        state[j] ^= one ^ other


@njit(**INNER)
def keyed_state(key: Any, block: Any, state: Any) -> None:
    """The state that has taken in the block of the key (4 words)."""
    for j in range(8):
        state[j] = _START[j]
    state[0] ^= np.uint64(0x01010000 | KEY_BYTES << 8 | SIZE)
    for j in range(16):
        block[j] = key[j] if j < 4 else _0
    _compress(state, block, _BLOCK, _0)


@njit(**INNER)
def keyed_hash(data: Any, first: int, last: int, keyed: Any, block: Any, state: Any) -> int:
    """The hash of data[first:last], which isn't empty, from the state of `keyed_state`; the rest is scratch."""
    for j in range(8):
        state[j] = keyed[j]
    taken = _BLOCK
    i = first
    while i < last:
        size = last - i if last - i < _BLOCK else _BLOCK
        whole = size >> _3
        for j in range(whole):
            block[j] = eight(data, i + (j << _3))
        for j in range(whole, np.uint64(16)):
            block[j] = _0
        for j in range(whole << _3, size):
            block[whole] |= np.uint64(data[i + j]) << ((j & _7) << _3)
        taken += size
        i += size
        _compress(state, block, taken, _ALL if i >= last else _0)
    return state[0]


@njit(**INNER)
def slot(data: Any, first: int, last: int) -> int:
    """Where among `SLOTS` a text of at least eight bytes is remembered: by its length, its beginning and its end."""
    value = (eight(data, first) ^ (eight(data, last - _8) << _1) ^ (last - first)) * _SPREAD
    return value >> _56


@njit(**INNER)
def same(data: Any, first: int, last: int, other: int) -> bool:
    """Whether data[first:last], of at least eight bytes, stands at `other` too."""
    for j in range(_0, last - first - _8, _8):
        if eight(data, first + j) != eight(data, other + j):
            return False
    return eight(data, last - _8) == eight(data, other + (last - first) - _8)


@njit(**INNER)
def _space(data: Any, i: int, last: int) -> int:
    """Bytes of the white space (as `str.isspace` has it) that begins at i, 0 if there is none."""
    one = data[i]
    if one < 0x80:
        return np.uint64((one >= 9 and one <= 13) or (one >= 28 and one <= 32))
    if one == 0xC2 and i + _1 < last:
        return _2 if data[i + _1] == 0x85 or data[i + _1] == 0xA0 else _0
    if i + _2 >= last:
        return _0
    code = (np.int64(one) << 16) | (np.int64(data[i + _1]) << 8) | np.int64(data[i + _2])
    if (
        code == 0xE19A80
        or (code >= 0xE28080 and code <= 0xE2808A)
        or code == 0xE280A8
        or code == 0xE280A9
        or code == 0xE280AF
        or code == 0xE2819F
        or code == 0xE38080
    ):
        return _3
    return _0


@njit(**INNER)
def stripped(data: Any, first: int, last: int) -> tuple[int, int]:
    """Where the text data[first:last] begins and ends without the white space around it."""
    while first < last:
        size = _space(data, first, last)
        if size == _0:
            break
        first += size
    while first < last:
        before = last - _1
        while before > first and data[before] & 0xC0 == 0x80:
            before -= _1
        size = _space(data, before, last)
        if size == _0 or before + size != last:
            break
        last = before
    return first, last


@njit(**INNER)
def at_least(data: Any, first: int, last: int, chars: int) -> bool:
    """Whether data[first:last] has so many code points."""
    for i in range(first, last):
        chars -= data[i] & 0xC0 != 0x80
        if chars == 0:
            return True
    return False
