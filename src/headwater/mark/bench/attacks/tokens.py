"""Attacks on tokens: some deleted, some replaced by tokens of unmarked text. They need no tokenizer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headwater.mark.bench.attacks.attack import Ints, Marked, percent, share_of


@dataclass(frozen=True)
class Nothing:
    """The answer as it was written."""

    name: str = "none"
    needs_text: bool = False

    def __call__(self, marked: Marked, random: np.random.Generator) -> Ints:
        """See `Attack`."""
        return marked.tokens


@dataclass(frozen=True)
class Deletion:
    """A share of the tokens, anywhere, is taken out."""

    share: float = 0.25
    needs_text: bool = False

    @property
    def name(self) -> str:
        """See `Attack`."""
        return f"deletion {percent(self.share)}"

    def __call__(self, marked: Marked, random: np.random.Generator) -> Ints:
        """See `Attack`."""
        return marked.tokens[~share_of(len(marked.tokens), self.share, random)]


@dataclass(frozen=True)
class Substitution:
    """A share of the tokens, anywhere, is replaced by others, drawn as often as unmarked text has them."""

    share: float = 0.25
    needs_text: bool = False

    @property
    def name(self) -> str:
        """See `Attack`."""
        return f"substitution {percent(self.share)}"

    def __call__(self, marked: Marked, random: np.random.Generator) -> Ints:
        """See `Attack`."""
        mask = share_of(len(marked.tokens), self.share, random)
        found = marked.tokens.copy()
        found[mask] = random.choice(marked.other, int(mask.sum()))
        return found
