"""What each code point is to an imprint (its kind and script), and which script a text is written in.

The table is that of Unicode 14.0.0, shipped with the package, so that a newer Python sees the same tokens.
A script says how a text is written and nothing about who wrote it.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

#: Version of the Unicode data behind every imprint.
UNICODE_VERSION = "14.0.0"

#: A script is dominant with two thirds of a text's letters; Japanese with this share of kana among kana and Han.
KANA_SHARE = 10


class Kind(IntEnum):
    """What a code point is when text is cut into tokens."""

    SYMBOL = 0
    SPACE = 1
    WORD = 2
    DIGIT = 3
    UNSPACED = 4
    DROPPED = 5
    UNASSIGNED = 6


class Script(IntEnum):
    """Dominant script of a text, as `script` in an imprint."""

    NONE = 0
    MIXED = 1
    ASCII = 2
    LATIN = 3
    CYRILLIC = 4
    GREEK = 5
    ARABIC = 6
    HEBREW = 7
    DEVANAGARI = 8
    BENGALI = 9
    TAMIL = 10
    TELUGU = 11
    THAI = 12
    HAN = 13
    KANA = 14
    HANGUL = 15
    OTHER = 16


@cache
def ranges() -> tuple[tuple[int, int, Kind, Script], ...]:
    """Runs of code points of one class (first, last, kind, script); those not named are symbols."""
    text = resources.files(__package__).joinpath("unicode.tsv").read_text(encoding="ascii")
    rows = (line.split("\t") for line in text.splitlines()[1:])
    return tuple((int(a, 16), int(b, 16), Kind[k.upper()], Script[s.upper()]) for a, b, k, s in rows)


@cache
def properties() -> NDArray[np.uint8]:
    """One byte for each code point (uint8[0x110000]): its `Kind` plus eight times its `Script`."""
    table = np.zeros(0x110000, np.uint8)
    for first, last, kind, script in ranges():
        table[first : last + 1] = kind + 8 * script
    table.setflags(write=False)
    return table


def dominant(letters: NDArray[np.integer]) -> NDArray[np.uint8]:
    """The dominant `Script` of each text (uint8[n]) from its letters counted by script (int[n, 17]).

    Two thirds of the letters decide, else the text is mixed. Latin with any letter outside ASCII is LATIN; Han
    with a tenth of kana or more is KANA (Japanese). Letters of no script don't count.
    """
    groups = letters.astype(np.int64)
    latin, kana, han = (
        groups[:, Script.LATIN].copy(),
        groups[:, Script.KANA].copy(),
        groups[:, Script.HAN].copy(),
    )
    groups[:, Script.NONE] = groups[:, Script.MIXED] = 0
    groups[:, Script.ASCII] += latin
    groups[:, Script.HAN] += kana
    groups[:, Script.LATIN] = groups[:, Script.KANA] = 0
    total, best = groups.sum(axis=1), groups.argmax(axis=1)
    most = groups.max(axis=1)
    best = np.where((best == Script.ASCII) & (latin > 0), Script.LATIN, best)
    best = np.where((best == Script.HAN) & (kana * KANA_SHARE >= han + kana), Script.KANA, best)
    best = np.where(3 * most >= 2 * total, best, Script.MIXED)
    return np.where(total == 0, Script.NONE, best).astype(np.uint8)
