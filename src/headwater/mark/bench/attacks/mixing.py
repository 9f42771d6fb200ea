"""Attacks that add unmarked text: pieces between pieces (dilution), or a document around one passage (copy-paste)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headwater.mark.bench.attacks.attack import Ints, Marked

#: Tokens of a marked piece: about a sentence.
PIECE = 25


@dataclass(frozen=True)
class Dilution:
    """Pieces of 25 marked tokens with `times` as many unmarked ones after each: 1:3 is `times` 3."""

    times: int = 3
    needs_text: bool = False

    @property
    def name(self) -> str:
        """See `Attack`."""
        return f"dilution 1:{self.times}"

    def __call__(self, marked: Marked, random: np.random.Generator) -> Ints:
        """See `Attack`."""
        other = unmarked(marked, self.times, random)
        pieces = []
        for first in range(0, len(marked.tokens), PIECE):
            piece = marked.tokens[first : first + PIECE]
            pieces += [piece, other[self.times * first : self.times * (first + len(piece))]]
        return np.concatenate(pieces) if pieces else marked.tokens


@dataclass(frozen=True)
class CopyPaste:
    """The marked answer as one passage, anywhere in a document with `times` as many unmarked tokens."""

    times: int = 3
    needs_text: bool = False

    @property
    def name(self) -> str:
        """See `Attack`."""
        return f"copy-paste 1:{self.times}"

    def __call__(self, marked: Marked, random: np.random.Generator) -> Ints:
        """See `Attack`."""
        other = unmarked(marked, self.times, random)
        at = int(random.integers(len(other) + 1))
        return np.concatenate([other[:at], marked.tokens, other[at:]])


def unmarked(marked: Marked, times: int, random: np.random.Generator) -> Ints:
    """`times` as many unmarked tokens as the answer has, from anywhere in the other text, read on from its beginning
    where it ends."""
    wanted = times * len(marked.tokens)
    begin = int(random.integers(max(1, len(marked.other))))
    found: Ints = np.take(marked.other, np.arange(begin, begin + wanted), mode="wrap")
    return found
