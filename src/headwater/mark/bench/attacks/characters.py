"""Attacks on characters that readers hardly see: look-alikes, invisible characters, case, white space.

A detector's normalised reading is meant to undo the first two and the last.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from headwater.mark.bench.attacks.attack import Marked, percent, share_of

#: Cyrillic letters that look like Latin ones.
LOOK_ALIKES = str.maketrans("aceopxyisjABCEHKMOPTX", "асеорхуіѕјАВСЕНКМОРТХ")
#: Zero-width space, non-joiner and joiner.
ZERO_WIDTH = "\u200b\u200c\u200d"


@dataclass(frozen=True)
class Homoglyphs:
    """A share of the words has every letter that has one replaced by its Cyrillic look-alike."""

    share: float = 0.25
    needs_text: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """See `Attack`."""
        return f"homoglyphs {percent(self.share)}"

    def __call__(self, marked: Marked, random: np.random.Generator) -> str:
        """See `Attack`."""
        pieces = re.split(r"(\W+)", marked.text)
        words = [number for number, piece in enumerate(pieces) if number % 2 == 0 and piece]
        for hit, number in zip(share_of(len(words), self.share, random), words, strict=True):
            if hit:
                pieces[number] = pieces[number].translate(LOOK_ALIKES)
        return "".join(pieces)


@dataclass(frozen=True)
class ZeroWidth:
    """An invisible character after a share of the characters."""

    share: float = 0.1
    needs_text: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """See `Attack`."""
        return f"zero width {percent(self.share)}"

    def __call__(self, marked: Marked, random: np.random.Generator) -> str:
        """See `Attack`."""
        mask = share_of(len(marked.text), self.share, random)
        which = random.integers(len(ZERO_WIDTH), size=len(marked.text))
        return "".join(
            char + ZERO_WIDTH[kind] if hit else char
            for char, hit, kind in zip(marked.text, mask, which, strict=True)
        )


@dataclass(frozen=True)
class LowerCase:
    """Everything in small letters."""

    name: ClassVar[str] = "lower case"
    needs_text: ClassVar[bool] = True

    def __call__(self, marked: Marked, random: np.random.Generator) -> str:
        """See `Attack`."""
        return marked.text.lower()


@dataclass(frozen=True)
class WhiteSpace:
    """A share of the spaces is doubled, made a tab, or a space that doesn't break."""

    share: float = 0.25
    needs_text: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """See `Attack`."""
        return f"white space {percent(self.share)}"

    def __call__(self, marked: Marked, random: np.random.Generator) -> str:
        """See `Attack`."""
        pieces = marked.text.split(" ")
        if len(pieces) < 2:
            return marked.text
        mask = share_of(len(pieces) - 1, self.share, random)
        which = random.integers(3, size=len(mask))
        gaps = [("  ", "\t", "\u00a0")[kind] if hit else " " for hit, kind in zip(mask, which, strict=True)]
        return "".join(piece + gap for piece, gap in zip(pieces, [*gaps, ""], strict=True))
