"""The skeleton of a text, compiled: its words and symbols without what fills its slots.

The rules are told in plain Python in `reference_skeleton`; each function here has its likeness there. Words
are not read again: they come as tokens, and only what stands between them is looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from headwater.imprint.kernel.codes import (
    BLANK,
    DIGIT,
    FIXED_HALF_WORDS,
    INNER,
    LETTER,
    QUOTES,
    SKELETON,
    SLOT,
    SPACE,
    SYMBOL,
    UNSPACED,
)  # fmt: skip
from headwater.imprint.kernel.siphash import hash_words

_0, _1, _40, _SLOT = np.uint64(0), np.uint64(1), np.uint64(40), np.uint64(SLOT)


@njit(**INNER)
def _label(units: Any, klass: Any, start: int, end: int) -> tuple[int, int]:
    """Kind of label that the line start:end is (a character, 0 for none), and where its fixed part ends."""
    length = end - start
    if length == 0:
        return 0, end
    first = np.int64(units[start])
    if length <= 80:
        last = units[end - 1]
        if first == 35 or (first == 91 and last == 93) or (first == 60 and last == 62):  # ### [label] <label>
            return first, end
        if first == 42 and length > 4 and units[start + 1] == 42 and (last == 42 or last == 58):  # **label**
            return first, end
    if not _colon(units, np.uint64(start)):
        return 0, end
    halves = 0
    before = 0
    for i in range(start, start + 40 if start + 40 < end else end):
        code = units[i]
        kind = np.int64(klass[i])
        if code == 58:
            if halves > 0 and (i + 1 == end or klass[i + 1] == SPACE or before == UNSPACED):
                return 58, i + 1
            break
        if kind >= LETTER and kind <= DIGIT:
            halves += 0 if before >= LETTER and before <= DIGIT else 2
        elif kind == UNSPACED:
            halves += 1
        elif not (
            kind == SPACE
            or (code >= 39 and code <= 41)
            or code == 45
            or code == 95
            or code == 47
            or code == 35
        ):
            break
        if halves > 8:
            break
        before = kind
    return 0, end


@njit(**INNER)
def _colon(units: Any, start: int) -> bool:
    """Whether one of 40 units is a colon; those beyond the line's end may be anything, so that no loop depends on it."""
    seen = False
    for j in range(_40):
        seen |= units[start + j] == 58
    return seen


@njit(**INNER)
def _label_kind(units: Any, klass: Any, n: int, breaks: Any, lines: int, kinds: Any, stops: Any) -> int:
    """The kind of label that structures the text: the first of [ # < * : that marks two lines, else 0.

    `kinds` and `stops` take of each line what `_label` says.
    """
    brackets = headings = tags = stars = colons = 0
    start = 1
    for line in range(lines + 1):
        end = breaks[line] if line < lines else n
        found, fixed = _label(units, klass, start, end)
        kinds[line] = found
        stops[line] = fixed
        brackets += found == 91
        headings += found == 35
        tags += found == 60
        stars += found == 42
        colons += found == 58
        start = end + 1
    if brackets > 1:
        return 91
    if headings > 1:
        return 35
    if tags > 1:
        return 60
    if stars > 1:
        return 42
    return 58 if colons > 1 else 0


@njit(**INNER)
def _list_item(units: Any, klass: Any, i: int, end: int) -> bool:
    """Whether the line that begins at i is an item: a bullet, or a number or letter with ) or . and a space."""
    code = units[i]
    if code == 45 or code == 42 or code == 43 or code == 0x2022:
        return i + 1 < end and klass[i + 1] == SPACE
    if code == 40:
        i += 1
    j = i
    while j < end and j < i + 3 and klass[j] == DIGIT:
        j += 1
    if j == i and j < end and klass[j] >= LETTER and klass[j] < UNSPACED:
        j += 1
    return j > i and j + 1 < end and (units[j] == 41 or units[j] == 46) and klass[j + 1] == SPACE


@njit(**INNER)
def _address(units: Any, klass: Any, i: int, end: int) -> int:
    """End of the address or e-mail that begins at the word start i; i if there is none."""
    j = i
    limit = i + 64 if i + 64 < end else end
    while j < limit and (
        (klass[j] >= LETTER and klass[j] <= UNSPACED)
        or units[j] == 43
        or units[j] == 45
        or units[j] == 46
        or units[j] == 95
    ):
        j += 1
    if j + 2 < end and units[j] == 58 and units[j + 1] == 47 and units[j + 2] == 47:
        while j < end and klass[j] > BLANK:
            j += 1
        return j
    if j + 1 < end and units[j] == 64 and klass[j + 1] >= LETTER and klass[j + 1] <= UNSPACED:
        j += 1
        while j < end and ((klass[j] >= LETTER and klass[j] <= UNSPACED) or units[j] == 45 or units[j] == 46):
            j += 1
        return j
    return i


@njit(**INNER)
def _closed(units: Any, klass: Any, i: int, end: int, close: int, stop: int, depth: int) -> int:
    """The place after the unit `close` that closes the one at i; i if there is none before `end`.

    A unit like that at i goes deeper, and ends the search where that is deeper than `depth` (unless it closes
    too). The classes from `stop` to BLANK end it, too.
    """
    opener = units[i]
    level = 1
    for j in range(i + 1, end):
        code = units[j]
        if code == close:
            level -= 1
            if level == 0:
                return j + 1
        elif code == opener:
            level += 1
            if level > depth:
                return i
        elif klass[j] <= BLANK and klass[j] >= stop:
            return i
    return i


@njit(**INNER)
def _quoted(units: Any, klass: Any, i: int, end: int) -> int:
    """End of the quotation, code, bracket or tag that begins at i; i if there is none."""
    code = units[i]
    reach, close, stop, depth = 0, 0, BLANK, 1
    if code == 96:  # ` and ```
        if i + 2 < end and units[i + 1] == 96 and units[i + 2] == 96:
            for j in range(i + 3, end - 2):
                if units[j] == 96 and units[j + 1] == 96 and units[j + 2] == 96:
                    return j + 3
            return end
        reach, close, stop = 200, 96, BLANK - 1
    elif code == 39:
        if (klass[i - 1] >= LETTER and klass[i - 1] <= UNSPACED) or i + 1 >= end or klass[i + 1] <= BLANK:
            return i
        for j in range(i + 1, i + 200 if i + 200 < end else end):
            if klass[j] <= BLANK and klass[j] != SPACE:
                return i
            if units[j] == 39 and not (j + 1 < end and klass[j + 1] >= LETTER and klass[j + 1] <= UNSPACED):
                return j + 1
        return i
    elif code == 123:
        reach, close, stop, depth = 4000, 125, BLANK + 1, 8
    elif code == 91:
        reach, close, depth = 200, 93, 8
    elif code == 60:
        if i + 1 < end and ((klass[i + 1] >= LETTER and klass[i + 1] <= UNSPACED) or units[i + 1] == 47):
            reach, close, stop = 100, 62, BLANK - 1
    else:
        reach = 2000
        for k in range(7):
            if code == QUOTES[0, k]:
                close = QUOTES[1, k]
    return _closed(units, klass, i, i + reach if i + reach < end else end, close, stop, depth) if close else i


@njit(**INNER)
def _rest_of_line(i: int, end: int, breaks: Any, lines: int, line: int) -> tuple[int, int]:
    """Where the line that holds i ends, and its number; `line` is a number that isn't too large."""
    while line < lines and breaks[line] < i:
        line += 1
    return (np.int64(breaks[line]) if line < lines and breaks[line] < end else end), line


@njit(**INNER)
def _inline(
    units: Any, klass: Any, end: int, breaks: Any, lines: int, ends: Any, plain: Any, items: Any
) -> tuple[int, int]:
    """The items of the text up to `end` without its inline slots; how many, and how many fixed half words."""
    m = _0
    halves = 0
    slot = m
    mergeable = False
    token = _0
    line = 0
    fresh = True
    i = _1
    last = np.uint64(end)
    while i < last:
        kind = klass[i]
        if kind <= BLANK:
            fresh = kind != SPACE
            i += _1
            continue
        after = i
        if fresh and _list_item(units, klass, np.int64(i), end):
            place, line = _rest_of_line(np.int64(i), end, breaks, lines, line)
            after = np.uint64(place)
        elif kind < SYMBOL:
            entry = np.uint64(ends[token])
            while (entry >> _1) <= i:  # after a slot
                token += _1
                entry = np.uint64(ends[token])
            word_end = entry >> _1
            beyond = klass[word_end]
            if beyond > BLANK and (beyond <= UNSPACED or _in_address(units[word_end])):
                if fresh or klass[i - _1] < LETTER or klass[i - _1] > UNSPACED:
                    after = np.uint64(_address(units, klass, np.int64(i), end))
            if after == i:
                if (entry & _1) == _0 and word_end - i <= _40:
                    items[m] = plain[token]
                    m += _1
                    halves += 1 if kind == UNSPACED else 2
                    mergeable = False
                    token += _1
                    fresh = False
                    i = word_end + np.uint64(beyond == SPACE)
                    continue
                after = word_end
        elif units[i] == 58:
            if klass[i + _1] == SPACE or (not fresh and klass[i - _1] == UNSPACED):
                place, line = _rest_of_line(np.int64(i), end, breaks, lines, line)
                if place > np.int64(i) + 1:
                    after = np.uint64(place)
                    items[m] = np.uint64(58)
                    m += _1
        elif _opens(units[i]):
            after = np.uint64(_quoted(units, klass, np.int64(i), end))
        fresh = False
        if after == i:
            items[m] = units[i]
            m += _1
            i += _1
        else:
            m = slot if mergeable else m
            slot = m
            mergeable = True
            items[m] = _SLOT
            m += _1
            i = after
    return np.int64(m), halves


@njit(**INNER)
def _in_address(code: int) -> bool:
    """Whether an address can go on with this after a word: one of : @ + - . _"""
    return code == 58 or code == 64 or code == 43 or code == 45 or code == 46 or code == 95


@njit(**INNER)
def _opens(code: int) -> bool:
    """Whether a quotation, code, a bracket or a tag may begin with this."""
    return code == 34 or code == 39 or code == 60 or code == 91 or code == 96 or code == 123 or code > 127


@njit(**INNER)
def _labels(
    units: Any,
    klass: Any,
    n: int,
    breaks: Any,
    lines: int,
    kind: int,
    ends: Any,
    masked: Any,
    kinds: Any,
    stops: Any,
    items: Any,
) -> tuple[int, int]:
    """The items of all labels of one kind, a slot after each; how many, and how many fixed half words."""
    m = 0
    halves = 0
    token = 0
    start = 1
    for line in range(lines + 1):
        end = breaks[line] if line < lines else n
        if kinds[line] == kind:
            fixed = np.int64(stops[line])
            i = start
            while i < fixed:
                if klass[i] <= BLANK:
                    i += 1
                elif klass[i] >= SYMBOL:
                    items[m] = np.uint64(units[i])
                    m += 1
                    i += 1
                else:
                    while np.int64(ends[token]) >> 1 <= i:
                        token += 1
                    halves += 1 if klass[i] == UNSPACED else 2
                    items[m] = masked[token]
                    m += 1
                    i = np.int64(ends[token]) >> 1
            items[m] = _SLOT
            m += 1
        start = end + 1
    return m, halves


@njit(**INNER)
def skeleton(
    units: Any, klass: Any, n: int, breaks: Any, lines: int, ends: Any, plain: Any, masked: Any,
    secrets: Any, kinds: Any, stops: Any, items: Any,
) -> int:  # fmt: skip
    """Hash of the text without its slots, by the first of three ways that leaves four fixed words."""
    if n <= 2:
        return _0
    n -= 1
    m = 0
    halves = 0
    if lines > 0:
        kind = _label_kind(units, klass, n, breaks, lines, kinds, stops)
        if kind:
            m, halves = _labels(units, klass, n, breaks, lines, kind, ends, masked, kinds, stops, items)
        if halves < FIXED_HALF_WORDS:
            m, halves = _inline(units, klass, breaks[0], breaks, lines, ends, plain, items)
            if m > 0 and items[m - 1] == _SLOT:
                m -= 1
            items[m] = _SLOT
            m += 1
    if halves < FIXED_HALF_WORDS:
        m, halves = _inline(units, klass, n, breaks, lines, ends, plain, items)
    if halves < FIXED_HALF_WORDS:
        m = 0
        token = 0
        i = 1
        while i < n:
            if klass[i] > BLANK and klass[i] < SYMBOL:
                items[m] = masked[token]
                m += 1
                i = np.int64(ends[token]) >> 1
                token += 1
            else:
                if klass[i] > BLANK:
                    items[m] = np.uint64(units[i])
                    m += 1
                i += 1
    return hash_words(items, 0, m, secrets[SKELETON], secrets[SKELETON + 1])
