"""Which code points come to normal form one by one, beside what they do so, and to what.

Normalising and case folding is for most texts a matter of single code points: nothing composes across their
borders and nothing changes places. For those the compiled kernel reads this table; a text in which something may
compose goes through `normal`, whose result is the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from headwater.imprint.kernel.codes import ATTACHES, CLOSED, DROP, JOINS, MARK, OPEN, PLAIN, SECOND, SLOW
from headwater.imprint.normal import steps
from headwater.imprint.scripts import Kind, properties

#: Code points from here on are rare enough for the slow way.
END = 0x20000
#: A form is at most this many times as long as its code point, in bytes of UTF-8: the room that the kernel has.
MOST_GROWTH = 3
#: Conjoining jamo that compose with what follows, syllables that some of them end, and those that compose with what
#: stands before.
_LEADING = range(0x1100, 0x1113)
_SYLLABLES = range(0xAC00, 0xD7A4)
_TRAILING = (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))


@dataclass(frozen=True)
class Forms:
    """`table` (uint32[END]) has a class of `codes` for each code point, or where its form stands.

    Marks are `MARK` plus their combining class (plus `SECOND` where a base may take them up); a form is 32 times its
    place in `bytes` (uint8, UTF-8) plus its length. What ends with a base that a starter may join has `JOINS` added.
    """

    table: NDArray[np.uint32]
    bytes: NDArray[np.uint8]


@cache
def forms() -> Forms:
    """The table, made once a process from Python's own Unicode data."""
    table = np.full(END, SLOW, np.uint32)
    table[:0x80] = OPEN
    kinds = properties()[:END] & 7
    table[kinds == Kind.DROPPED] = DROP
    out = bytearray(b"\0")  # so that no form has place 0
    firsts, seconds, _ = _pairs()
    for character, form, parts, joins in _assigned(np.flatnonzero(kinds < Kind.DROPPED)):
        if form == character == parts:
            table[ord(character)] = _class(character, firsts, seconds)
        elif unicodedata.combining(parts[0]) or parts[0] in seconds:
            continue
        elif form == character:
            table[ord(character)] = CLOSED
        elif 0 < len(encoded := form.encode()) <= min(31, MOST_GROWTH * len(character.encode())):
            table[ord(character)] = len(out) << 5 | len(encoded)
            out += encoded
        if joins and table[ord(character)] != SLOW:
            table[ord(character)] |= JOINS
    table.setflags(write=False)
    return Forms(table, np.frombuffer(bytes(out), np.uint8))


def _class(character: str, firsts: frozenset[str], seconds: frozenset[str]) -> int:
    """The class of a character that is its own normal form and has no parts."""
    order = unicodedata.combining(character)
    if order:
        return MARK | order | (SECOND if character in seconds else 0)
    if character in seconds:
        return ATTACHES if character not in firsts else SLOW
    return OPEN if character in firsts else PLAIN


def _assigned(codes: NDArray[np.integer]) -> Iterator[tuple[str, str, str, bool]]:
    """(character, normal form, its parts, whether a starter may join it) of those whose parts begin alike each time."""
    codes = codes[(codes >= 0x80) & ((codes < 0xD800) | (codes > 0xDFFF))]
    characters = [chr(code) for code in codes.tolist()]
    # a new line composes with nothing, so all are brought to normal form in one go
    stages = steps("\n".join(characters))
    parts = [unicodedata.normalize("NFKD", stage).split("\n") for stage in stages]
    _, seconds, joined = _pairs()
    whole = zip(*(stage.split("\n") for stage in stages), strict=True)
    for character, told, apart in zip(characters, whole, zip(*parts, strict=True), strict=True):
        attach = {bool(unicodedata.combining(one[0])) or one[0] in seconds for one in apart}
        if len(attach) == 1:
            joins = character in joined or (
                apart[-1] != character and any(one[-1] in joined for one in (*told, *apart))
            )
            yield character, told[-1], apart[-1], joins


@cache
def _pairs() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Characters that begin, and that end, a pair for which one may stand; and that begin one whose end is no mark."""
    firsts, seconds = {chr(code) for code in _LEADING}, {chr(code) for code in _TRAILING}
    joined = firsts | {chr(code) for code in _SYLLABLES}
    for code in range(0x80, END):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            first, second = (chr(int(part, 16)) for part in parts)
            firsts.add(first)
            seconds.add(second)
            if not unicodedata.combining(second):
                joined.add(first)
    return frozenset(firsts), frozenset(seconds), frozenset(joined)
