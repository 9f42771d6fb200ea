"""Decoy keys: the same text under keys that nobody uses. Their p-values must fall as p-values do, or none is believed.

A p-value from a law holds where the scheme's function is as random as its null says. Where it isn't (a weak hash, a
template that repeats it), keys drawn at random show it, for they had no part in the text either.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.mark.detection.scored import Scored
from headwater.mark.engines.totals import total_scores
from headwater.mark.scheme import MarkKey, Units

#: Decoys at most (a scheme that is slow says fewer, by an attribute `decoys`), and at least, and how many units all of
#: them may look at together.
MOST: Final = 1000
FEWEST: Final = 100
_UNITS: Final = 20_000_000
#: How seldom a fair p-value may be taken for an unfair one.
_DISBELIEF: Final = 1e-4
_LEVELS: Final = (0.5, 0.1, 0.01)


@dataclass(frozen=True)
class Decoys:
    """`keys` decoys, `above` of which score as high as the key in question; `agrees`: whether the law may be believed.

    `p_value`: (1 + above) / (1 + keys), which holds for any text, whatever the scheme.
    """

    keys: int
    above: int
    agrees: bool
    why: str = ""

    @property
    def p_value(self) -> float:
        """Exact whatever the text: the key's rank among keys that had no part in it."""
        return (1 + self.above) / (1 + self.keys)


def decoys(scored: Scored, key: MarkKey, *, most: int = MOST) -> Decoys:
    """Hold the law of `scored`, made under `key`, against decoys.

    Which decoys are drawn depends on the secret key and the text: the same each time, and nobody else can foresee them.
    """
    units = scored.units
    most = min(most, getattr(scored.scheme, "decoys", most))
    count = max(FEWEST, min(most, _UNITS // max(1, len(units))))
    random = np.random.default_rng(_seed(key, units))
    totals = _totals(scored, random, count)
    levels = scored.tails(totals)
    above = int((totals >= scored.total).sum())
    for level in _LEVELS:
        seen = int((levels <= math.log(level)).sum())
        if _binomial_tail(count, level, seen) < _DISBELIEF / (len(_LEVELS) + 1):
            told = f"{seen} of {count} keys that nobody uses have a p-value of {level:g} or less"
            return Decoys(count, above, agrees=False, why=told)
    if _binomial_tail(count, math.exp(scored.log_p), above) < _DISBELIEF / (len(_LEVELS) + 1):
        told = f"{above} of {count} keys that nobody uses score as high"
        return Decoys(count, above, agrees=False, why=told)
    return Decoys(count, above, agrees=True)


def _totals(scored: Scored, random: np.random.Generator, count: int) -> NDArray[np.int64]:
    keys = [scored.scheme.random_key(random) for _ in range(count)]
    return total_scores(scored.scheme, keys, scored.units, scored.scorer, classes=scored.classes)


def _seed(key: MarkKey, units: Units) -> int:
    digest = hashlib.sha256(repr(key.numbers).encode())
    digest.update(np.ascontiguousarray(units.context).tobytes() + np.ascontiguousarray(units.token).tobytes())
    return int.from_bytes(digest.digest()[:16], "little")


def _binomial_tail(trials: int, chance: float, seen: int) -> float:
    """P(Binomial(trials, chance) >= seen)."""
    from scipy.stats import binom

    return float(binom.sf(seen - 1, trials, chance))
