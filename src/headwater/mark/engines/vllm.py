"""vLLM's marks: Gumbel-max sampling keyed by Philox, under one key (`vllm-gumbel`) or two (`vllm-dual-key`).

A context is the tokens of the answer before a token, never of the prompt; where the answer has fewer, vLLM puts -1.
Sampling takes the largest logit plus Gumbel noise, so the token that was taken tends to have a large value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from headwater.mark.engines import windows
from headwater.mark.engines.configured import configured, numbers_of, random_numbers, rows, within
from headwater.mark.engines.totals import Tables
from headwater.mark.engines.vllm_function import SIZE, derived_key, mantissas, uniforms
from headwater.mark.scheme import MarkKey, Null, Tokens, Units, Values

_CHECKED = (
    "vLLM 0.33.0: its golden vectors, its detector's scores and the tokens of its CPU sampler, bit for bit; "
    "met no live engine, and its GPU kernels only by their source"
)
_WEAK = (
    "Philox isn't a cryptographic generator: who sees enough values may learn the key. A key of 64 bits that a person "
    "chose can be guessed. Every answer begins with the same context, so first tokens of many answers are one unit "
    "where documents are read together."
)

#: What the engine's `--watermark-config` calls our settings.
CALLED = {"context_width": "width", "deduplicate_contexts": "dedup"}


@dataclass(frozen=True)
class Gumbel:
    """Gumbel-max under one key: an integer of 64 bits.

    `width`: tokens of context (1 to 64); `dedup`: the engine's `deduplicate_contexts`: which repetitions it left
    unmarked; `whole`: whether the text begins where the answer began, so that its first tokens can be read, too.
    """

    width: int = 4
    dedup: Literal["none", "single_turn", "all"] = "single_turn"
    whole: bool = True
    name: ClassVar[str] = "vllm-gumbel"
    streams: ClassVar[int] = 1
    null: ClassVar[Null] = Null(SIZE)
    card: ClassVar[dict[str, str]] = {"checked against": _CHECKED, "weaknesses": _WEAK}
    window: windows.Window = field(init=False, repr=False)

    def __post_init__(self) -> None:
        within("width", self.width, 1, windows.WIDEST)
        everything = self.dedup == "all"
        window = windows.Window(
            self.width,
            count="pairs" if self.dedup == "none" else "first",
            into_prompt=False,
            padding=-1 if self.whole and not everything else None,
            prompt_seen=everything,
        )
        object.__setattr__(self, "window", window)

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        """The distinct units of the answer, which begins after `prompt` tokens."""
        return windows.find(tokens, self.window, prompt=prompt)

    def values(self, key: MarkKey, units: Units) -> Values:
        """The mantissas of `units` under `key`: (n, streams)."""
        from headwater.mark.engines.kernel.vllm import values

        out = np.empty((self.streams, len(units)), np.uint32)
        if len(units):
            values(windows.columns(units, self.width), units.token, self.rows([key])[0], out)
        return out.T

    def random_key(self, random: np.random.Generator) -> MarkKey:
        """A key that nobody uses."""
        return MarkKey("decoy", random_numbers(random, 1))

    def rows(self, keys: Sequence[MarkKey]) -> NDArray[np.uint64]:
        """The keys as the compiled loops take them: (keys, streams)."""
        return rows(keys, 1)

    def totals(
        self,
        keys: NDArray[np.uint64],
        units: Units,
        of: NDArray[np.int64],
        tables: Tables,
        out: NDArray[np.int64],
    ) -> None:
        """Add the scores of `units` under many keys (see `engines.totals`)."""
        from headwater.mark.engines.kernel.vllm import totals

        totals(windows.columns(units, self.width), units.token, keys, of, tuple(tables), out)

    def choose(self, key: MarkKey, context: Sequence[int], logits: NDArray[np.float32]) -> int:
        """The token that vLLM's CPU sampler takes after `context` (the last of it counts, -1 for none)."""
        return chosen(self.width, numbers_of(key, 1)[0], context, logits)


@dataclass(frozen=True)
class DualKey(Gumbel):
    """Gumbel-max under two keys that are made of one configured key: an integer of 64 bits.

    A token is drawn under the first with chance 1 - `alpha`, else under the second (with speculative decoding: drafts
    under the first, what the target model draws under the second). Both are read: two streams.
    """

    alpha: float = 0.1
    name: ClassVar[str] = "vllm-dual-key"
    streams: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        within("alpha", self.alpha, 0, 1)

    @property
    def weights(self) -> tuple[float, float]:
        """What the engine's detector counts a value of each key for; never nothing, so that neither is overlooked."""
        least = 1 / 64
        return max(least, 1 - self.alpha), max(least, self.alpha)

    def rows(self, keys: Sequence[MarkKey]) -> NDArray[np.uint64]:
        """The two keys of each."""
        both = [
            tuple(derived_key(number, domain) for domain in (b"key_a", b"key_b"))
            for (number,) in (numbers_of(key, 1) for key in keys)
        ]
        return np.array(both, np.uint64).reshape(len(keys), 2)

    def choose(
        self, key: MarkKey, context: Sequence[int], logits: NDArray[np.float32], *, second: bool = False
    ) -> int:
        """The token under the first key, or under the `second`."""
        return chosen(self.width, int(self.rows([key])[0, int(second)]), context, logits)


def chosen(width: int, key: int, context: Sequence[int], logits: NDArray[np.float32]) -> int:
    """The largest of logits (vocabulary,) plus noise in float32, as vLLM computes it on a CPU; the first of equals."""
    before = np.full(width, -1, np.int64)
    last = np.asarray(context, np.int64)[-width:]
    if len(last):
        before[-len(last) :] = last
    ids = np.arange(len(logits), dtype=np.int64)
    values = mantissas(np.broadcast_to(before, (len(ids), width)), ids, key)
    uniform = np.maximum(uniforms(values), np.finfo(np.float32).tiny)
    return int(np.argmax(logits.astype(np.float32) - np.log(-np.log(uniform))))


def gumbel(config: Mapping[str, Any]) -> Gumbel:
    """The scheme `vllm-gumbel` with a keyring's settings."""
    return configured(Gumbel, config, CALLED)


def dual_key(config: Mapping[str, Any]) -> DualKey:
    """The scheme `vllm-dual-key` with a keyring's settings."""
    return configured(DualKey, config, CALLED)
