"""Writes the table of code points that imprints use, from the Unicode data of the running Python.

`python tests/imprint/unicode_table.py > src/headwater/imprint/unicode.tsv` makes it anew; only a Python with
Unicode 14.0.0 (3.11) gives the same bytes, which a test checks. What the kinds and scripts mean stands in
`headwater.imprint.scripts`.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator

from headwater.imprint.scripts import Kind, Script

NAMED = {
    "LATIN": Script.LATIN,
    "CYRILLIC": Script.CYRILLIC,
    "GREEK": Script.GREEK,
    "ARABIC": Script.ARABIC,
    "HEBREW": Script.HEBREW,
    "DEVANAGARI": Script.DEVANAGARI,
    "BENGALI": Script.BENGALI,
    "TAMIL": Script.TAMIL,
    "TELUGU": Script.TELUGU,
    "THAI": Script.THAI,
    "CJK": Script.HAN,
    "IDEOGRAPHIC": Script.HAN,
    "HIRAGANA": Script.KANA,
    "KATAKANA": Script.KANA,
    "KATAKANA-HIRAGANA": Script.KANA,
    "HENTAIGANA": Script.KANA,
    "HANGUL": Script.HANGUL,
}
#: First words of the names of letters in no script.
COMMON = {
    "COMBINING",
    "MODIFIER",
    "MATHEMATICAL",
    "FULLWIDTH",
    "HALFWIDTH",
    "DOUBLE-STRUCK",
    "SCRIPT",
    "BLACK-LETTER",
}
#: Scripts written without spaces between words: each code point of them is a token.
UNSPACED = {
    "CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HENTAIGANA", "BOPOMOFO", "THAI", "LAO", "KHMER",
    "MYANMAR", "TIBETAN", "YI", "TANGUT", "NUSHU", "KHITAN", "TAI", "NEW", "JAVANESE", "BALINESE",
}  # fmt: skip
#: Signs that are formats by category yet visible (prepended concatenation marks): they stay.
VISIBLE_FORMATS = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
#: Invisible without being formats by category: grapheme joiner, fillers, Khmer inherent vowels, selectors, tags.
INVISIBLE = {
    0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x3164, *range(0xFE00, 0xFE10), 0xFFA0,
    *range(0xE0000, 0xE1000),
}  # fmt: skip


def classify(code: int) -> tuple[Kind, Script]:
    """Kind and script of one code point."""
    character = chr(code)
    category = unicodedata.category(character)
    if code in INVISIBLE or (category == "Cf" and code not in VISIBLE_FORMATS):
        return Kind.DROPPED, Script.NONE
    if 0x20000 <= code < 0x40000:  # planes kept for ideographs, assigned or not yet
        return Kind.UNSPACED, Script.HAN
    if category == "Cn":
        return Kind.UNASSIGNED, Script.NONE
    if category in ("Zs", "Zl", "Zp", "Cc"):
        return Kind.SPACE, Script.NONE
    if category == "Nd":
        return Kind.DIGIT, Script.NONE
    if category[0] not in "LMN":
        return Kind.SYMBOL, Script.NONE
    first = unicodedata.name(character, "").split(" ")[0]
    script = Script.NONE if first in COMMON else NAMED.get(first, Script.OTHER)
    if script == Script.LATIN and code < 128:
        script = Script.ASCII
    return (Kind.UNSPACED if first in UNSPACED else Kind.WORD), script


def rows() -> Iterator[tuple[int, int, str, str]]:
    """Runs of code points of one class: first, last, kind, script; symbols are left out."""
    first, current = 0, classify(0)
    for code in range(1, 0x110001):
        following = classify(code) if code < 0x110000 else None
        if following != current:
            if current != (Kind.SYMBOL, Script.NONE):
                yield first, code - 1, current[0].name.lower(), current[1].name.lower()
            first, current = code, following or current


def table() -> str:
    """The whole file."""
    head = f"# Unicode {unicodedata.unidata_version}, written by tests/imprint/unicode_table.py\n"
    return head + "".join(f"{first:X}\t{last:X}\t{kind}\t{script}\n" for first, last, kind, script in rows())


if __name__ == "__main__":
    sys.stdout.write(table())
