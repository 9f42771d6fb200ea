"""A keyed function in NumPy and the benchmark's worlds, small: what tests of tracing share."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater.mark.scheme import MarkKey, Null, Tokens, Units, Values

sys.path.append(str(Path(__file__).resolve().parents[3] / "benchmarks/marks"))
import trace_worlds as made

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele and others, 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@dataclass(frozen=True)
class Small:
    """Gumbel's values over a mixer of 64 bits: a scheme without an engine."""

    name: str = "small"
    width: int = 2
    streams: int = 1
    null: ClassVar[Null] = Null(1 << 20)
    card: ClassVar[dict[str, str]] = {}

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        raise NotImplementedError

    def values(self, key: MarkKey, units: Units) -> Values:
        state = _mixed(np.full(len(units), key.numbers[0], np.uint64) + _GOLDEN)
        for column in (*units.context.T, units.token):
            state = _mixed(state ^ (column.astype(np.uint64) + _GOLDEN))
        return (state >> np.uint64(44)).astype(np.uint32)[:, None]

    def random_key(self, random: np.random.Generator) -> MarkKey:
        return MarkKey("decoy", (int(random.integers(1 << 62)),))


SCHEME = Small()


def named_keys(count: int, random: np.random.Generator) -> list[MarkKey]:
    return [MarkKey(f"account-{i}", SCHEME.random_key(random).numbers) for i in range(count)]


def sources(documents: int, length: int, accounts: list[int]) -> NDArray[np.int64]:
    """Documents of which the first belong to `accounts` as a whole, the others to nobody."""
    whose = np.full(documents, -1)
    whose[: len(accounts)] = accounts
    return np.repeat(whose[:, None], length, axis=1)


def mixed(
    documents: int, length: int, accounts: int, share: float, random: np.random.Generator
) -> NDArray[np.int64]:
    """Documents in which every token is drawn under account i with chance `share`, for each of `accounts`."""
    drawn = np.floor(random.random((documents, length)) / share).astype(np.int64)
    return np.where(drawn < accounts, drawn, -1)


__all__ = ["SCHEME", "Small", "made", "mixed", "named_keys", "sources"]
