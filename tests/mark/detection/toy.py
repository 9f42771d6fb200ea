"""A scheme and a language small enough to test detection by: no engine, no tokenizer, no file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headwater.mark.scheme import MarkKey, Null, Tokens, Units, Values
from headwater.mark.score import Scorer, Table

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele and others, 2014)."""
    with np.errstate(over="ignore"):
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


class Toy:
    """Gumbel's rule over a 64-bit mixer. `weak`: the key has next to no part in it, as in a hash that is broken."""

    name = "toy"
    streams = 1
    null = Null(1 << 24)

    def __init__(self, width: int = 2, *, weak: bool = False) -> None:
        self.width, self.weak = width, weak
        self.card = {"checked": "nothing"}

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        first = max(prompt, self.width)
        seen: set[tuple[int, ...]] = set()
        at = []
        for position in range(first, len(tokens)):
            context = tuple(int(each) for each in tokens[position - self.width : position])
            if context not in seen:
                seen.add(context)
                at.append(position)
        where = np.array(at, np.int64)
        rows = [tokens[position - self.width : position] for position in at]
        contexts = np.array(rows, np.int64).reshape(len(at), self.width)
        return Units(contexts, tokens[where], where, np.ones(len(at), np.int64), max(0, len(tokens) - prompt))

    def values(self, key: MarkKey, units: Units) -> Values:
        return self.drawn(key, units.context, units.token)[:, None]

    def drawn(self, key: MarkKey, context: NDArray[np.int64], token: NDArray[np.int64]) -> Values:
        number = key.numbers[0] % 4 if self.weak else key.numbers[0]
        state = _mixed(np.full(len(token), number, np.uint64) + _GOLDEN)
        for column in context.T:
            state = _mixed(state ^ (column.astype(np.uint64) + _GOLDEN))
        state = _mixed(state ^ (token.astype(np.uint64) + _GOLDEN))
        return (state >> np.uint64(40)).astype(np.uint32)

    def random_key(self, random: np.random.Generator) -> MarkKey:
        return MarkKey("decoy", (int(random.integers(1 << 62)),))


def engine_sum(grain: float = 1 / 64) -> Scorer:
    """-ln(1-u) by grains, as Gumbel's detectors sum it."""
    levels = np.arange(0, int(17 / grain))
    edges = np.floor((1 - np.exp(-levels * grain)) * (1 << 24)).astype(np.int64)
    edges = np.append(edges, 1 << 24)
    keep = np.append(np.diff(edges) > 0, True)
    return Scorer("sum", ((Table(edges[keep], levels[keep[:-1]].astype(np.int64), grain),),))


class Language:
    """A next-token law by the last token, over 500 tokens, near `entropy` nats."""

    def __init__(self, entropy: float, seed: int = 1, size: int = 500) -> None:
        random = np.random.default_rng(seed)
        logits = random.normal(size=(size, size))
        low, high = 0.0, 60.0
        for _ in range(40):
            middle = (low + high) / 2
            law = _softmax(logits * middle)
            if -(law * np.log(law + 1e-300)).sum(axis=1).mean() > entropy:
                low = middle
            else:
                high = middle
        self.law = _softmax(logits * high)

    def text(
        self, length: int, random: np.random.Generator, scheme: Toy | None = None, key: MarkKey | None = None
    ) -> Tokens:
        """Tokens by Gumbel's rule under `key` where the context is new, else by chance."""
        tokens = [int(each) for each in random.integers(len(self.law), size=4)]
        seen: set[tuple[int, ...]] = set()
        every = np.arange(len(self.law))
        while len(tokens) < length:
            law = self.law[tokens[-1]]
            noise = random.random(len(law))
            if scheme is not None and key is not None:
                context = tuple(tokens[-scheme.width :])
                if context not in seen:
                    seen.add(context)
                    rows = np.tile(np.array(context, np.int64), (len(every), 1))
                    noise = (scheme.drawn(key, rows, every) + 1.0) / ((1 << 24) + 1)
            tokens.append(int(np.argmax(np.log(noise) / np.maximum(law, 1e-300))))
        return np.array(tokens, np.int64)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.exp(logits - logits.max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)
