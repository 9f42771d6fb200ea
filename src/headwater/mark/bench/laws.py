"""Where the bench's next-token laws come from: a small GPT, counts of texts, or made laws of a given entropy.

A source writes many answers side by side, one token at a time, and knows nothing of marks. No torch is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.bench.cached_gpt import CachedGPT
from headwater.mark.proxy import GPT, Counts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Tokens that are less likely than this are never written.
LEAST = 1e-6


class Stream(Protocol):
    """Answers that are being written, side by side."""

    def logits(self) -> NDArray[np.floating]:
        """Logits (rows, tokens) of what comes next in each row; -inf for what can't."""
        ...

    def append(self, tokens: Ints) -> None:
        """Put one token (rows,) behind each row."""
        ...


class Source(Protocol):
    """Something that has next-token laws. `size`: its token ids are below this."""

    @property
    def name(self) -> str:
        """As the table calls it."""
        ...

    @property
    def size(self) -> int:
        """How many token ids there are."""
        ...

    def begin(self, prompts: Ints) -> Stream:
        """Answers to `prompts` (rows, n), n at least 1."""
        ...


@dataclass(frozen=True)
class Model:
    """A small GPT in NumPy (see `mark.proxy.gpt`), with a cache of what it has read."""

    gpt: GPT

    @property
    def name(self) -> str:
        """The model's."""
        return self.gpt.name

    @property
    def size(self) -> int:
        """Its tokens."""
        return self.gpt.tokens

    def begin(self, prompts: Ints) -> CachedGPT:
        """See `Source`."""
        return CachedGPT(self.gpt, prompts)


@dataclass(frozen=True)
class CountedTexts:
    """Counts of texts (`headwater mark count`) as a model: slower than a GPT, and needs no weights."""

    counts: Counts

    @property
    def name(self) -> str:
        """The counts'."""
        return self.counts.name

    @property
    def size(self) -> int:
        """Their tokens."""
        return self.counts.tokens

    def begin(self, prompts: Ints) -> _CountedStream:
        """See `Source`."""
        return _CountedStream(self.counts, prompts)


class _CountedStream:
    def __init__(self, counts: Counts, prompts: Ints) -> None:
        self.counts, self.rows = counts, prompts

    def logits(self) -> Floats:
        return np.log(np.stack([self.counts.law(row) for row in self.rows]))

    def append(self, tokens: Ints) -> None:
        self.rows = np.concatenate([self.rows, tokens[:, None]], 1)[:, -8:]


@dataclass(frozen=True)
class MadeLaws:
    """Laws of a mean entropy of `entropy` nats that depend on nothing: statistics alone, and no text.

    Each is Zipf's over 1,024 tokens, laid anew at each step; its entropy is `entropy` times a number drawn from the
    exponential law, in 16 steps, for real laws' entropies differ as much.
    """

    entropy: float
    size: int = 8192
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.01 <= self.entropy <= 3:
            raise UsageError("made laws have an entropy of 0.01 to 3 nats", hint="a model can have more")

    @property
    def name(self) -> str:
        """What they are."""
        return "made laws"

    def begin(self, prompts: Ints) -> _MadeStream:
        """See `Source`."""
        return _MadeStream(self, len(prompts))


_KINDS, _WIDE = 16, 1024


class _MadeStream:
    def __init__(self, made: MadeLaws, rows: int) -> None:
        self.made, self.rows = made, rows
        self.random = np.random.default_rng([made.seed, rows])
        shares = -np.log1p(-(np.arange(_KINDS) + 0.5) / _KINDS)
        wanted = np.minimum(made.entropy * shares / shares.mean(), 6.5)
        self.logs = np.stack([_zipf(each) for each in wanted])

    def logits(self) -> Floats:
        found = np.full((self.rows, self.made.size), -np.inf)
        kind = self.random.integers(_KINDS, size=self.rows)
        factor = 2 * self.random.integers(self.made.size // 2, size=self.rows) + 1
        shift = self.random.integers(self.made.size, size=self.rows)
        places = (np.arange(_WIDE)[None, :] * factor[:, None] + shift[:, None]) % self.made.size
        np.put_along_axis(found, places, self.logs[kind], 1)
        return found

    def append(self, tokens: Ints) -> None:
        """Nothing depends on them."""


def _zipf(entropy: float) -> Floats:
    """ln of Zipf's law over 1,024 tokens with an entropy in nats, by bisection of its exponent."""
    ranks = np.log(np.arange(1, _WIDE + 1))
    low, high = 0.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        logs = -middle * ranks - np.log(np.exp(-middle * ranks).sum())
        low, high = (middle, high) if -(np.exp(logs) * logs).sum() > entropy else (low, middle)
    found: Floats = logs
    return found
