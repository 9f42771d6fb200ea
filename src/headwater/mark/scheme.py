"""What a family of marks is to a reader of marks: which inputs of its keyed function a text shows, what the function
says of them under a key, and how those values fall when the key had no part in the text.

A scheme knows neither keys' owners nor texts: token ids in, values out. Detectors score its values; `law` sums them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int64]
Values = NDArray[np.uint32]


@dataclass(frozen=True)
class Null:
    """How one value falls under a key that had no part in the text.

    Values are integers: uniform on 0 … `size`-1, or, where `ones` is given, 1 with chance `ones`/`size` and 0
    otherwise (a green list of `ones` among `size` tokens). Exact: no model, no approximation.
    """

    size: int
    ones: int | None = None


@dataclass(frozen=True)
class Units:
    """The distinct inputs of a scheme's keyed function in one text: each is one piece of evidence, however often read.

    `context`: (n, width) token ids before, `token`: (n,) the token, `position`: (n,) where in the text each stands
    first, ascending; `times`: (n,) how often it stands there; `tokens`: how many tokens the text has, prompt left out.
    """

    context: NDArray[np.int64]
    token: NDArray[np.int64]
    position: NDArray[np.int64]
    times: NDArray[np.int64]
    tokens: int

    def __len__(self) -> int:
        return len(self.token)

    def part(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Units:
        """Some of them, by a mask or by indices."""
        return Units(
            self.context[chosen], self.token[chosen], self.position[chosen], self.times[chosen], self.tokens
        )


@dataclass(frozen=True)
class MarkKey:
    """The secret of one mark: an integer as the engine takes it, or bytes; never shown.

    `numbers`: the integers that the scheme's own configuration has, one or more (SynthID has one a layer).
    """

    name: str
    numbers: tuple[int, ...] = field(repr=False)


class Scheme(Protocol):
    """One family of marks in one configuration. What its author promises:

    `units` and `values` are pure and give the same bytes everywhere; under a key drawn at random, independently of
    the text, the values of distinct units (and of the streams of one unit) are independent and fall as `null` says.
    A scheme for which that is an idealisation (a weak hash, a green list without replacement) says so in `card`.
    """

    @property
    def name(self) -> str:
        """As keyrings and reports call it, for example `vllm-gumbel`."""
        ...

    @property
    def width(self) -> int:
        """How many tokens before a token its value depends on."""
        ...

    @property
    def streams(self) -> int:
        """How many values one unit has: 1 for Gumbel, one a layer for SynthID, 2 for two keys."""
        ...

    @property
    def null(self) -> Null:
        """How its values fall without the key."""
        ...

    @property
    def card(self) -> Mapping[str, str]:
        """What it was checked against (engine, version, commit), and what is known of its weaknesses."""
        ...

    def units(self, tokens: Tokens, *, prompt: int = 0) -> Units:
        """The distinct units of `tokens` (n,), of which the first `prompt` are not scored, only read as context.

        Positions whose context the text doesn't show are left out.
        """
        ...

    def values(self, key: MarkKey, units: Units) -> Values:
        """The values of `units` under `key`: (n, streams)."""
        ...

    def random_key(self, random: np.random.Generator) -> MarkKey:
        """A key of this scheme that nobody uses: for decoys."""
        ...
