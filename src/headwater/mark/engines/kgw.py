"""Green lists keyed by the context (Kirchenbauer et al., 2023): transformers' `WatermarkingConfig`, lm-watermarking's
`simple_1` and `selfhash`, and MarkLLM's KGW, on their CPU stream.

Engines permute the vocabulary with torch's generator and take its first part as green. A unit is a distinct pair of
context and token; its value is 1 where the token is green, found without building the permutation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError, Where
from headwater.mark import law
from headwater.mark.engines import kgw_seeds, windows
from headwater.mark.engines.configured import configured, numbers_of, within
from headwater.mark.engines.replacement import log_factor, within_vocabulary
from headwater.mark.engines.torch_random import LARGEST
from headwater.mark.scheme import MarkKey, Null, Tokens, Units, Values
from headwater.mark.score import Scorer

_CARD = {
    "checked against": (
        "transformers 5.24.0 with torch 2.13.0 on the CPU: green lists, its detector's counts, and text that its "
        "generate() marked; jwkirchenbauer/lm-watermarking fb602de and THU-BPM/MarkLLM 112fa74: their own classes on "
        "the CPU"
    ),
    "weaknesses": (
        "torch's CPU generator uses 32 bits of a seed, so that keys which agree in their low 32 bits are one key, and "
        "any key can be found by trying. lefthash: after token 0 the list is the same under every key; such "
        "contexts are left out. selfhash: different windows can get the same seed (4% of 250 tokens and 22% of 5,000, "
        "at a width of 4); under a key each list's token counts once, and noise stands for the rest. MarkLLM: there "
        "are as many lists as tokens, the same under every key, and the key only says which comes after which "
        "context. Lists are drawn without replacement; tails take this into account."
    ),
    "not read": "text marked on a GPU: torch's CUDA generator makes other lists",
}
#: Other engines' names of settings: lm-watermarking's and MarkLLM's.
_CALLED = {"gamma": "greenlist_ratio", "prefix_length": "context_width"}
Engine = Literal["transformers", "lm-watermarking", "markllm"]


@dataclass(frozen=True)
class Kgw:
    """A green list by context. The key is one integer (`hashing_key`, MarkLLM's `hash_key`).

    `vocab_size` as the engine was told: the model's, often more than the tokenizer's. `context_width`: only selfhash
    and MarkLLM (`prefix_length`) look further back than one token. `select_green_tokens`: lm-watermarking's legacy
    lists, the last part of the permutation, where false. `device`: where the lists were made; only `cpu` is known.
    """

    vocab_size: int
    greenlist_ratio: float = 0.25
    seeding_scheme: Literal["lefthash", "selfhash", "simple_1"] = "lefthash"
    context_width: int = 1
    engine: Engine = "transformers"
    f_scheme: Literal["time", "additive", "skip"] = "time"
    select_green_tokens: bool = True
    device: Literal["cpu", "cuda"] = "cpu"
    name: ClassVar[str] = "kgw"
    streams: ClassVar[int] = 1
    #: A list of a context is half a millisecond of work.
    decoys: ClassVar[int] = 200
    card: ClassVar[dict[str, str]] = _CARD
    width: int = field(init=False)
    null: Null = field(init=False)

    def __post_init__(self) -> None:
        within("vocab_size", self.vocab_size, 2, LARGEST)
        within("context_width", self.context_width, 1, windows.WIDEST)
        if self.device != "cpu":
            what = "green lists made on a GPU can't be read: torch's CUDA generator isn't known here"
            hint = "generate with the mark's processor on the CPU, or use a mark that doesn't depend on the device"
            raise ConfigurationError(what, where=Where(field="device"), hint=hint)
        if self.engine == "markllm" and self.seeding_scheme == "selfhash":
            what = "MarkLLM's window scheme `self` can't be read"
            raise ConfigurationError(what, where=Where(field="seeding_scheme"))
        green = int(self.vocab_size * self.greenlist_ratio)
        if not 0 < green < self.vocab_size:
            what = "this part of the vocabulary leaves no green or no other tokens"
            raise ConfigurationError(what, where=Where(field="greenlist_ratio"))
        width = self.context_width - self._own if self._own or self.engine == "markllm" else 1
        object.__setattr__(self, "width", width)
        object.__setattr__(self, "null", Null(self.vocab_size, green))

    @property
    def _own(self) -> bool:
        return self.seeding_scheme == "selfhash"

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        """The distinct pairs of context and token behind the prompt, which contexts may reach into.

        Tokens outside the vocabulary, and contexts after which every key has the same list, are left out.
        """
        found = windows.find(tokens, windows.Window(self.width, count="pairs"), prompt=prompt)
        used = found.token < self.vocab_size
        if self.engine == "markllm":
            return self._merged(found.part(used & (found.context < self.vocab_size).all(axis=1)))
        if not self._own:
            used &= found.context[:, -1] != 0
        return found if used.all() else found.part(used)

    def values(self, key: MarkKey, units: Units) -> Values:
        """1 where a token is green: (n, 1).

        Units that share seed and token with one before them under `key` have a value drawn afresh, green as often as
        any, for they are no evidence of their own (`distinct`), and values of units are to be independent.
        """
        found = self.green(key, units)
        again = ~self.distinct(key, units)
        if again.any():
            fresh = kgw_seeds.drawn(key.numbers[0], units.part(again), self.null.ones or 0, self.vocab_size)
            found[again, 0] = fresh
        return found

    def green(self, key: MarkKey, units: Units) -> Values:
        """1 where the engine calls a token green: (n, 1)."""
        if not len(units):
            return np.zeros((0, 1), np.uint32)
        within_vocabulary(units, self.vocab_size)
        from headwater.mark.engines.kernel.shuffled import leading

        pairs, where = np.unique(self._inputs(key, units), return_inverse=True)
        seeds, begins = np.unique(pairs >> np.uint64(32), return_index=True)
        tokens = (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)
        first = self._first
        found = np.empty(len(pairs), np.uint8)
        leading(
            seeds.astype(np.uint32),
            np.append(begins, len(pairs)),
            tokens,
            self.vocab_size,
            first,
            1 / (self.vocab_size - np.arange(first, dtype=np.float64)),
            found,
        )
        green = found if self.select_green_tokens else 1 - found
        return green[where].astype(np.uint32)[:, None]

    def distinct(self, key: MarkKey, units: Units) -> NDArray[np.bool_]:
        """Which units are the first with their seed and token under `key`: the others have the value of one of these,
        whatever the key's lists are, and are no evidence of their own."""
        first = np.zeros(len(units), np.bool_)
        first[np.unique(self._inputs(key, units), return_index=True)[1]] = True
        return first

    def check_key(self, key: MarkKey) -> None:
        """Raise `ConfigurationError` for a key that makes no lists of its own: the same ones as every such key."""
        (number,) = numbers_of(key, 1)
        where = Where(field="key")
        if self._own and number >= 2**63:
            raise ConfigurationError("a key of selfhash is below 2^63", where=where)
        if self.engine == "markllm":
            if number % self.vocab_size == 0:
                what = "a key that is 0 or a multiple of vocab_size makes one list for all contexts"
                raise ConfigurationError(what, where=where, hint="text can't be told to be marked under it")
        elif number % 2**31 == 0:
            what = "a key that is 0 or a multiple of 2^31 makes lists that don't depend on the key"
            raise ConfigurationError(what, where=where, hint="text can't be told to be marked under it")

    def random_key(self, random: np.random.Generator) -> MarkKey:
        """A key that nobody uses: odd, and without a factor that MarkLLM's modulus has."""
        while True:
            number = 2 * int(random.integers(2**31)) + 1
            if self.engine != "markllm" or math.gcd(number, self.vocab_size) == 1:
                return MarkKey("decoy", (number,))

    def log_tails(
        self,
        scorer: Scorer,
        units: Units,
        totals: NDArray[np.int64],
        classes: NDArray[np.intp] | None = None,
    ) -> NDArray[np.float64]:
        """ln of the chance of at least each of `totals` without the key, an upper bound that allows for tokens of one
        list being drawn without replacement."""
        size, green = self.null.size, self.null.ones or 0
        more = 0.0
        if len(units) and not self._own:
            counts = np.unique(self._lists(units), return_counts=True)[1]
            more = log_factor(counts, size, green)
        found = law.log_tails(scorer.parts(self.null, units, classes), totals) + more
        return np.minimum(found, 0.0)

    @property
    def _first(self) -> int:
        """How many places of the permutation decide."""
        green = self.null.ones or 0
        return green if self.select_green_tokens else self.vocab_size - green

    def _lists(self, units: Units) -> NDArray[np.int64]:
        """Which list each unit is of, whatever the key: the number that lefthash and MarkLLM make of a context."""
        if self.engine == "markllm":
            return kgw_seeds.numbers(self.vocab_size, units.context, self.f_scheme)
        return np.ascontiguousarray(units.context[:, -1])

    def _merged(self, units: Units) -> Units:
        """The units with those made one that MarkLLM's number of a context doesn't tell apart."""
        both = np.stack([self._lists(units), units.token])
        _, first, where = np.unique(both, axis=1, return_index=True, return_inverse=True)
        if len(first) == len(units):
            return units
        times = np.bincount(where.ravel(), weights=units.times).astype(np.int64)
        order = np.argsort(first)
        return replace(units.part(first[order]), times=times[order])

    def _inputs(self, key: MarkKey, units: Units) -> NDArray[np.uint64]:
        """Seed and token of each unit in one number: (n,)."""
        (number,) = numbers_of(key, 1)
        if self.engine == "markllm":
            seeds = kgw_seeds.of_vocabulary(number, self.vocab_size, self._lists(units))
        elif self._own:
            window = np.concatenate([units.context, units.token[:, None]], axis=1)
            seeds = kgw_seeds.own(number, window, public=self.engine == "lm-watermarking")
        else:
            seeds = kgw_seeds.left(number, self._lists(units))
        return (seeds.astype(np.uint64) << np.uint64(32)) | units.token.astype(np.uint64)


def kgw(config: Mapping[str, Any]) -> Kgw:
    """The scheme `kgw` with a keyring's settings."""
    return configured(Kgw, config, _CALLED)
