"""From UTF-8 bytes to folded code points with their classes, and from those to token hashes.

Texts that are not ASCII have been through `normal` before; here they only lose what is invisible. Places are
unsigned wherever loops are hot: numba spends two instructions on the sign of every other index.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from headwater.imprint.kernel.codes import (
    ASCII,
    ASCII_SCRIPT,
    ATTACHES,
    BLANK,
    CLASSES,
    CLOSED,
    DIGIT,
    DROP,
    INNER,
    K_DIGIT,
    K_DROPPED,
    K_SPACE,
    K_UNSPACED,
    K_WORD,
    LETTER,
    LONGEST_MARKS,
    MARK,
    NEWLINE,
    OPEN,
    PLAIN,
    SECOND,
    SLOW,
    SPACE,
    TOKEN,
    UNSPACED,
)  # fmt: skip
from headwater.imprint.kernel.siphash import (
    B8,
    B63,
    absorb,
    finish,
    hash_units,
    start,
)

#: First class of symbols that are not ASCII, and how many such classes there are.
_FOREIGN = 39
_FOREIGN_CLASSES = CLASSES - _FOREIGN
_0, _1, _3, _7, _10, _14, _15, _255 = (np.uint64(number) for number in (0, 1, 3, 7, 10, 14, 15, 255))
_ASCII_END = np.uint64(128)
#: The bit that lower-case letters have and digits have not, in each of eight bytes.
_DIGIT_BITS = np.uint64(0x4040404040404040)


@njit(**INNER)
def is_ascii(data: Any, first: int, last: int) -> bool:
    """Whether data[first:last] has no byte above 127."""
    seen = np.uint8(0)
    for i in range(np.uint64(first), np.uint64(last)):
        seen |= data[i]
    return seen < 128


@njit(**INNER)
def _decode(data: Any, i: int, end: int) -> tuple[int, int]:
    """The code point at data[i] (not ASCII) and the place after it; never reads at or past `end`."""
    code = np.int64(data[i])
    more = 1 if code < 0xE0 else 2 if code < 0xF0 else 3
    code &= 0x3F >> more
    i += _1
    while more > 0 and i < end:
        code = (code << 6) | (np.int64(data[i]) & 0x3F)
        more -= 1
        i += _1
    return (code if code < 0x110000 else 0xFFFD), i


@njit(**INNER)
def _strict(data: Any, i: int, end: int) -> tuple[int, int]:
    """The code point at data[i] (not ASCII) and its length; a length of 0 where it is no valid UTF-8."""
    lead = np.int64(data[i])
    length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if lead < 0xC2 or lead > 0xF4 or i + length > end:
        return 0, 0
    code = lead & (0x7F >> length)
    for j in range(i + 1, i + length):
        byte = np.int64(data[j])
        if byte & 0xC0 != 0x80:
            return 0, 0
        code = (code << 6) | (byte & 0x3F)
    least = 0x80 if length == 2 else 0x800 if length == 3 else 0x10000
    if code < least or code > 0x10FFFF or (code >= 0xD800 and code < 0xE000):
        return 0, 0
    return code, length


@njit(**INNER)
def simplify(
    data: Any, first: int, last: int, table: Any, forms: Any, out: Any, used: int
) -> tuple[int, int]:
    """Write the normal form of one text to `out` from place `used` on; the place after it, and how many code points.

    `table` and `forms` are as `simple.Forms` says. The place is -1 where the text must go the slow way: something
    may compose, marks stand out of order, or a code point is too rare for the table.
    """
    i = first
    count = 0
    base = PLAIN
    order = run = 0
    while i < last:
        byte = data[i]
        count += 1
        if byte < 128:
            out[used] = byte
            used += 1
            i += 1
            base = OPEN
            order = run = 0
            continue
        code, length = _strict(data, i, last)
        if length == 0 or code >= len(table):
            return -1, 0
        entry = np.int64(table[code])
        if entry == DROP:
            i += length
            continue
        if entry >= MARK:
            run += 1
            rank = entry & 255
            if base == CLOSED or rank < order or run > LONGEST_MARKS or (entry & SECOND and base == OPEN):
                return -1, 0
            order = rank
        else:
            if entry == SLOW or (entry == ATTACHES and order == 0 and base != PLAIN):
                return -1, 0
            base = CLOSED if entry > ATTACHES else PLAIN if entry == ATTACHES else entry
            order = run = 0
        if entry > ATTACHES and entry < MARK:
            for j in range(entry >> 5, (entry >> 5) + (entry & 31)):
                out[used] = forms[j]
                used += 1
        else:
            for j in range(i, i + length):
                out[used] = data[j]
                used += 1
        i += length
    return used, count


@njit(**INNER)
def fold(
    data: Any, first: int, last: int, properties: Any, units: Any, klass: Any, low: Any, breaks: Any, edges: Any,
    letters: Any,
) -> tuple[int, int, int]:  # fmt: skip
    """Lower-case ASCII, drop what is invisible, fold white space; returns how many units, breaks and edges.

    `units` are code points with one space before and after, `klass` their classes, `breaks` the places of new
    lines; `letters[17]` counts the letters of each script. For ASCII text only, `low` are the low bytes of the
    units and `edges` the places where words begin and end in turn.
    """
    units[0] = 32
    klass[0] = SPACE
    n = _1
    lines = 0
    latin = _0
    edge = _0
    in_word = _0
    after_gap = _1
    i = np.uint64(first)
    end = np.uint64(last)
    while i < end:
        byte = np.uint64(data[i])
        if byte < _ASCII_END:
            i += _1
            entry = np.uint64(ASCII[byte])
            units[n] = entry & _255
            low[n] = entry & _255
            kind = (entry >> B8) & B63
            klass[n] = kind
            is_gap = np.uint64(kind == _0)
            latin += entry >> _15
            edges[edge] = n
            edge += ((entry >> _14) & _1) ^ in_word
            in_word = (entry >> _14) & _1
            n += _1 - (is_gap & after_gap)
            after_gap = is_gap
            if byte == _10 and n > _1:
                lines = _break(units, klass, np.int64(n) - 1, breaks, lines)
            continue
        code, i = _decode(data, i, end)
        entry8 = properties[code]
        kind8 = entry8 & 7
        if kind8 == K_DROPPED:
            continue
        if kind8 == K_SPACE:
            units[n] = 32
            klass[n] = SPACE
            n += _1 - after_gap
            after_gap = _1
            continue
        after_gap = _0
        units[n] = code
        if kind8 == K_WORD or kind8 == K_UNSPACED:
            klass[n] = LETTER if kind8 == K_WORD else UNSPACED
            letters[entry8 >> 3] += 1
        else:
            klass[n] = DIGIT if kind8 == K_DIGIT else _FOREIGN + code % _FOREIGN_CLASSES
        n += _1
    edges[edge] = n
    edge += in_word
    letters[ASCII_SCRIPT] += np.int64(latin)
    m = np.int64(n)
    if m > 1 and klass[m - 1] <= BLANK:
        m -= 1
        lines -= klass[m] != SPACE
    if m > 1:
        units[m] = 32
        klass[m] = SPACE
        m += 1
    return m, lines, np.int64(edge)


@njit(**INNER)
def _break(units: Any, klass: Any, at: int, breaks: Any, lines: int) -> int:
    """Make the white space at `at` a new line, or a blank line if it is one already; how many breaks there are."""
    if klass[at] == SPACE:
        klass[at] = NEWLINE
        units[at] = 10
        breaks[lines] = at
        return lines + 1
    klass[at] = BLANK
    units[at] = 11
    return lines


@njit(**INNER)
def _eight(words: Any, i: int) -> int:
    """Eight bytes from place i on, of bytes that are seen as words of eight."""
    shift = (i & _7) << _3
    place = i >> _3
    return (words[place] >> shift) | ((words[place + _1] << _1) << (B63 - shift))


@njit(**INNER)
def _masked(units: Any, klass: Any, first: int, last: int, secrets: Any, spare: Any) -> int:
    """Hash of a token with each run of digits as one 0."""
    m = 0
    for i in range(first, last):
        if klass[i] != DIGIT:
            spare[m] = units[i]
            m += 1
        elif i == first or klass[i - 1] != DIGIT:
            spare[m] = 48
            m += 1
    return hash_units(spare, 0, m, secrets[TOKEN], secrets[TOKEN + 1])


@njit(**INNER)
def ascii_tokens(
    units: Any,
    klass: Any,
    lows: Any,
    edges: Any,
    count: int,
    secrets: Any,
    ends: Any,
    spare: Any,
    plain: Any,
    masked: Any,
) -> None:
    """The words of an ASCII text, as `tokens` does it, eight letters at a time.

    `lows` are the low bytes of the units, seen as words of eight; `edges` say where words begin and end.
    """
    k0 = secrets[TOKEN]
    k1 = secrets[TOKEN + 1]
    for token in range(np.uint64(count)):
        v0, v1, v2, v3 = start(k0, k1)
        first = np.uint64(edges[token << _1])
        last = np.uint64(edges[(token << _1) | _1])
        digits = _0
        i = first
        while last - i >= B8:
            word = _eight(lows, i)
            digits |= ~word
            v0, v1, v2, v3 = absorb(v0, v1, v2, v3, word)
            i += B8
        inside = (_1 << ((last - i) << _3)) - _1
        word = _eight(lows, i) & inside
        digits = (digits | (~word & inside)) & _DIGIT_BITS
        value = finish(v0, v1, v2, v3, word, (last - first) << _3)
        plain[token] = value
        if digits != _0:
            value = _masked(units, klass, np.int64(first), np.int64(last), secrets, spare)
        masked[token] = value
        ends[token] = (last << _1) | np.uint64(digits != _0)


@njit(**INNER)
def tokens(
    units: Any, klass: Any, n: int, secrets: Any, ends: Any, spare: Any, plain: Any, masked: Any
) -> int:
    """Hash each token as it stands (`plain`) and with each run of digits as one 0 (`masked`); how many.

    `ends` takes twice the place where a token ends, plus one where it holds digits. A text without any word has
    its symbols as tokens.
    """
    count = 0
    last_class = UNSPACED
    for _ in range(2):
        i = 1
        while i < n:
            first = i
            i += 1
            kind = klass[first]
            if kind < LETTER or kind > last_class:
                continue
            digits = False
            if kind <= DIGIT:
                digits = kind == DIGIT
                while klass[i] >= LETTER and klass[i] <= DIGIT:  # a space closes every text
                    digits |= klass[i] == DIGIT
                    i += 1
            value = hash_units(units, first, i, secrets[TOKEN], secrets[TOKEN + 1])
            plain[count] = value
            if digits:
                value = _masked(units, klass, first, i, secrets, spare)
            masked[count] = value
            ends[count] = 2 * i + digits
            count += 1
        if count > 0:
            break
        last_class = CLASSES
    return count
