"""Characters that nobody sees: hidden payloads and zero-width marks, told and never taken away.

Long runs of them carry data: a C2PA manifest wrapped in text (C2PA 2.x, "embedding manifests into unstructured text":
variation selectors, magic C2PATXT), letters written as tag characters, bits written as zero-width characters. Single
ones also come from web pages and from scripts that need them, and say nothing by themselves.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

Name = Literal["c2pa-text", "variation-selectors", "tag-characters", "zero-width-run", "zero-width-scattered"]

TITLES: Final[dict[Name, str]] = {
    "c2pa-text": "a C2PA manifest wrapped in the text",
    "variation-selectors": "a run of variation selectors, which can carry data",
    "tag-characters": "a run of tag characters, which can carry hidden letters",
    "zero-width-run": "a run of zero-width characters, which can carry data",
    "zero-width-scattered": "single zero-width characters throughout the text",
}

_SELECTORS: Final = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_TAGS: Final = "\U000e0000-\U000e007f"
_ZERO: Final = "\u180e\u200b-\u200f\u2060-\u2064\u206a-\u206f\ufeff"
#: Shortest run that is told: a flag made of tags has six, a family joined by zero-width joiners one at a time.
_RUN: Final = re.compile(f"[{_SELECTORS}{_TAGS}{_ZERO}]{{8,}}")
_MAGIC: Final = b"C2PATXT\x00"
#: Scripts that part words without a space: Thai, Lao, Burmese, Khmer.
_UNPARTED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
#: Zero-width characters that other scripts don't need, counted where they stand alone.
_SCATTERED: Final = ("\u200b", "\u2060", "\u2062", "\u2063", "\u2064")
_FEWEST: Final = 5
#: Runs told of one text.
_MOST: Final = 20


class Invisible(NamedTuple):
    """What is hidden in a text, from character `start` to before `end`."""

    name: Name
    start: int
    end: int


def invisible(text: str) -> list[Invisible]:
    """Runs of at least eight invisible characters, or one note that they are scattered. Bounded for any text."""
    if text.isascii():
        return []
    found: list[Invisible] = []
    for run in _RUN.finditer(text):
        found.append(Invisible(_name(run[0]), run.start(), run.end()))
        if len(found) == _MOST:
            return found
    if not found and sum(text.count(mark) for mark in _SCATTERED) >= _FEWEST and not _UNPARTED.search(text):
        first = min(at for mark in _SCATTERED if (at := text.find(mark)) >= 0)
        found.append(Invisible("zero-width-scattered", first, first + 1))
    return found


def selected(run: str) -> bytes:
    """The bytes that a run of variation selectors stands for: VS1–VS16 are 0–15, VS17–VS256 are 16–255."""
    codes = (ord(char) for char in run)
    return bytes(
        code - 0xFE00 if code < 0xE0000 else code - 0xE0100 + 16
        for code in codes
        if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
    )


def _name(run: str) -> Name:
    if _MAGIC in selected(run[:64]):
        return "c2pa-text"
    counts: dict[Name, int] = {
        "variation-selectors": sum(
            "\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef" for c in run
        ),
        "tag-characters": sum("\U000e0000" <= c <= "\U000e007f" for c in run),
    }
    counts["zero-width-run"] = len(run) - sum(counts.values())
    return max(counts, key=lambda name: counts[name])
