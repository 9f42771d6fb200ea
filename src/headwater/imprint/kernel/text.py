"""From UTF-8 bytes to folded code points with their classes, and from those to token hashes.

Texts that are not ASCII have been through `normal` before; here they only lose what is invisible. Places are
unsigned wherever loops are hot: numba spends two instructions on the sign of every other index.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, uint64
from numba.extending import intrinsic

from headwater.imprint.kernel.codes import (
    ASCII,
    ASCII_SCRIPT,
    ATTACHES,
    BLANK,
    CLASS_BIT,
    CLASSES,
    CLOSED,
    DIGIT,
    DROP,
    INNER,
    JOINS,
    K_DIGIT,
    K_DROPPED,
    K_SPACE,
    K_UNSPACED,
    K_WORD,
    LETTER,
    LETTER_BIT,
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
    WORD_BIT,
)  # fmt: skip
from headwater.imprint.kernel.siphash import (
    B8,
    B56,
    B63,
    absorb,
    finish,
    hash_units,
    start,
    utf8,
)

#: First class of symbols that are not ASCII, and how many such classes there are.
_FOREIGN = 39
_FOREIGN_CLASSES = CLASSES - _FOREIGN
_0, _1, _2, _3, _4, _5, _6, _7, _10, _255 = (
    np.uint64(number) for number in (0, 1, 2, 3, 4, 5, 6, 7, 10, 255)
)
_ASCII_END = np.uint64(128)
_CLASS, _WORD, _LETTER = np.uint64(CLASS_BIT), np.uint64(WORD_BIT), np.uint64(LETTER_BIT)
#: A space and its class, and the bits of a code point.
_GAP, _CODE = np.uint64(32), np.uint64((1 << CLASS_BIT) - 1)
#: The bit that ASCII hasn't, in each of eight bytes.
_HIGH_BITS = np.uint64(0x8080808080808080)
#: What stands for a run of digits.
_DIGIT = np.uint64(48)
#: The bit that lower-case letters have and digits have not, in each of eight bytes.
_DIGIT_BITS = np.uint64(0x4040404040404040)


@njit(**INNER)
def is_ascii(data: Any, first: int, last: int) -> bool:
    """Whether data[first:last] has no byte above 127."""
    seen = np.uint8(0)
    for i in range(np.uint64(first), np.uint64(last)):
        seen |= data[i]
    return seen < 128


def _loads_eight(_context: Any, low: Any, place: Any) -> Any:
    """Eight bytes from a place on, which needn't be a multiple of eight, in one step."""

    def load(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, given[0]).data
        at = builder.bitcast(builder.gep(data, [given[1]]), context.get_value_type(uint64).as_pointer())
        word = builder.load(at)
        word.align = 1
        return word

    return uint64(low, place), load


eight: Any = intrinsic(_loads_eight)


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
    may compose, or a code point is too rare for the table.
    """
    i = first
    count = 0
    base = PLAIN
    joins = order = run = 0
    marks = used
    while i < last:
        if last - i >= 8 and eight(data, i) & _HIGH_BITS == _0:
            _copied(data, np.uint64(i), out, np.uint64(used))
            used += 8
            i += 8
            count += 8
            base = OPEN
            joins = order = run = 0
            marks = used
            continue
        byte = data[i]
        count += 1
        if byte < 128:
            out[used] = byte
            used += 1
            i += 1
            base = OPEN
            joins = order = run = 0
            marks = used
            continue
        code, length = _strict(data, i, last)
        if length == 0 or code >= len(table):
            return -1, 0
        entry = np.int64(table[code])
        if entry == DROP:
            i += length
            continue
        place = used
        if entry >= MARK:
            run += 1
            rank = entry & 255
            if base == CLOSED or run > LONGEST_MARKS or (entry & SECOND and base == OPEN):
                return -1, 0
            if rank < order:
                place = _moved(table, out, marks, used, rank, length)
            order = max(order, rank)
        else:
            if entry == SLOW or (entry == ATTACHES and order == 0 and joins):
                return -1, 0
            joins = entry & JOINS
            entry ^= joins
            base = CLOSED if entry > ATTACHES else PLAIN if entry == ATTACHES else entry
            order = run = 0
        if entry > ATTACHES and entry < MARK:
            for j in range(entry >> 5, (entry >> 5) + (entry & 31)):
                out[used] = forms[j]
                used += 1
        else:
            for j in range(length):
                out[place + j] = data[i + j]
            used += length
        if run == 0:
            marks = used
        i += length
    return used, count


@njit(**INNER)
def _copied(data: Any, i: int, out: Any, used: int) -> None:
    """Copy eight bytes: read before they are written, they go as one."""
    a, b, c, d = data[i], data[i + _1], data[i + _2], data[i + _3]
    e, f, g, h = data[i + _4], data[i + _5], data[i + _6], data[i + _7]
    out[used], out[used + _1], out[used + _2], out[used + _3] = a, b, c, d
    out[used + _4], out[used + _5], out[used + _6], out[used + _7] = e, f, g, h


@njit(**INNER)
def _moved(table: Any, out: Any, first: int, last: int, rank: int, length: int) -> int:
    """Move those of the marks in out[first:last] on by `length` that come after one of class `rank`; its place."""
    place = last
    while place > first:
        before = place - 1
        while out[before] & 0xC0 == 0x80:
            before -= 1
        code, _length = _strict(out, before, place)
        if table[code] & 255 <= rank:
            break
        place = before
    for j in range(last - 1, place - 1, -1):
        out[j + length] = out[j]
    return place


@njit(**INNER)
def fold_ascii(
    data: Any, first: int, last: int, units: Any, klass: Any, low: Any, breaks: Any, edges: Any
) -> tuple[int, int, int, int]:
    """What `fold` does, for a text that is ASCII; returns how many units, breaks and edges, and how many letters.

    Its bytes stand where its units do, so that `edges` are places of both.
    """
    units[0] = 32
    n = _1
    lines = 0
    edge = _0
    in_word = _0
    after_gap = _1
    for i in range(np.uint64(first), np.uint64(last)):
        byte = np.uint64(data[i])
        entry = np.uint64(ASCII[byte])
        units[n] = entry
        is_gap = np.uint64(entry == _GAP)
        edges[edge] = n
        edge += ((entry >> _WORD) & _1) ^ in_word
        in_word = (entry >> _WORD) & _1
        n += _1 - (is_gap & after_gap)
        after_gap = is_gap
        if byte == _10 and n > _1:
            lines = _break(units, np.int64(n) - 1, breaks, lines)
    edges[edge] = n
    latin = 0
    # A loop of its own, in vectors: with all arrays in one a processor has too few registers for their places.
    for j in range(n):
        entry = units[j]
        low[j] = entry & _255
        klass[j] = (entry >> _CLASS) & B63
        units[j] = entry & _255
        latin += np.int64(entry >> _LETTER)
    n, lines = _closed(units, klass, np.int64(n), lines)
    return n, lines, np.int64(edge + in_word), latin


@njit(**INNER)
def fold(
    data: Any, first: int, last: int, properties: Any, units: Any, klass: Any, low: Any, breaks: Any, edges: Any,
    cuts: Any, letters: Any,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Lower-case ASCII, drop what is invisible, fold white space; returns how many units, breaks, edges and digits.

    `units` are code points with one space before and after, `klass` their classes, `low` their UTF-8; `breaks` are the
    places of new lines, `edges` those where words (each code point of unspaced scripts is one) begin and end in turn,
    `cuts` the same in `low`. `letters[17]` counts the letters of each script. Of digits only those are counted that
    aren't ASCII.
    """
    units[0] = 32
    n = place = _1
    lines = digits = 0
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
            units[n] = entry
            low[place] = entry & _255
            is_gap = np.uint64(entry == _GAP)
            edges[edge] = n
            cuts[edge] = place
            edge += ((entry >> _WORD) & _1) ^ in_word
            in_word = (entry >> _WORD) & _1
            step = _1 - (is_gap & after_gap)
            n += step
            place += step
            after_gap = is_gap
            if byte == _10 and n > _1:
                lines = _break(units, np.int64(n) - 1, breaks, lines)
            continue
        code, i = _decode(data, i, end)
        entry8 = properties[code]
        kind8 = entry8 & 7
        if kind8 == K_DROPPED:
            continue
        in_run = np.uint64(kind8 == K_WORD or kind8 == K_DIGIT)
        edges[edge] = n
        cuts[edge] = place
        edge += in_run ^ in_word
        in_word = in_run
        if kind8 == K_SPACE:
            units[n] = _GAP
            n += _1 - after_gap
            place += _1 - after_gap
            after_gap = _1
            continue
        after_gap = _0
        if kind8 == K_UNSPACED:  # a word of its own
            edges[edge] = n
            cuts[edge] = place
            edge += _1
        place = _put(low, place, np.uint64(code))
        if kind8 == K_WORD or kind8 == K_UNSPACED:
            kind = LETTER if kind8 == K_WORD else UNSPACED
            letters[entry8 >> 3] += 1
        else:
            kind = DIGIT if kind8 == K_DIGIT else _FOREIGN + code % _FOREIGN_CLASSES
            digits += kind8 == K_DIGIT
        units[n] = code | (kind << CLASS_BIT)
        n += _1
        if kind8 == K_UNSPACED:
            edges[edge] = n
            cuts[edge] = place
            edge += _1
    edges[edge] = n
    cuts[edge] = place
    latin = 0
    for j in range(n):
        entry = units[j]
        klass[j] = (entry >> _CLASS) & B63
        units[j] = entry & _CODE
        latin += np.int64(entry >> _LETTER)
    letters[ASCII_SCRIPT] += latin
    m, lines = _closed(units, klass, np.int64(n), lines)
    return m, lines, np.int64(edge + in_word), digits


@njit(**INNER)
def _put(low: Any, place: int, code: int) -> int:
    """Write a code point as UTF-8; the place after it."""
    bytes_, bits = (code, B8) if code < _ASCII_END else utf8(code)
    for _ in range(bits >> _3):
        low[place] = bytes_ & _255
        bytes_ >>= B8
        place += _1
    return place


@njit(**INNER)
def _closed(units: Any, klass: Any, n: int, lines: int) -> tuple[int, int]:
    """End a text with one space; how many units and breaks there are."""
    if n > 1 and klass[n - 1] <= BLANK:
        n -= 1
        lines -= klass[n] != SPACE
    if n > 1:
        units[n] = 32
        klass[n] = SPACE
        n += 1
    return n, lines


@njit(**INNER)
def _break(units: Any, at: int, breaks: Any, lines: int) -> int:
    """Make the white space at `at` a new line, or a blank line if it is one already; how many breaks there are."""
    if units[at] == _GAP:
        units[at] = 10 | NEWLINE << CLASS_BIT
        breaks[lines] = at
        return lines + 1
    units[at] = 11 | BLANK << CLASS_BIT
    return lines


@njit(**INNER)
def tokens(
    units: Any, klass: Any, n: int, low: Any, edges: Any, cuts: Any, count: int, digits: int, secrets: Any, ends: Any,
    spare: Any, plain: Any, masked: Any,
) -> int:  # fmt: skip
    """Hash each token as it stands (`plain`) and with each run of digits as one 0 (`masked`); how many.

    `low` is the UTF-8 of a text and `count` its words, which begin and end at `edges` (in
    units) and `cuts` (in bytes); `digits` of it aren't ASCII. `ends` takes twice the place where a token ends, plus one
    where it holds digits. A text without any word has its symbols as tokens.
    """
    k0 = secrets[TOKEN]
    k1 = secrets[TOKEN + 1]
    if count == 0:
        return _symbols(units, klass, n, k0, k1, ends, plain, masked)
    special = _0
    for token in range(np.uint64(count)):
        first = np.uint64(cuts[token << _1])
        size = np.uint64(cuts[(token << _1) | _1]) - first
        inside = (_1 << ((size & _7) << _3)) - _1
        word = eight(low, first) & inside
        plain[token] = word | (size << B56)
        ends[token] = np.uint64(edges[(token << _1) | _1]) << _1
        spare[special] = token
        special += np.uint64((size >= B8) | (_digits(word, inside) != _0))
    v0, v1, v2, v3 = start(k0, k1)
    for token in range(np.uint64(count)):  # in vectors
        value = finish(v0, v1, v2, v3, plain[token], _0)
        plain[token] = value
        masked[token] = value
    zero = finish(v0, v1, v2, v3, _DIGIT, B8)
    for at in range(special):
        token = np.uint64(spare[at])
        first = np.uint64(cuts[token << _1])
        size = np.uint64(cuts[(token << _1) | _1]) - first
        found = _1
        if size >= B8:
            value, found = _hash_bytes(low, first, first + size, k0, k1)
            plain[token] = masked[token] = value
        else:
            inside = (_1 << (size << _3)) - _1
            if _digits(eight(low, first), inside) == inside & _DIGIT_BITS:  # a number
                masked[token] = zero
                ends[token] |= _1
                continue
        if found != _0:
            _mask(units, klass, edges, token, k0, k1, ends, masked)
    if digits > 0:
        for token in range(np.uint64(count)):
            _mask(units, klass, edges, token, k0, k1, ends, masked)
    return count


@njit(**INNER)
def _digits(word: int, inside: int) -> int:
    """The ASCII digits among those bytes of a word that are `inside`: they have neither of their upper bits."""
    return ~(word | (word >> _1)) & inside & _DIGIT_BITS


@njit(**INNER)
def _hash_bytes(low: Any, i: int, last: int, k0: int, k1: int) -> tuple[int, int]:
    """SipHash-1-3 of the bytes of a word from place i to before `last`, and whether ASCII digits are among them."""
    v0, v1, v2, v3 = start(k0, k1)
    size = last - i
    digits = _0
    while last - i >= B8:
        word = eight(low, i)
        digits |= _digits(word, ~_0)
        v0, v1, v2, v3 = absorb(v0, v1, v2, v3, word)
        i += B8
    inside = (_1 << ((last - i) << _3)) - _1
    word = eight(low, i) & inside
    return finish(v0, v1, v2, v3, word, size << _3), digits | _digits(word, inside)


@njit(**INNER)
def _mask(units: Any, klass: Any, edges: Any, token: int, k0: int, k1: int, ends: Any, masked: Any) -> None:
    """Where a token holds digits: note it, and hash it with each run of them as one 0."""
    first = np.uint64(edges[token << _1])
    last = np.uint64(edges[(token << _1) | _1])
    for i in range(first, last):
        if klass[i] == DIGIT:
            masked[token] = hash_units(units, klass, first, last, k0, k1)
            ends[token] = (last << _1) | _1
            return


@njit(**INNER)
def _symbols(units: Any, klass: Any, n: int, k0: int, k1: int, ends: Any, plain: Any, masked: Any) -> int:
    """Each symbol of a text as a token."""
    count = 0
    for i in range(_1, np.uint64(n)):
        if klass[i] > UNSPACED:
            value = hash_units(units, klass, i, i + _1, k0, k1)
            plain[count] = masked[count] = value
            ends[count] = (i + _1) << _1
            count += 1
    return count
