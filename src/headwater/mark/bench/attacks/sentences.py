"""Sentence reordering: the same sentences in another order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from headwater.mark.bench.attacks.attack import Marked

_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+")
#: Where a text has no full stops, this many words are taken for a sentence.
WORDS = 15


@dataclass(frozen=True)
class Reordering:
    """All sentences in an order drawn at random; fifteen words where a text has no full stop."""

    name: ClassVar[str] = "sentences reordered"
    needs_text: ClassVar[bool] = True

    def __call__(self, marked: Marked, random: np.random.Generator) -> str:
        """See `Attack`."""
        found = sentences(marked.text)
        return " ".join(found[place] for place in random.permutation(len(found)))


def sentences(text: str) -> list[str]:
    """The sentences of `text`, none longer than 30 words: longer ones are cut."""
    found = []
    begin = 0
    for end in [*(match.end() for match in _END.finditer(text)), len(text)]:
        words = text[begin:end].split()
        step = len(words) if len(words) <= 2 * WORDS else WORDS
        found += [" ".join(words[first : first + step]) for first in range(0, len(words), max(step, 1))]
        begin = end
    return found
