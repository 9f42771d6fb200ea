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


def log_ps(
    entrant: Entrant, read: Sequence[Readings], keys: Sequence[Sequence[MarkKey]]
) -> list[NDArray[np.float64]]:
    """ln p (keys,) of each text under each of its keys, with all of its readings counted."""
    asked = [(tokens, some) for text, some in zip(read, keys, strict=True) for tokens in text.tokens]
    every = iter(entrant.log_ps(asked))
    found = []
    for text in read:
        least = np.stack([next(every) for _ in text.tokens]).min(0)
        found.append(np.minimum(0.0, least + math.log(len(text.tokens))))
    return found
