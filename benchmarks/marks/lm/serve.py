"""Serve marked text from the teacher, and recompute its laws afterwards as a provider would: other weights' precision,
other batches, no cache. Needs torch.

Samplers are the schemes' own rules over the keyed values that `headwater.mark` computes: the race of keyed Gumbel
sampling, SynthID's tournament, the tilt of a green list. Contexts that were seen before in an answer are served
unmarked where the engine does so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gpt
import numpy as np
import torch
from numpy.typing import NDArray

from headwater.mark.bench import rules
from headwater.mark.scheme import MarkKey, Scheme, Units

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Tokens that are less likely than this are never served.
LEAST = 1e-6


@dataclass(frozen=True)
class Setting:
    """How the laws are sharpened: first temperature, then the smallest set of tokens that holds `top_p`."""

    temperature: float
    top_p: float = 1.0


def sharpened(logits: torch.Tensor, setting: Setting) -> Floats:
    """Laws (n, tokens) as served, from logits (n, tokens)."""
    chances = torch.softmax(logits.double() / setting.temperature, -1)
    if setting.top_p < 1:
        ordered, at = chances.sort(-1, descending=True)
        ordered[(ordered.cumsum(-1) - ordered) >= setting.top_p] = 0
        chances = torch.zeros_like(chances).scatter(-1, at, ordered)
    chances[chances < LEAST] = 0
    return (chances / chances.sum(-1, keepdim=True)).numpy()


@dataclass
class Served:
    """Answers: `tokens` (rows, prompt + length); by answer token its `log_chance`, the `entropy`, whether `marked`."""

    tokens: Ints
    prompt: int
    log_chance: Floats
    entropy: Floats
    marked: NDArray[np.bool_]


class Sampler:
    """Chooses tokens, each answer under a key of its own. `kind`: gumbel, synthid or green; `delta`: the green tilt."""

    def __init__(self, kind: str, scheme: Scheme, keys: list[MarkKey], seed: int, delta: float = 2.0) -> None:
        self.kind, self.scheme, self.keys, self.delta = kind, scheme, keys, delta
        self.random = np.random.default_rng(seed)
        self.seen: list[set[tuple[int, ...]]] = []

    def choose(self, chances: Floats, before: Ints, begun: int) -> tuple[Ints, NDArray[np.bool_]]:
        """Tokens (rows,) from laws (rows, tokens), after `before` (rows, n), whose first `begun` are the prompt."""
        width = self.scheme.width
        if not self.seen:
            self.seen = [set() for _ in chances]
        padding = {"gumbel": -1, "synthid": 0}.get(self.kind)
        if padding is None:
            context = before[:, -width:]
        else:
            padded = np.concatenate([np.full((len(before), width), padding), before[:, begun:]], 1)
            context = padded[:, -width:]
        fresh = np.ones(len(chances), bool)
        if self.kind != "green":
            for row, here in enumerate(map(tuple, context.tolist())):
                fresh[row] = here not in self.seen[row]
                self.seen[row].add(here)
        plain = np.log(np.maximum(chances, 1e-300)) - np.log(-np.log(self.random.random(chances.shape)))
        found = np.argmax(plain, 1)
        if fresh.any():
            keys = [self.keys[row] for row in np.flatnonzero(fresh)]
            found[fresh] = getattr(self, self.kind)(chances[fresh], context[fresh], keys)
        return found.astype(np.int64), fresh

    def values(
        self, chances: Floats, context: Ints, keys: list[MarkKey]
    ) -> tuple[Ints, Ints, NDArray[np.uint32]]:
        """Rows and tokens that have a chance, and their values."""
        row, token = np.nonzero(chances)
        found = []
        for here, key in enumerate(keys):
            some = token[slice(*np.searchsorted(row, [here, here + 1]))].astype(np.int64)
            places = np.arange(len(some), dtype=np.int64)
            before = np.tile(context[here], (len(some), 1))
            found.append(
                self.scheme.values(key, Units(before, some, places, np.ones_like(places), len(some)))
            )
        return row, token, np.concatenate(found)

    def gumbel(self, chances: Floats, context: Ints, keys: list[MarkKey]) -> Ints:
        """The race."""
        row, token, values = self.values(chances, context, keys)
        speed = np.full(chances.shape, -np.inf)
        speed[row, token] = rules.race(chances[row, token], values[:, 0], self.scheme.null.size)
        return np.argmax(speed, 1)

    def synthid(self, chances: Floats, context: Ints, keys: list[MarkKey]) -> Ints:
        """The tournament of two, layer after layer, in expectation: p (1 + g - sum of p g)."""
        row, token, values = self.values(chances, context, keys)
        begins = np.searchsorted(row, np.arange(len(chances)))
        after = rules.tournament(chances[row, token], values, begins, row)
        return self._drawn(chances.shape, row, token, after)

    def green(self, chances: Floats, context: Ints, keys: list[MarkKey]) -> Ints:
        """The tilt."""
        row, token, values = self.values(chances, context, keys)
        tilted = rules.tilt(chances[row, token], values[:, 0], self.delta)
        return self._drawn(chances.shape, row, token, tilted)

    def _drawn(self, shape: tuple[int, ...], row: Ints, token: Ints, weight: Floats) -> Ints:
        speed = np.full(shape, -np.inf)
        draws = self.random.random(len(row))
        speed[row, token] = np.log(np.maximum(weight, 1e-300)) - np.log(-np.log(draws))
        return np.argmax(speed, 1)


def serve(model: gpt.GPT, prompts: Ints, length: int, setting: Setting, sampler: Sampler) -> Served:
    """Answers to `prompts` (rows, n), token by token with a cache, in float32."""
    rows, begun = prompts.shape
    kept: list[list[torch.Tensor]] = [[] for _ in model.blocks]
    tokens = prompts.copy()
    logs, entropy = np.zeros((rows, length)), np.zeros((rows, length))
    marked = np.zeros((rows, length), bool)
    new = torch.from_numpy(tokens)
    with torch.inference_mode():
        for step in range(length):
            chances = sharpened(model(new, kept)[:, -1], setting)
            chosen, marked[:, step] = sampler.choose(chances, tokens, begun)
            logs[:, step] = np.log(chances[np.arange(rows), chosen])
            entropy[:, step] = -(chances * np.log(np.maximum(chances, 1e-300))).sum(1)
            tokens = np.concatenate([tokens, chosen[:, None]], 1)
            new = torch.from_numpy(chosen[:, None])
    return Served(tokens, begun, logs, entropy, marked)


def rounded(model: gpt.GPT, kind: torch.dtype) -> gpt.GPT:
    """The model with its weights rounded to another type, computing in float32."""
    found = gpt.GPT(model.shape)
    state: dict[str, Any] = {name: value.to(kind).float() for name, value in model.state_dict().items()}
    found.load_state_dict(state)
    return found.eval()


def recomputed(
    model: gpt.GPT, tokens: Ints, prompt: int, setting: Setting, batch: int = 8
) -> Iterator[tuple[slice, Floats]]:
    """The laws (rows, length, tokens) of answers as they stand, a few rows at a time and without a cache."""
    for first in range(0, len(tokens), batch):
        here = slice(first, min(first + batch, len(tokens)))
        with torch.inference_mode():
            logits = model(torch.from_numpy(tokens[here, :-1]))[:, prompt - 1 :]
            yield here, sharpened(logits.flatten(0, 1), setting).reshape(*logits.shape)
