"""Writes answers: laws from a source, sharpened to a wanted entropy, tokens by a pen; keeps what was true of each.

The temperature for an entropy is found on a pilot of unmarked answers, so that sources can be compared at the same
nats a token.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from headwater.mark.bench.laws import LEAST, MadeLaws, Source
from headwater.mark.bench.pen import Pen, Plain

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Rows and tokens of a pilot; how often the temperature's interval is halved; where it lies.
_PILOT, _PILOT_TOKENS, _HALVINGS, _COLDEST, _HOTTEST = 16, 48, 9, 0.05, 3.0
#: Answers that are written side by side.
_ROWS = 64


@dataclass(frozen=True)
class Sharpening:
    """First `temperature`, then the smallest set of tokens that holds `top_p`."""

    temperature: float = 1.0
    top_p: float = 1.0

    def __call__(self, logits: NDArray[np.floating]) -> Floats:
        """Laws (rows, tokens) as served. Tokens below 1e-6 are left out."""
        logs = logits.astype(np.float64) / self.temperature
        chances = np.exp(logs - logs.max(1, keepdims=True))
        chances /= chances.sum(1, keepdims=True)
        if self.top_p < 1:
            order = np.argsort(-chances, 1, kind="stable")
            ordered = np.take_along_axis(chances, order, 1)
            ordered[(np.cumsum(ordered, 1) - ordered) >= self.top_p] = 0
            np.put_along_axis(chances, order, ordered, 1)
        chances[chances < LEAST] = 0
        found: Floats = chances / chances.sum(1, keepdims=True)
        return found


@dataclass(frozen=True)
class Written:
    """Answers: `tokens` (rows, prompt + length); by answer token the `entropy` of its law in nats, and `marked`."""

    tokens: Ints
    prompt: int
    entropy: Floats
    marked: NDArray[np.bool_]

    @property
    def answers(self) -> Ints:
        """The tokens behind the prompts."""
        return self.tokens[:, self.prompt :]


def write(source: Source, pen: Pen, prompts: Ints, length: int, sharpening: Sharpening) -> Written:
    """Answers of `length` tokens to `prompts` (rows, n)."""
    rows, begun = prompts.shape
    tokens = np.concatenate([prompts, np.zeros((rows, length), np.int64)], 1)
    entropy, marked = np.zeros((rows, length)), np.zeros((rows, length), bool)
    with threadpool_limits(1):  # on matrices this small, threads wait for each other
        stream = source.begin(prompts)
        for step in range(length):
            chances = sharpening(stream.logits())
            chosen, marked[:, step] = pen.choose(chances, tokens[:, : begun + step], begun)
            entropy[:, step] = -(chances * np.log(np.where(chances > 0, chances, 1))).sum(1)
            tokens[:, begun + step] = chosen
            if step + 1 < length:
                stream.append(chosen)
    return Written(tokens, begun, entropy, marked)


def batches(rows: int) -> list[slice]:
    """Rows that are written side by side."""
    return [slice(first, min(first + _ROWS, rows)) for first in range(0, rows, _ROWS)]


def fitted(source: Source, prompts: Ints, entropy: float, *, top_p: float = 1.0, seed: int = 0) -> Sharpening:
    """The sharpening at which unmarked answers have laws of `entropy` nats a token in the mean.

    Found on a pilot of at most 16 answers of 48 tokens, of which the first half isn't counted; between 0.05 and 3.
    """
    if isinstance(source, MadeLaws):
        return Sharpening(1.0, top_p)
    low, high = np.log(_COLDEST), np.log(_HOTTEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        sharpening = Sharpening(float(np.exp(middle)), top_p)
        pen = Plain(np.random.default_rng(seed))
        pilot = write(source, pen, prompts[:_PILOT], _PILOT_TOKENS, sharpening)
        below = float(pilot.entropy[:, _PILOT_TOKENS // 2 :].mean()) < entropy
        low, high = (middle, high) if below else (low, middle)
    return Sharpening(round(float(np.exp((low + high) / 2)), 4), top_p)
