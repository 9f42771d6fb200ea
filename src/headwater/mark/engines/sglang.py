"""SGLang's mark (`sglang-gumbel`): Gumbel-max sampling keyed by MurmurHash3, under one key or two.

A context is the tokens before a token, those of the prompt included; where a request has fewer, the context is shorter.
With two keys a coin, keyed and made of the context, says under which of them a token was drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater.mark.engines import windows
from headwater.mark.engines.configured import configured, numbers_of, random_numbers, rows, within
from headwater.mark.engines.sglang_function import SIZE, WORD, coins, context_hashes, hashes
from headwater.mark.engines.totals import Tables
from headwater.mark.scheme import MarkKey, Null, Tokens, Units, Values

#: The engine marks no more contexts of one request than this.
MOST_CONTEXTS = 4096
#: What the engine calls our settings.
CALLED = {"context_window": "width", "mixing_probability": "mixing", "max_contexts": "contexts"}


@dataclass(frozen=True)
class Gumbel:
    """Gumbel-max under one key, or two (`mixing`: the chance of the first); each an integer of 64 bits.

    `width`: tokens of context (1 to 64); `contexts`: how many contexts of a text are scored, the first ones, as the
    engine marks no more of one request; 0: all (for texts that are made of many answers).
    """

    width: int = 4
    mixing: float | None = None
    contexts: int = MOST_CONTEXTS
    name: ClassVar[str] = "sglang-gumbel"
    streams: ClassVar[int] = 1
    null: ClassVar[Null] = Null(SIZE)
    card: ClassVar[dict[str, str]] = {
        "checked against": (
            "SGLang 0.5.23: its detector's hashes, coins and scores, bit for bit, and the tokens of its PyTorch "
            "selector; met no live engine, and its GPU kernels not at all"
        ),
        "weaknesses": (
            "MurmurHash3 isn't a cryptographic function: who sees values may find the key, and values under keys that "
            "are alike may be alike. A context's hash has 32 bits and no key: contexts that share it are one, as they "
            "are to the engine, and pairs of context and token that share a value under every key are one unit. Other "
            "pairs share a value under half of all keys; who knows them can write a text whose values aren't "
            "independent, so that decoy keys disagree and nothing is said. Where the engine's fp32 would round the "
            "largest 128 hashes to one, it computes their logarithm another way; hashes are compared as integers here, "
            "so nothing is rounded."
        ),
    }
    threshold: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        within("width", self.width, 1, windows.WIDEST)
        within("contexts", self.contexts, 0, windows.LONGEST)
        if self.mixing is not None:
            within("mixing", self.mixing, 2**-32, 1 - 2**-32)
        object.__setattr__(self, "threshold", int((self.mixing or 1.0) * SIZE))

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        """The distinct units. A prompt that is shorter than a context is taken to be the whole prompt.

        Of contexts with one hash the first counts, as in the engine; so it is with two hashes after which units may
        have one value under every key.
        """
        window = windows.Window(self.width, padding=-1 if prompt else None)
        found = windows.find(tokens, window, prompt=prompt)
        if not len(found):
            return found
        from headwater.mark.engines.kernel.sglang import alike

        contexts = np.empty(len(found), np.int64)
        alike(windows.columns(found, self.width), found.token, contexts)
        kept = windows.firsts(contexts)
        kept = kept[: self.contexts] if self.contexts else kept
        return found if len(kept) == len(found) else found.part(kept)

    def values(self, key: MarkKey, units: Units) -> Values:
        """The hashes of `units` under `key`, or under that of two which the coin names: (n, 1)."""
        from headwater.mark.engines.kernel.sglang import values

        numbers, out = self.rows([key])[0], np.empty(len(units), np.uint32)
        if len(units):
            values(windows.columns(units, self.width), units.token, numbers, np.uint64(self.threshold), out)
        return out[:, None]

    def random_key(self, random: np.random.Generator) -> MarkKey:
        """A key, or two, that nobody uses."""
        return MarkKey("decoy", random_numbers(random, self._numbers))

    @property
    def _numbers(self) -> int:
        return 1 if self.mixing is None else 2

    def rows(self, keys: Sequence[MarkKey]) -> NDArray[np.uint64]:
        """The keys as the compiled loops take them: (keys, 1 or 2)."""
        return rows(keys, self._numbers)

    def totals(
        self,
        keys: NDArray[np.uint64],
        units: Units,
        of: NDArray[np.int64],
        tables: Tables,
        out: NDArray[np.int64],
    ) -> None:
        """Add the scores of `units` under many keys (see `engines.totals`)."""
        from headwater.mark.engines.kernel.sglang import totals

        totals(
            windows.columns(units, self.width),
            units.token,
            keys,
            np.uint64(self.threshold),
            of,
            tuple(tables),
            out,
        )

    def choose(self, key: MarkKey, context: Sequence[int], logits: NDArray[np.float32]) -> int:
        """The token that SGLang's PyTorch selector takes: the largest ln(u)/p in float32, the first of equals.

        `logits`: (vocabulary,), those that were truncated being -inf.
        """
        last = np.asarray(context, np.int64)[-self.width :]
        place = context_hashes(last[None, :])
        numbers = numbers_of(key, self._numbers)
        first = len(numbers) == 1 or int(coins(place, *numbers)[0]) < self.threshold
        ids = np.arange(len(logits), dtype=np.int64)
        values = hashes(np.broadcast_to(place, ids.shape), ids, numbers[0 if first else 1])
        odds = np.exp(logits.astype(np.float32) - np.max(logits).astype(np.float32))
        return int(np.argmax(selected(values, odds / odds.sum())))


def selected(values: NDArray[np.uint32], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """What SGLang compares: ln(u)/p in float32, -inf where p is 0; near one, complements are taken before rounding."""
    scale = np.float32(SIZE)
    with np.errstate(divide="ignore"):  # the branch that isn't taken may have ln 0
        lower = np.log((values.astype(np.float32) + np.float32(0.5)) / scale)
        upper = np.log1p(-((np.uint32(WORD) - values).astype(np.float32) + np.float32(0.5)) / scale)
        logs = np.where(values < 1 << 31, lower, upper) / probabilities
    return np.where(probabilities > 0, logs, -np.inf).astype(np.float32)


def gumbel(config: Mapping[str, Any]) -> Gumbel:
    """The scheme `sglang-gumbel` with a keyring's settings."""
    return configured(Gumbel, config, CALLED)
