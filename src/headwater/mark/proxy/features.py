"""What a proxy model says of a token sequence: how expected each token was, and how much choice there was.

A proxy knows no key, so what it says may decide how a unit is scored without touching the p-value. Any model will do
that reads the same token ids: the small one that is shipped, counts of own traffic, the provider's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from headwater.mark.scheme import Tokens


@dataclass(frozen=True)
class Features:
    """By token: `log_chance` (n,), ln of the chance it was given, and `entropy` (n,), nats of the law it came from."""

    log_chance: NDArray[np.float64]
    entropy: NDArray[np.float64]

    def rows(self, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Both as columns (m, 2), for the units at `positions` (m,)."""
        return np.stack([self.log_chance[positions], self.entropy[positions]], 1)


class Proxy(Protocol):
    """A model that guesses the next token. Pure: the same tokens give the same features on the same machine."""

    @property
    def name(self) -> str:
        """What learned evidence calls it by."""
        ...

    def read(self, tokens: Tokens) -> Features:
        """Features of each token given those before it; a token that it can't know gets a small chance, never none."""
        ...
