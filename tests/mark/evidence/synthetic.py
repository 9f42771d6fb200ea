"""Traffic from made-up next-token laws, marked by keyed Gumbel sampling with NumPy's generator for a key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.mark.scheme import MarkKey, Null, Tokens, Units, Values

SIZE = 2**24
NULL = Null(SIZE)


@dataclass(frozen=True)
class Table:
    """A scheme whose values are drawn by NumPy from (key, unit): as random as its null says. One token of context."""

    tokens: int
    name: str = "synthetic"
    width: int = 1
    streams: int = 1
    null: Null = NULL
    card: dict[str, str] | None = None

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        raise NotImplementedError

    def values(self, key: MarkKey, units: Units) -> Values:
        drawn = [
            np.random.default_rng([key.numbers[0], int(context)]).integers(0, SIZE, self.tokens, np.uint32)
            for context in np.unique(units.context[:, 0])
        ]
        row = np.unique(units.context[:, 0], return_inverse=True)[1]
        return np.stack(drawn)[row, units.token][:, None]

    def random_key(self, random: np.random.Generator) -> MarkKey:
        return MarkKey("decoy", (int(random.integers(2**32)),))


def laws(
    random: np.random.Generator, count: int, tokens: int = 12, sharp: float = 2.0
) -> NDArray[np.float64]:
    """Next-token laws (count, tokens), some sharp and some flat."""
    logits = random.normal(size=(count, tokens)) * sharp * random.uniform(0.2, 2.0, (count, 1))
    chances = np.exp(logits)
    return chances / chances.sum(1, keepdims=True)


def served(
    random: np.random.Generator, chances: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Tokens chosen by their keyed race, and the values of those tokens (n, 1)."""
    values = random.integers(0, SIZE, chances.shape, np.uint32)
    with np.errstate(divide="ignore"):
        tokens = np.argmax(np.log(chances) - np.log(-np.log((values + 0.5) / SIZE)), axis=1)
    return tokens.astype(np.int64), values[np.arange(len(tokens)), tokens][:, None]


def units(count: int, tokens: NDArray[np.int64]) -> Units:
    """One unit for each of `count` contexts."""
    places = np.arange(count, dtype=np.int64)
    return Units(places[:, None], tokens, places, np.ones(count, np.int64), count)
