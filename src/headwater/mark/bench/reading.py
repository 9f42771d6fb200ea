"""What a reader makes of an attacked answer: ln p under the true key and under keys that nobody used.

A text is read as it is and normalised, as `headwater mark detect` does, and both readings are counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UnreadableInput
from headwater.mark.bench.entrant import Entrant
from headwater.mark.scheme import MarkKey, Tokens
from headwater.mark.text import normalised


class Words(Protocol):
    """A tokenizer that goes both ways."""

    def encode(self, text: str) -> Tokens:
        """The tokens of a text."""
        ...

    def decode(self, tokens: Tokens) -> str:
        """The text of tokens."""
        ...


@dataclass(frozen=True)
class Readings:
    """The token ids that a reader sees: one reading, or two where normalising changes the text."""

    tokens: tuple[Tokens, ...]


def readings(attacked: Tokens | str, words: Words | None) -> Readings:
    """The readings of what an attack left."""
    if not isinstance(attacked, str):
        return Readings((np.asarray(attacked, np.int64),))
    if words is None:
        raise UnreadableInput("a text can't be read without a tokenizer")
    plain = words.encode(attacked)
    clean = normalised(attacked).text
    if clean == attacked:
        return Readings((plain,))
    again = words.encode(clean)
    return Readings((plain,) if np.array_equal(plain, again) else (plain, again))


def log_p(entrant: Entrant, read: Readings, keys: Sequence[MarkKey]) -> NDArray[np.float64]:
    """ln p (keys,) with all readings counted."""
    every = np.stack([entrant.log_p(tokens, keys) for tokens in read.tokens])
    found: NDArray[np.float64] = np.minimum(0.0, every.min(0) + math.log(len(read.tokens)))
    return found
