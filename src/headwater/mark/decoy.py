"""Keys that nobody uses, as a check of p-values: which are drawn, and whether what they get falls as p-values do."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.mark.scheme import MarkKey, Scheme, Units

#: How seldom fair p-values may be taken for unfair ones, all that is looked at together.
DISBELIEF: Final = 1e-4


def drawn(scheme: Scheme, keys: Sequence[MarkKey], units: Units, count: int) -> list[MarkKey]:
    """`count` decoys.

    They follow from the secret `keys` and the units: the same each time, and nobody else can foresee them.
    """
    digest = hashlib.sha256()
    for numbers in sorted(key.numbers for key in keys):
        digest.update(repr(numbers).encode())
    digest.update(np.ascontiguousarray(units.context).tobytes())
    digest.update(np.ascontiguousarray(units.token).tobytes())
    random = np.random.default_rng(int.from_bytes(digest.digest()[:16], "little"))
    return [scheme.random_key(random) for _ in range(count)]


def bearable(scheme: Scheme, most: int) -> int:
    """`most`, or as many decoys as a slow scheme says that it can bear, by an attribute `decoys`."""
    return min(most, getattr(scheme, "decoys", most))


def unfair(log_p: NDArray[np.float64], levels: Sequence[float], disbelief: float) -> str:
    """Why ln p of decoys (n,) aren't such as p-values are, in words: too many are at or below one of `levels`.

    Empty where they are. `disbelief`: how seldom fair ones may be told so, at each level.
    """
    for level in levels:
        seen = int((log_p <= math.log(level)).sum())
        if at_least(seen, len(log_p), level) < disbelief:
            return f"{seen} of {len(log_p)} keys that nobody uses have a p-value of {level:g} or less"
    return ""


def at_least(seen: int, trials: int, chance: float) -> float:
    """P(Binomial(trials, chance) >= seen)."""
    from scipy.stats import binom

    return float(binom.sf(seen - 1, trials, chance))
