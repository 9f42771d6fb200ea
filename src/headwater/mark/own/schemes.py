"""Our own schemes, as readers and samplers use them: Gumbel-max and a green list; `layers` has those with two layers.

All look back over tokens of text and prompt alike, and mark nothing where there are too few of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater.mark.engines import windows
from headwater.mark.engines.configured import configured, numbers_of, random_numbers, rows, within
from headwater.mark.engines.totals import Tables
from headwater.mark.own.function import GUMBEL, SIZE, TILT, seed_of, values_of
from headwater.mark.scheme import MarkKey, Null, Tokens, Units, Values

MADE = (
    "made here: SipHash-2-4 and Philox4x32-10 by their published known answers; its own vectors in our tests"
)
KEYED = (
    "SipHash keeps seeds of different contexts apart from whoever doesn't have the key; Philox under a seed isn't a "
    "cryptographic generator, so many values of one context may give that context's seed away, never the key."
)


@dataclass(frozen=True)
class _Keyed:
    """What our schemes share: keys of two words, values by context and token."""

    width: int
    use: ClassVar[int]
    streams: ClassVar[int] = 1

    def words(self, key: MarkKey, units: Units) -> NDArray[np.uint32]:
        """The words of 32 bits that values are made of: (n,)."""
        from headwater.mark.own.kernel import values

        out = np.empty(len(units), np.uint32)
        if len(units):
            values(
                windows.columns(units, self.width), units.token, self.rows([key])[0], np.uint64(self.use), out
            )
        return out

    def random_key(self, random: np.random.Generator) -> MarkKey:
        """A key that nobody uses."""
        return MarkKey("decoy", random_numbers(random, 2))

    def rows(self, keys: Sequence[MarkKey]) -> NDArray[np.uint64]:
        """The keys as the compiled loops take them: (keys, 2)."""
        return rows(keys, 2)

    def _add(
        self,
        keys: NDArray[np.uint64],
        units: Units,
        of: NDArray[np.int64],
        tables: Tables,
        out: NDArray[np.int64],
        below: int = 0,
    ) -> None:
        from headwater.mark.own.kernel import totals

        use, limit = np.uint64(self.use), np.uint64(below)
        totals(windows.columns(units, self.width), units.token, keys, use, limit, of, tuple(tables), out)


@dataclass(frozen=True)
class Gumbel(_Keyed):
    """Gumbel-max: the token with the largest logit plus keyed noise is taken, so no text is likelier than without.

    `width`: tokens of context (1 to 64). A context that was seen before in an answer is left unmarked; `prompt_seen`:
    those that stand in the prompt, too.
    """

    width: int = 4
    prompt_seen: bool = False
    name: ClassVar[str] = "headwater-gumbel"
    use: ClassVar[int] = GUMBEL
    null: ClassVar[Null] = Null(SIZE)
    card: ClassVar[dict[str, str]] = {"checked against": MADE, "weaknesses": KEYED}

    def __post_init__(self) -> None:
        within("width", self.width, 1, windows.WIDEST)

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        """The distinct units: each context where it stands first."""
        return windows.find(tokens, windows.Window(self.width, prompt_seen=self.prompt_seen), prompt=prompt)

    def values(self, key: MarkKey, units: Units) -> Values:
        """The words of `units` under `key`: (n, 1)."""
        return self.words(key, units)[:, None]

    def totals(
        self,
        keys: NDArray[np.uint64],
        units: Units,
        of: NDArray[np.int64],
        tables: Tables,
        out: NDArray[np.int64],
    ) -> None:
        """Add the scores of `units` under many keys (see `engines.totals`)."""
        self._add(keys, units, of, tables, out)

    def choose(self, key: MarkKey, context: Sequence[int], logits: NDArray[np.floating[Any]]) -> int:
        """The token that is taken after `context`, which must have `width` tokens or more; the first of equals."""
        return chosen(numbers_of(key, 2), context[len(context) - self.width :], logits)


@dataclass(frozen=True)
class Tilt(_Keyed):
    """A green list for each context: `gamma` of all tokens, drawn one by one, whose logits rise by `delta`.

    It distorts what is written, and survives in a student model; it works at temperature 0, too. `width`: tokens of
    context (1 to 64); every repetition is tilted alike, so each pair of context and token counts once.
    """

    width: int = 2
    gamma: float = 0.25
    delta: float = 1.0
    name: ClassVar[str] = "headwater-tilt"
    use: ClassVar[int] = TILT
    card: ClassVar[dict[str, str]] = {
        "checked against": MADE,
        "weaknesses": f"{KEYED} Whoever sees many answers can learn which tokens are green after common contexts.",
    }
    null: Null = field(init=False, repr=False)

    def __post_init__(self) -> None:
        within("width", self.width, 1, windows.WIDEST)
        within("gamma", self.gamma, 0.001, 0.999)
        within("delta", self.delta, 0, 100)
        object.__setattr__(self, "null", Null(SIZE, int(self.gamma * SIZE)))

    @property
    def green(self) -> int:
        """A token is green where its word is below this."""
        return int(self.gamma * SIZE)

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        """The distinct pairs of context and token."""
        return windows.find(tokens, windows.Window(self.width, count="pairs"), prompt=prompt)

    def values(self, key: MarkKey, units: Units) -> Values:
        """1 for green, 0 for not, of `units` under `key`: (n, 1)."""
        return (self.words(key, units) < self.green).astype(np.uint32)[:, None]

    def totals(
        self,
        keys: NDArray[np.uint64],
        units: Units,
        of: NDArray[np.int64],
        tables: Tables,
        out: NDArray[np.int64],
    ) -> None:
        """Add the scores of `units` under many keys (see `engines.totals`)."""
        self._add(keys, units, of, tables, out, self.green)

    def choose(
        self,
        key: MarkKey,
        context: Sequence[int],
        logits: NDArray[np.floating[Any]],
        random: np.random.Generator | None = None,
    ) -> int:
        """A token after `context` (`width` tokens or more), drawn with `random`; without it, the likeliest."""
        seed = np.array(seed_of(context[len(context) - self.width :], _pair(key)), np.uint64)
        green = values_of(seed, np.arange(len(logits)), self.use) < self.green
        tilted = logits.astype(np.float64) + self.delta * green
        return int(np.argmax(tilted if random is None else tilted + random.gumbel(size=len(logits))))


def _pair(key: MarkKey) -> tuple[int, int]:
    first, second = numbers_of(key, 2)
    return first, second


def chosen(key: Sequence[int], context: Sequence[int], logits: NDArray[np.floating[Any]]) -> int:
    """The largest of logits (vocabulary,) plus noise -ln(-ln u), u = (word + 1/2) / 2^32, in float64."""
    seed = np.array(seed_of(context, (key[0], key[1])), np.uint64)
    uniform = (values_of(seed, np.arange(len(logits)), GUMBEL) + 0.5) / SIZE
    return int(np.argmax(logits.astype(np.float64) - np.log(-np.log(uniform))))


def gumbel(config: Mapping[str, Any]) -> Gumbel:
    """The scheme `headwater-gumbel` with a keyring's settings."""
    return configured(Gumbel, config)


def tilt(config: Mapping[str, Any]) -> Tilt:
    """The scheme `headwater-tilt` with a keyring's settings."""
    return configured(Tilt, config)
