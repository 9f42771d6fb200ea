"""The rules by which marks choose a token, given keyed values: a race, a tournament, a tilt. Pure functions.

All work on the tokens of several rows that have a chance, laid one row after the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


def race(chance: Floats, values: NDArray[np.uint32], size: int) -> Floats:
    """Speeds of tokens (n,): ln p - ln(-ln u), u = (value + 1/2) / `size`; each row's fastest is taken (Gumbel-max)."""
    uniform = (values + 0.5) / size
    found: Floats = np.log(chance) - np.log(-np.log(uniform))
    return found


def tournament(chance: Floats, bits: NDArray[np.uint32], begins: Ints, row: Ints) -> Floats:
    """Chances (n,) after SynthID's tournament of two, layer after layer: p (1 + g - sum of p g).

    `bits`: (n, layers); `begins`: where each row begins; `row`: (n,) which of these each token is of.
    """
    for layer in range(bits.shape[1]):
        g = bits[:, layer].astype(np.float64)
        chance = chance * (1 + g - np.add.reduceat(chance * g, begins)[row])
    return chance


def tilt(chance: Floats, green: NDArray[np.uint32], delta: float) -> Floats:
    """Weights (n,) of tokens whose logits rise by `delta` where they are green."""
    found: Floats = chance * np.exp(delta * green)
    return found
