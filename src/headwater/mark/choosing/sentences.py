"""Where a text's sentences begin and end: a few fixed rules, the same for everybody who makes or reads a mark.

A mark on sentences bears a wrong cut: it costs that sentence's evidence and nothing else. So there is no model here,
and no language: signs that end sentences, abbreviations that don't, line ends, and a bound for text without any.
"""

from __future__ import annotations

import re
from typing import Final

#: Characters of the longest sentence: a longer one is cut before a space, or where the bound is.
LONGEST: Final = 1000
#: Words before a full stop that seldom end a sentence; single letters don't either.
_SHORT_WORDS: Final = (
    "mr mrs ms dr prof sr jr st vs etc e.g i.e eg ie cf al fig figs no vol pp p ed eds approx dept inc ltd co corp"
    " jan feb mar apr jun jul aug sep sept oct nov dec u.s u.k u.n a.m p.m z.b d.h bzw usw bsp nr str"
)
_SHORT: Final = frozenset(_SHORT_WORDS.split())
#: Signs after which a sentence may end, with quotes and brackets that close it; in scripts without spaces, right there.
_END = re.compile(r"""[.!?…؟۔।॥]+["'”’»)\]*_]*(?=\s)|[。！？｡]+[”’」』）"']*|\n\s*\n|\n""")
_LAST_WORD = re.compile(r"([^\W\d_](?:[^\s(“‘\"']*))$")
_OPENS = re.compile(r"""\s*["'“‘«(\[*_]*(.)""", re.DOTALL)
_LETTER = re.compile(r"[^\W_]")


def spans(text: str) -> list[tuple[int, int]]:
    """Begin and end of each sentence in `text`, in order, without the white space around; those with a letter or digit.

    Takes linear time.
    """
    found: list[tuple[int, int]] = []
    begin = 0
    for match in _END.finditer(text):
        if _ends(text, begin, match):
            found += _within(text, begin, match.end())
            begin = match.end()
    return found + _within(text, begin, len(text))


def split(text: str) -> list[str]:
    """The sentences of `text`, in order."""
    return [text[begin:end] for begin, end in spans(text)]


def _ends(text: str, begin: int, match: re.Match[str]) -> bool:
    """Whether a sentence that begins at `begin` ends with `match`."""
    sign = match.group()
    after = _OPENS.match(text, match.end(), match.end() + 16)
    lower = after is not None and after.group(1).islower()
    if sign.startswith("\n"):
        # A line that was wrapped goes on with a small letter.
        return not (sign == "\n" and lower)
    if sign[0] != "." or len(sign) > 1:
        return not (lower and sign[0] in ".…")
    word = _LAST_WORD.search(text[max(begin, match.start() - 20) : match.start()])
    last = word.group(1).casefold() if word else ""
    return not (lower or last in _SHORT or (len(last) == 1 and last.isalpha() and last != "i"))


def _within(text: str, begin: int, end: int) -> list[tuple[int, int]]:
    """The sentence in text[begin:end] in parts of at most `LONGEST` characters, without white space around each."""
    found = []
    while begin < end:
        cut = end
        if end - begin > LONGEST:
            cut = text.rfind(" ", begin + LONGEST // 2, begin + LONGEST) + 1 or begin + LONGEST
        part = text[begin:cut]
        first = begin + len(part) - len(part.lstrip())
        last = first + len(part.strip())
        if _LETTER.search(part):
            found.append((first, last))
        begin = cut
    return found
