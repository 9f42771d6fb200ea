"""Unigram-Watermark (Zhao et al., 2023): one green list for all positions, made by NumPy's generator from the key.

The authors' code and MarkLLM's are the same stream. A unit is a distinct token, however often it stands in the text:
the list is the same everywhere, so that a token's second occurrence says nothing new about the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigurationError, Where
from headwater.mark import law
from headwater.mark.engines import windows
from headwater.mark.engines.configured import configured, numbers_of, within
from headwater.mark.engines.replacement import log_factor, within_vocabulary
from headwater.mark.engines.torch_random import LARGEST
from headwater.mark.scheme import MarkKey, Null, Tokens, Units, Values
from headwater.mark.score import Scorer
from headwater.mark.tails.counts import log_hypergeometric_tail

_CHECKED = (
    "XuandongZhao/Unigram-Watermark b96cdb4 and THU-BPM/MarkLLM 112fa74: lists and z scores of their own classes, "
    "with NumPy 2"
)
_WEAK = (
    "There is one list: who sees enough text can read it off, and its key is a seed of 32 bits in the end. A text "
    "about one subject repeats few words, and these are green or not for every key alike: only distinct tokens count. "
    "Tokens are drawn without replacement; tails take this into account."
)


@dataclass(frozen=True)
class Unigram:
    """A fixed green list. `vocab_size` as the engine was told (often the model's, not the tokenizer's), `fraction` of
    which are green. The key is one integer below 2^63."""

    vocab_size: int
    fraction: float = 0.5
    name: ClassVar[str] = "unigram"
    width: ClassVar[int] = 0
    streams: ClassVar[int] = 1
    #: The values of all units are one draw without replacement.
    exchangeable: ClassVar[bool] = True
    card: ClassVar[dict[str, str]] = {"checked against": _CHECKED, "weaknesses": _WEAK}
    null: Null = field(init=False)

    def __post_init__(self) -> None:
        within("vocab_size", self.vocab_size, 2, LARGEST)
        object.__setattr__(self, "null", Null(self.vocab_size, green_count(self.vocab_size, self.fraction)))

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        """The distinct tokens behind the prompt. Ids outside the vocabulary carry no mark and are left out."""
        found = windows.find(tokens, windows.Window(0, count="pairs"), prompt=prompt)
        return found.part(found.token < self.vocab_size)

    def values(self, key: MarkKey, units: Units) -> Values:
        """1 where a token is green: (n, 1)."""
        self.check_key(key)
        within_vocabulary(units, self.vocab_size)
        return green_list(key.numbers[0], *_list_of(self.null))[units.token].astype(np.uint32)[:, None]

    def check_key(self, key: MarkKey) -> None:
        """Raise `ConfigurationError` for a key that the engine's generator doesn't take."""
        if numbers_of(key, 1)[0] >= 2**63:
            raise ConfigurationError("a key of this scheme is below 2^63", where=Where(field="key"))

    def random_key(self, random: np.random.Generator) -> MarkKey:
        """A key that nobody uses."""
        return MarkKey("decoy", (int(random.integers(2**63 - 1)),))

    def log_tails(
        self,
        scorer: Scorer,
        units: Units,
        totals: NDArray[np.int64],
        classes: NDArray[np.intp] | None = None,
    ) -> NDArray[np.float64]:
        """ln of the chance of at least each of `totals` without the key, an upper bound that allows for the draw
        without replacement."""
        more = log_factor(np.array([len(units)]), *_list_of(self.null))
        found = law.log_tails(scorer.parts(self.null, units, classes), totals) + more
        return np.minimum(found, 0.0)


def green_count(size: int, fraction: float) -> int:
    """How many of `size` tokens are green, as the engines round it: at least one, and not all."""
    green = int(size * fraction)
    if not 0 < green < size:
        raise ConfigurationError(
            "this part of the vocabulary leaves no green or no other tokens", where=Where(field="fraction")
        )
    return green


def _list_of(null: Null) -> tuple[int, int]:
    return null.size, null.ones or 0


@lru_cache(maxsize=256)
def green_list(key: int, size: int, green: int) -> NDArray[np.bool_]:
    """The mask of the green tokens: (size,). Source: GPTWatermarkBase in gptwm.py."""
    digest = hashlib.sha256(key.to_bytes(8, "little")).digest()
    mask = np.zeros(size, np.bool_)
    mask[:green] = True
    np.random.default_rng(int.from_bytes(digest[:4], "little")).shuffle(mask)
    mask.setflags(write=False)
    return mask


def unigram_log_tail(scheme: Unigram, units: Units, green: int) -> float:
    """ln of the chance that at least `green` of the distinct tokens of `units` are green without the key: exactly
    (hypergeometric), rounded up."""
    size, ones = _list_of(scheme.null)
    return log_hypergeometric_tail(green, len(units), ones, size)


def unigram(config: Mapping[str, Any]) -> Unigram:
    """The scheme `unigram` with a keyring's settings."""
    return configured(Unigram, config, {"gamma": "fraction"})  # MarkLLM's name
