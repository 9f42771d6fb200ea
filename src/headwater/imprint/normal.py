"""Text that is not ASCII, brought to one form: what is invisible dropped, NFKC, non-ASCII letters case-folded.

ASCII letters keep their case here, for the layout half of the sketch; the loops that follow lower-case them.
The result is that of Unicode 14.0.0 on any Python: normalisation and case folding of a code point never change
once it is assigned, and those assigned later are left alone.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from headwater.imprint.kernel.codes import LONGEST_MARKS
from headwater.imprint.scripts import UNICODE_VERSION, Kind, ranges

_NOT_ASCII = re.compile("[^\x00-\x7f]+")


def normal(text: str) -> str:
    """`text` in the form in which imprints compare it; ASCII text comes back as it is."""
    if text.isascii():
        return text
    text = _dropped().sub("", text)
    if _has_long_run(text):
        text = _long_runs().sub(lambda run: run[0][:LONGEST_MARKS], text)
    if unicodedata.unidata_version == UNICODE_VERSION:
        return _normal(text)
    pieces = _unassigned().split(text)
    pieces[::2] = map(_normal, pieces[::2])
    return "".join(pieces)


def _normal(text: str) -> str:
    return steps(text)[-1]


def steps(text: str) -> tuple[str, str, str, str]:
    """`text` (nothing dropped, all of it assigned), composed, with non-ASCII letters folded, composed again."""
    composed = unicodedata.normalize("NFKC", text)
    folded = _NOT_ASCII.sub(lambda run: run[0].casefold(), composed)
    return text, composed, folded, unicodedata.normalize("NFKC", folded)


def _class_of(kind: Kind) -> str:
    """A regular expression's character class for the code points of one kind."""
    return "".join(f"{chr(a)}-{chr(b)}" for a, b, of_kind, _ in ranges() if of_kind == kind)


@cache
def _dropped() -> re.Pattern[str]:
    return re.compile(f"[{_class_of(Kind.DROPPED)}]+")


@cache
def _unassigned() -> re.Pattern[str]:
    return re.compile(f"([{_class_of(Kind.UNASSIGNED)}]+)")


@cache
def _marks() -> frozenset[str]:
    """Combining marks."""
    words = [
        (a, b) for a, b, kind, _ in ranges() if kind in (Kind.WORD, Kind.UNSPACED) and 0x300 <= a < 0x20000
    ]
    return frozenset(
        chr(c) for a, b in words if b - a < 5000 for c in range(a, b + 1) if unicodedata.combining(chr(c))
    )


@cache
def _long_runs() -> re.Pattern[str]:
    """Runs of combining marks that are too long."""
    return re.compile(f"[{''.join(sorted(_marks()))}]{{{LONGEST_MARKS + 1},}}")


def _has_long_run(text: str) -> bool:
    """Whether there is such a run: one place in LONGEST_MARKS + 1 is in it, and the search for it is slow."""
    marks, step = _marks(), LONGEST_MARKS + 1
    for at in range(step - 1, len(text), step):
        if text[at] in marks:
            low, high = at, at + 1
            while low and text[low - 1] in marks:
                low -= 1
            while high < len(text) and text[high] in marks:
                high += 1
            if high - low >= step:
                return True
    return False
