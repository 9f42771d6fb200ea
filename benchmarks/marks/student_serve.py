"""Marked answers by the hundred thousand tokens: the schemes' keyed functions over the whole vocabulary, compiled.

One seed a context and one block of Philox for four tokens; the race of Gumbel sampling is run as -ln(u)/p, whose
logarithm is left out wherever 1-u <= -ln(u) already says that a token has lost. `checked` holds the values against
the schemes' own.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import gpt
import numpy as np
import student_models
from numba import njit
from numpy.typing import NDArray

from headwater.mark.engines import vllm
from headwater.mark.engines.kernel.philox import philox
from headwater.mark.engines.philox import WORD
from headwater.mark.engines.philox import philox as plain_philox
from headwater.mark.engines.vllm_function import CONTEXT_DOMAIN, TOKEN_DOMAIN
from headwater.mark.own.function import GUMBEL, TILT
from headwater.mark.own.kernel import seeds
from headwater.mark.scheme import MarkKey, Scheme, Units

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
#: Rows that are served side by side.
ROWS = 288


@dataclass(frozen=True)
class Mark:
    """How a world's answers are marked. `keys`: one, or one an account; `delta`: the tilt's.

    `coin` and `share`: the layers' coin, which gives a context to the account's key or else to `master`.
    """

    kind: Literal["none", "gumbel", "tilt"]
    width: int = 4
    keys: tuple[MarkKey, ...] = field(default=(), repr=False)
    engine: bool = False
    gamma: float = 0.25
    delta: float = 1.0
    master: MarkKey | None = field(default=None, repr=False)
    coin: tuple[int, int] = field(default=(0, 0), repr=False)
    share: float = 0.5


@njit(cache=True, nogil=True)
def _race(chances: Any, constants: Any, shift: Any, size: Any, out: Any) -> None:
    blocks = chances.shape[1] // 4
    words = np.empty((4, blocks), np.uint64)
    for row in range(len(chances)):
        c1, c2, c3, k0, k1 = constants[row]
        for i in range(blocks):
            words[0, i], words[1, i], words[2, i], words[3, i] = philox(np.uint64(i), c1, c2, c3, k0, k1)
        best, found = np.inf, -1
        for i in range(blocks):
            for j in range(4):
                chance = chances[row, 4 * i + j]
                uniform = (float(words[j, i] >> shift) + 0.5) / size
                if 1 - uniform < best * chance:
                    time = -np.log(uniform) / chance
                    if time < best:
                        best, found = time, 4 * i + j
        out[row] = found


@njit(cache=True, nogil=True)
def _tilt(chances: Any, constants: Any, below: Any, factor: Any, draws: Any, out: Any) -> None:
    blocks = chances.shape[1] // 4
    words = np.empty((4, blocks), np.uint64)
    tilted = np.empty(4 * blocks)
    for row in range(len(chances)):
        c1, c2, c3, k0, k1 = constants[row]
        for i in range(blocks):
            words[0, i], words[1, i], words[2, i], words[3, i] = philox(np.uint64(i), c1, c2, c3, k0, k1)
        total = 0.0
        for i in range(blocks):
            for j in range(4):
                chance = float(chances[row, 4 * i + j])
                total += chance * factor if words[j, i] < below else chance
                tilted[4 * i + j] = total
        out[row] = min(np.searchsorted(tilted, draws[row] * total, side="right"), 4 * blocks - 1)


@njit(cache=True, nogil=True)
def plain(chances: Any, draws: Any, out: Any) -> None:
    """A token (rows,) of each law (rows, vocabulary) by the inverse of its sums."""
    for row in range(len(chances)):
        wanted = draws[row] * chances[row].astype(np.float64).sum()
        total, found = 0.0, 0
        for i in range(chances.shape[1]):
            if chances[row, i] > 0:
                found = i
                total += chances[row, i]
                if total > wanted:
                    break
        out[row] = found


def _of_engine(key: int, context: Ints) -> Words:
    """vLLM: all of Philox's inputs but the token's number, by row."""
    low, high = np.uint64(key & WORD), np.uint64(key >> 32)
    width = context.shape[1]
    words = np.full((len(context), -(-width // 4) * 4), 0, np.uint64)
    words[:, :width] = context.astype(np.uint64) & np.uint64(WORD)
    for spare in range(width, words.shape[1]):
        words[:, spare] = WORD - spare % 4
    state = tuple(np.full(len(context), start, np.uint64) for start in (CONTEXT_DOMAIN, width, 0, 0))
    for offset in range(0, width, 4):
        block = tuple(state[i] ^ words[:, offset + i] for i in range(4))
        state = plain_philox(block, (low ^ np.uint64(offset), high))
    last = np.full(len(context), high ^ np.uint64(TOKEN_DOMAIN))
    return np.stack([state[0], state[1], state[2], low ^ state[3], last], 1)


def _seeds(numbers: tuple[int, ...], context: Ints) -> Words:
    out = np.empty(len(context), np.uint64)
    seeds(np.ascontiguousarray(context.T), np.array(numbers[:2], np.uint64), out)
    return out


def constants(mark: Mark, context: Ints, account: Ints) -> Words:
    """Philox's inputs (rows, 5) for contexts (rows, width) of answers of accounts (rows,)."""
    if mark.engine:
        return _of_engine(mark.keys[0].numbers[0], context)
    seed = np.empty(len(context), np.uint64)
    for number, key in enumerate(mark.keys):
        mine = account == number
        seed[mine] = _seeds(key.numbers, context[mine])
    if mark.master is not None:
        masters = (_seeds(mark.coin, context) >> np.uint64(32)) >= np.uint64(int(mark.share * 2**32))
        seed[masters] = _seeds(mark.master.numbers, context[masters])
    zero = np.zeros_like(seed)
    use = zero + np.uint64(GUMBEL if mark.kind == "gumbel" else TILT)
    return np.stack([use, zero, zero, seed & np.uint64(WORD), seed >> np.uint64(32)], 1)


class Sampler:
    """Chooses tokens for many answers at once; contexts that an answer had before stay unmarked (Gumbel)."""

    def __init__(self, mark: Mark, account: Ints, random: np.random.Generator) -> None:
        self.mark, self.account, self.random = mark, account, random
        self.seen: list[set[bytes]] = [set() for _ in account]

    def choose(self, chances: NDArray[np.float32], before: Ints, begun: int) -> Ints:
        """Tokens (rows,) after `before` (rows, n), whose first `begun` are the prompt."""
        mark, rows = self.mark, len(chances)
        out = np.empty(rows, np.int64)
        if mark.kind == "none":
            plain(chances, self.random.random(rows), out)
            return out
        if mark.engine:
            padded = np.concatenate([np.full((rows, mark.width), -1), before[:, begun:]], 1)
            context = padded[:, -mark.width :]
        else:
            context = before[:, -mark.width :]
        context = np.ascontiguousarray(context)
        inputs = constants(mark, context, self.account)
        if mark.kind == "tilt":
            below = np.uint64(int(mark.gamma * 2**32))
            _tilt(chances, inputs, below, np.exp(mark.delta), self.random.random(rows), out)
            return out
        shift, size = (8, 2.0**24) if mark.engine else (0, 2.0**32)
        _race(chances, inputs, np.uint64(shift), size, out)
        again = np.zeros(rows, bool)
        for row, here in enumerate(context):
            told = here.tobytes()
            again[row] = told in self.seen[row]
            self.seen[row].add(told)
        if again.any():
            fresh = np.empty(int(again.sum()), np.int64)
            plain(chances[again], self.random.random(len(fresh)), fresh)
            out[again] = fresh
        return out


def serve(model: gpt.GPT, prompts: Ints, length: int, mark: Mark, account: Ints, seed: int) -> Ints:
    """Prompts (rows, n) with answers of `length` tokens at temperature 1: (rows, n + length)."""
    random, parts = np.random.default_rng(seed), []
    for first in range(0, len(prompts), ROWS):
        here = slice(first, first + ROWS)
        tokens = prompts[here]
        sampler = Sampler(mark, account[here], random)
        decoder, new = student_models.Decoder(model, len(tokens), prompts.shape[1] + length), tokens
        for _ in range(length):
            chosen = sampler.choose(decoder.chances(new), tokens, prompts.shape[1])
            new = chosen[:, None]
            tokens = np.concatenate([tokens, new], 1)
        parts.append(tokens)
    return np.concatenate(parts)


def checked(scheme: Scheme, mark: Mark, context: Ints) -> bool:
    """Whether the race and the tilt here see the same values as the scheme's own `values`, for one context (width,)."""
    tokens = np.arange(4096)
    places = np.arange(len(tokens))
    units = Units(np.tile(context, (4096, 1)), tokens, places, np.ones_like(places), 4096)
    theirs = scheme.values(mark.keys[0], units)[:, 0]
    inputs = constants(mark, context[None], np.zeros(1, np.int64))[0]
    blocks = np.arange(1024, dtype=np.uint64)
    first, rest = (blocks, *inputs[:3]), (inputs[3], inputs[4])
    words = plain_philox(tuple(np.broadcast_to(each, blocks.shape).astype(np.uint64) for each in first), rest)
    ours = np.stack(words, 1).ravel()
    if isinstance(scheme, vllm.Gumbel):
        return bool((ours >> np.uint64(8) == theirs).all())
    if mark.kind == "tilt":
        return bool(((ours < int(mark.gamma * 2**32)) == theirs).all())
    return bool((ours == theirs).all())
