"""SynthID Text as transformers has it (`SynthIDTextWatermarkingConfig`): some 30 bits a token, one a layer.

A layer's bit is looked up in a public table at a place that the hash of a window and the layer's key give. The secret
is thus a shift of the table by each key, which makes the law of any sum of scores under random keys computable, for
one text as it is (`shifts`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError, UsageError, Where
from headwater.mark import law
from headwater.mark.engines import shifts, windows
from headwater.mark.engines.configured import configured, numbers_of, random_numbers, rows, within
from headwater.mark.engines.torch_random import randint
from headwater.mark.engines.totals import Tables
from headwater.mark.scheme import MarkKey, Null, Tokens, Units, Values
from headwater.mark.score import Scorer, Table

_CARD = {
    "checked against": (
        "transformers 5.24.0 with torch 2.13.0 on the CPU: values, its mask of repeated contexts, and text that its "
        "generate() marked"
    ),
    "unchecked": (
        'text that was marked on a GPU: torch makes another table there, which `device = "cuda"` makes again, and '
        "that was held against nothing yet. A known marked text tells whether it is right; a wrong table finds no mark."
    ),
    "weaknesses": (
        "The hash has no cryptographic security and the table is public: a key of a layer counts by its remainder "
        "modulo the table's size (65,536 as a rule), and so few keys can be tried. Windows whose hashes agree in the "
        "same way have the same values in all layers, whatever the keys; they are one unit here. With the usual "
        "sizes (powers of two) p-values take account of all of this; with others, decoy keys are the check."
    ),
}
_FACTOR = 6364136223846793005
#: Not to be foreseen by who writes the text; nothing that is found depends on it.
_SEED = secrets.randbits(63)


@dataclass(frozen=True)
class SynthID:
    """Tournament sampling. The key is `layers` integers (transformers' `keys`).

    The other settings are transformers'. `device`: where the table was made, as torch makes another one on a GPU
    (`cuda`: of at least 65,536 resident threads). `whole`: whether the text begins where the answer began, whose
    first tokens the engine marks as if zeros stood before them.
    """

    layers: int = 30
    ngram_len: int = 5
    context_history_size: int = 1024
    sampling_table_size: int = 2**16
    sampling_table_seed: int = 0
    skip_first_ngram_calls: bool = False
    device: Literal["cpu", "cuda"] = "cpu"
    whole: bool = True
    name: ClassVar[str] = "synthid"
    card: ClassVar[dict[str, str]] = _CARD
    width: int = field(init=False)
    streams: int = field(init=False)
    null: Null = field(init=False)

    def __post_init__(self) -> None:
        within("layers", self.layers, 1, 1024)
        within("ngram_len", self.ngram_len, 2, windows.WIDEST)
        within("context_history_size", self.context_history_size, 1, 2**32)
        within("sampling_table_size", self.sampling_table_size, 2, 2**24)
        within("sampling_table_seed", self.sampling_table_seed, 0, 2**64 - 1)
        if self.device == "cuda":
            within("sampling_table_size", self.sampling_table_size, 2, 2**16)
        object.__setattr__(self, "width", self.ngram_len - 1)
        object.__setattr__(self, "streams", self.layers)
        table = sampling_table(self.sampling_table_size, self.sampling_table_seed, self.device)
        if table.min() == table.max():
            what = "all bits of this table are the same"
            raise ConfigurationError(what, where=Where(field="sampling_table_size"))
        object.__setattr__(self, "null", Null(len(table), int(table.sum())))

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        """The distinct windows of the answer, which begins after `prompt` tokens, where the engine marked them.

        Windows that have the same values under every key are one unit.
        """
        read = windows.checked(tokens)
        if not 0 <= prompt <= len(read):
            raise UsageError("the prompt is longer than the text")
        begins = self.whole and not self.skip_first_ngram_calls
        padding = np.zeros(self.width if begins else 0, np.int64)
        answer = np.concatenate([padding, read[prompt:]])
        from headwater.mark.engines.kernel.synthid import marked

        room = max(len(answer) - self.width, 0)
        where, times = np.empty(room, np.int64), np.empty(room, np.int64)
        bits = max(int(1.5 * room).bit_length(), 4)
        mask = np.uint64(self.sampling_table_size - 1 if self._shifted else 2**64 - 1)
        found = marked(answer, self.width, self.context_history_size, mask, _SEED, bits, where, times)
        where = where[:found]
        context = answer[where[:, None] + np.arange(-self.width, 0)]
        return Units(
            context, answer[where], where + prompt - len(padding), times[:found].copy(), len(read) - prompt
        )

    def values(self, key: MarkKey, units: Units) -> Values:
        """The bits of `units` under `key`: (n, layers)."""
        from headwater.mark.engines.kernel import synthid

        numbers = np.array(numbers_of(key, self.layers), np.uint64)
        out = np.empty((len(units), self.layers), np.uint32)
        look = synthid.looked_up_shifted if self._shifted else synthid.looked_up
        look(self._hashes(units), numbers, self._table, out)
        return out

    def random_key(self, random: np.random.Generator) -> MarkKey:
        """A key that nobody uses."""
        return MarkKey("decoy", random_numbers(random, self.layers))

    def rows(self, keys: Sequence[MarkKey]) -> NDArray[np.uint64]:
        """The keys as `totals` takes them: (keys, layers)."""
        return rows(keys, self.layers)

    def totals(
        self,
        keys: NDArray[np.uint64],
        units: Units,
        of: NDArray[np.int64],
        tables: Tables,
        out: NDArray[np.int64],
    ) -> None:
        """Add the scores of `units` under many keys (see `engines.totals`)."""
        shifts.add_totals(self._hashes(units), keys, self._table, self._shifted, of, tables.quick, out)

    def log_tails(
        self,
        scorer: Scorer,
        units: Units,
        totals: NDArray[np.int64],
        classes: NDArray[np.intp] | None = None,
    ) -> NDArray[np.float64]:
        """ln of the chance of at least each of `totals` under keys drawn at random, for this text as it is."""
        if not self._shifted or not len(units):
            return law.log_tails(scorer.parts(self.null, units, classes), totals)
        parts, offset = shifts.parts(self._hashes(units), self._table, scorer, units.times, classes)
        return law.log_tails(parts, np.asarray(totals, np.int64) - offset)

    @property
    def _shifted(self) -> bool:
        return self.sampling_table_size & (self.sampling_table_size - 1) == 0

    @property
    def _table(self) -> NDArray[np.uint8]:
        make = shifted_table if self._shifted else sampling_table
        return make(self.sampling_table_size, self.sampling_table_seed, self.device)

    def _hashes(self, units: Units) -> NDArray[np.uint64]:
        from headwater.mark.engines.kernel.synthid import hashes

        out = np.empty(len(units), np.uint64)
        hashes(units.context, units.token, out)
        return out


@lru_cache(maxsize=16)
def sampling_table(size: int, seed: int, device: str = "cpu") -> NDArray[np.uint8]:
    """The table of bits that transformers makes with `torch.randint` on a device.

    For a GPU, as far as torch's launches are known: each thread draws one number, word 0 of Philox with the thread's
    number as subsequence. Unchecked.
    """
    if device == "cpu":
        table = randint(0, 2, size, seed).astype(np.uint8)
    else:
        from headwater.mark.engines.philox import philox

        low = 2**32 - 1
        table = (philox((0, 0, np.arange(size), 0), (seed & low, seed >> 32))[0] & 1).astype(np.uint8)
    table.setflags(write=False)
    return table


@lru_cache(maxsize=16)
def shifted_table(size: int, seed: int, device: str = "cpu") -> NDArray[np.uint8]:
    """The table by what a hash and a key add up to: entry x is the bit at (x * factor + 1) % `size`, a power of two."""
    places = (np.arange(size, dtype=np.uint64) * np.uint64(_FACTOR) + np.uint64(1)) % np.uint64(size)
    return sampling_table(size, seed, device)[places.astype(np.intp)]


def mean(layers: int) -> Scorer:
    """The engine's mean score: how many of all bits are one (divide by units * `layers`)."""
    return _weighted("synthid mean", [1] * layers)


def weighted_mean(layers: int) -> Scorer:
    """The engine's weighted mean, weights falling from 10 to 1, as integers in the same ratios.

    Divide by units * the sum of `weights`. Source: detector_mean.py of google-deepmind/synthid-text.
    """
    return _weighted("synthid weighted mean", weights(layers))


def weights(layers: int) -> list[int]:
    """`linspace(10, 1, layers)` as the smallest integers in the same ratios."""
    found = [10 * (layers - 1) - 9 * layer for layer in range(layers)] if layers > 1 else [1]
    return [weight // int(np.gcd.reduce(found)) for weight in found]


def _weighted(name: str, by_layer: Sequence[int]) -> Scorer:
    edges = np.array([0, 1, 2])
    return Scorer(name, (tuple(Table(edges, np.array([0, weight]), 1.0) for weight in by_layer),))


def synthid(config: Mapping[str, Any]) -> SynthID:
    """The scheme `synthid` with a keyring's settings."""
    return configured(SynthID, config)
