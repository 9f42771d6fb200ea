"""What an attack on a marked text is: it takes the text, may use text that has no mark, and gives another text.

An attack knows no key. All its chance comes from the generator that it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Marked:
    """A marked answer and what an attacker has beside it.

    `tokens`: (n,) the answer without its prompt; `other`: unmarked tokens of the same source, three times as many or
    more; `text`, `other_text`: the same as text, empty where the source has no tokenizer.
    """

    tokens: Ints
    other: Ints
    text: str = ""
    other_text: str = ""


class Attack(Protocol):
    """One attack in one strength."""

    @property
    def name(self) -> str:
        """As tables call it, with its strength: `substitution 25%`."""
        ...

    @property
    def needs_text(self) -> bool:
        """Whether it works on text, which a source without a tokenizer doesn't have."""
        ...

    def __call__(self, marked: Marked, random: np.random.Generator) -> Ints | str:
        """The attacked answer: token ids, which are read as they are, or text, which is cut into tokens anew."""
        ...


def share_of(count: int, share: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """A mask (count,) of exactly round(`share` · `count`) places."""
    mask = np.zeros(count, bool)
    mask[random.choice(count, round(share * count), replace=False)] = True
    return mask


def percent(share: float) -> str:
    """0.25 → 25%."""
    return f"{100 * share:g}%"
