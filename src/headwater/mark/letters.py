"""What each character is when text is normalised: one that isn't seen, a space, a letter, or one that looks Latin.

The tables are made from Python's Unicode data when they are first needed; which letters look alike is written here.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

#: Unicode's forms that a text can be brought to (Standard Annex 15).
Form = Literal["NFC", "NFKC"]

#: Bits of a character. LOOK_*: a letter of that alphabet that a Latin letter looks like; USED_*: one that none does.
DROP, SPACE, LINE, WIDE, WORD, LATIN = 1, 2, 4, 8, 16, 32
LOOK_CYRILLIC, LOOK_GREEK, LOOK_ARMENIAN, LOOK_PHONETIC, LOOK_TURKISH, LOOK_ROMAN = (
    1 << bit for bit in range(6, 12)
)
USED_CYRILLIC, USED_GREEK, USED_ARMENIAN, USED_PHONETIC, USED_TURKISH, USED_OTHER = (
    1 << bit for bit in range(12, 18)
)
#: A full-width sign; a letter of a script that has such signs of its own.
WIDE_SIGN, EAST_ASIAN = 1 << 18, 1 << 19
LOOK = LOOK_CYRILLIC | LOOK_GREEK | LOOK_ARMENIAN | LOOK_PHONETIC | LOOK_TURKISH | LOOK_ROMAN
#: Letters of other alphabets: a word that has one isn't Latin. (Phonetic and Turkish letters are Latin ones.)
USED = USED_CYRILLIC | USED_GREEK | USED_ARMENIAN | USED_OTHER
#: Of each alphabet with look-alikes: their bit, and the bit of its other letters.
ALPHABETS = (
    (LOOK_CYRILLIC, USED_CYRILLIC),
    (LOOK_GREEK, USED_GREEK),
    (LOOK_ARMENIAN, USED_ARMENIAN),
    (LOOK_PHONETIC, USED_PHONETIC),
    (LOOK_TURKISH, USED_TURKISH),
)

#: Letters that are taken for each other, and the Latin ones that they are taken for.
_CYRILLIC = (
    "АВЕЅІЈКМНОРСТУХҮԌԚԜӀҺԀаеѕіјкорсухүӏһԁԛԝѵЁЇЀӒӦёїѐӓӧ",
    "ABESIJKMHOPCTYXYGQWIHDaesijkopcyxylhdqwvËÏÈÄÖëïèäö",
)
_GREEK = ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿαικνορυχγϲϳάίόύϊϋ", "ABEZHIKMNOPTYXCJaikvopuxycjáíóúïü")
_ARMENIAN = ("ՕՍօոսհցզ", "OUonuhgq")
_PHONETIC = ("ɑɡ", "ag")
_TURKISH = ("ı", "i")
#: Numerals of one letter. They stand alone where they are numbers, so that only those in words are taken for letters.
_ROMAN = ("ⅠⅤⅩⅬⅭⅮⅯⅰⅴⅹⅼⅽⅾⅿ", "IVXLCDMivxlcdm")
_LOOKS = (
    (_CYRILLIC, LOOK_CYRILLIC),
    (_GREEK, LOOK_GREEK),
    (_ARMENIAN, LOOK_ARMENIAN),
    (_PHONETIC, LOOK_PHONETIC),
    (_TURKISH, LOOK_TURKISH),
    (_ROMAN, LOOK_ROMAN),
)

_Ranges = tuple[tuple[int, int], ...]
#: Above the last of these are only private characters, tags and variation selectors.
_LAST = 0x33480
_LATIN: _Ranges = (
    (0x41, 0x5A),
    (0x61, 0x7A),
    (0xAA, 0xAA),
    (0xBA, 0xBA),
    (0xC0, 0xD6),
    (0xD8, 0xF6),
    (0xF8, 0x2AF),
)
_LATIN += ((0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA722, 0xA7FF))
_CYRILLIC_RANGES = ((0x400, 0x52F), (0x1C80, 0x1C8F), (0xA640, 0xA69F))
_GREEK_RANGES = ((0x370, 0x3FF), (0x1F00, 0x1FFF))
_ARMENIAN_RANGES = ((0x530, 0x58F),)
#: Latin letters that are used with look-alikes of others: in phonetic script, and in Turkish and its neighbours.
_PHONETIC_LETTERS = (*range(0x250, 0x2B0), *range(0x2B0, 0x300))
_TURKISH_LETTERS = tuple(map(ord, "ĞğİŞş"))
#: Chinese, Japanese and Korean letters.
_EAST_ASIAN: _Ranges = (
    (0x1100, 0x11FF),
    (0x2E80, 0x2FDF),
    (0x3005, 0x3007),
    (0x3021, 0x4DBF),
    (0x4E00, 0xA4CF),
)
_EAST_ASIAN += ((0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0xFF66, 0xFFDC), (0x1AFF0, 0x1B2FF))
_EAST_ASIAN += ((0x20000, 0x33479),)
#: Full-width letters and digits; mathematical ones, with those that stand among the letter-like symbols.
_WIDE: _Ranges = (
    (0xFF10, 0xFF19),
    (0xFF21, 0xFF3A),
    (0xFF41, 0xFF5A),
    (0x1D400, 0x1D6A5),
    (0x1D7CE, 0x1D7FF),
)
_WIDE_SIGNS: _Ranges = ((0xFF01, 0xFF0F), (0xFF1A, 0xFF20), (0xFF3B, 0xFF40), (0xFF5B, 0xFF5E))
_WIDE += tuple((code, code) for code in map(ord, "ℂℊℋℌℍℎℐℑℒℕℙℚℛℜℝℤℨℬℭℯℰℱℳℴ"))
#: Not seen, though Unicode has them among letters and marks: joiners, fillers, variation selectors, tags.
_UNSEEN: _Ranges = ((0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164))
_UNSEEN += ((0x2065, 0x2065), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF))
#: Format characters that are seen: signs before numbers.
_SEEN: _Ranges = ((0x600, 0x605), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2))
_SEEN += ((0x110BD, 0x110BD), (0x110CD, 0x110CD))


@cache
def bits() -> NDArray[np.uint32]:
    """The bits of each code point: (0x110000,)."""
    table = np.zeros(0x110000, np.uint32)
    categories = np.array([unicodedata.category(chr(code)) for code in range(_LAST)])
    letters = np.char.startswith(categories, ("L"))
    words = letters | np.char.startswith(categories, "M") | np.char.startswith(categories, "N")
    table[:_LAST][words] |= WORD
    table[:_LAST][letters] |= USED_OTHER
    alphabets = ((_LATIN, LATIN), (_CYRILLIC_RANGES, USED_CYRILLIC), (_GREEK_RANGES, USED_GREEK))
    for ranges, used in (*alphabets, (_ARMENIAN_RANGES, USED_ARMENIAN)):
        for first, last in ranges:
            part = table[first : last + 1]
            part[(part & USED_OTHER) != 0] ^= USED_OTHER | used
    for first, last in _EAST_ASIAN:
        part = table[first : last + 1]
        part[(part & WORD) != 0] |= EAST_ASIAN
    table[list(_PHONETIC_LETTERS)] |= USED_PHONETIC
    table[list(_TURKISH_LETTERS)] |= USED_TURKISH
    for (letters_like, _), look in _LOOKS:
        table[[ord(letter) for letter in letters_like]] = WORD | look
    for first, last in _WIDE:
        table[first : last + 1] = WORD | LATIN | WIDE
    for first, last in _WIDE_SIGNS:
        table[first : last + 1] = WIDE_SIGN
    table[:_LAST][categories == "Cf"] = DROP
    table[:_LAST][categories == "Cc"] = DROP
    for first, last in _UNSEEN:
        table[first : last + 1] = DROP
    for first, last in _SEEN:
        table[first : last + 1] = 0
    table[:_LAST][categories == "Zs"] = SPACE
    table[0x2800] = SPACE  # Braille's pattern without a dot
    table[[0x09, 0x0A, 0x20]] = 0
    table[[0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029]] = LINE
    table.setflags(write=False)
    return table


@cache
def latin() -> NDArray[np.uint32]:
    """What each code point becomes as a Latin letter, digit or sign, itself where it looks like none: (0x110000,)."""
    table = np.arange(0x110000, dtype=np.uint32)
    for (other, like), _ in _LOOKS:
        table[[ord(letter) for letter in other]] = [ord(letter) for letter in like]
    for first, last in _WIDE + _WIDE_SIGNS:
        for code in range(first, last + 1):
            plain = unicodedata.normalize("NFKC", chr(code))
            table[code] = ord(plain) if len(plain) == 1 else code
    table.setflags(write=False)
    return table


@dataclass(frozen=True)
class Composing:
    """What may have to be normalised to be in a form of Unicode.

    `inner`: characters that may join with the one before (0x110000,); `alone`: others that change by themselves;
    `marks`: a run of combining marks that is too long.
    """

    inner: NDArray[np.bool_]
    alone: NDArray[np.bool_]
    marks: re.Pattern[str]

    def sequences(self, codes: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Begin and end (n, 2) of what can be normalised alone: runs with the character before, and single ones."""
        within = np.concatenate([[False], self.inner[codes], [False]])
        edges = np.flatnonzero(within[1:] != within[:-1]).reshape(-1, 2)
        runs = np.stack([np.maximum(edges[:, 0] - 1, 0), edges[:, 1]], axis=1)
        single = np.flatnonzero(self.alone[codes] & ~within[2:])
        both = np.concatenate([runs, np.stack([single, single + 1], axis=1)])
        found: NDArray[np.int64] = both[np.argsort(both[:, 0], kind="stable")].astype(np.int64)
        return found


@cache
def composing(form: Form, longest_marks: int) -> Composing:
    """How to find what isn't in `form`: NFC or NFKC."""
    combining, seconds, changes = set(), set(), set()
    for code in range(_LAST):
        char = chr(code)
        if 0xAC00 <= code <= 0xD7A3 or 0xD800 <= code <= 0xDFFF:
            continue
        if unicodedata.combining(char):
            combining.add(code)
        parts = unicodedata.decomposition(char).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(int(parts[1], 16))
        if parts and unicodedata.normalize(form, char) != char:
            changes.add(code)
    seconds |= set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))  # Hangul composes by rule
    inner = combining | seconds
    full: Literal["NFD", "NFKD"] = "NFKD" if form == "NFKC" else "NFD"
    inner |= {code for code in changes if ord(unicodedata.normalize(full, chr(code))[0]) in inner}
    marks = "".join(f"\\U{code:08x}" for code in sorted(combining))
    return Composing(_table(inner), _table(changes - inner), re.compile(f"[{marks}]{{{longest_marks + 1}}}"))


def _table(codes: set[int]) -> NDArray[np.bool_]:
    table = np.zeros(0x110000, bool)
    table[sorted(codes)] = True
    table.setflags(write=False)
    return table
