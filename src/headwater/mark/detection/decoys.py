"""Decoy keys: the same text under keys that nobody uses. Their p-values must fall as p-values do, or none is believed.

A p-value from a law holds where the scheme's function is as random as its null says. Where it isn't (a weak hash, a
template that repeats it), keys drawn at random show it, for they had no part in the text either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from headwater.mark.decoy import DISBELIEF, at_least, bearable, drawn, unfair
from headwater.mark.detection.scored import Scored
from headwater.mark.engines.totals import total_scores
from headwater.mark.scheme import MarkKey

#: Decoys at most, and at least, and how many units all of them may look at together.
MOST: Final = 1000
FEWEST: Final = 100
_UNITS: Final = 20_000_000
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
    """Hold the law of `scored`, made under `key`, against decoys (see `decoy.drawn`)."""
    units = scored.units
    count = max(FEWEST, min(bearable(scored.scheme, most), _UNITS // max(1, len(units))))
    keys = drawn(scored.scheme, [key], units, count)
    totals = total_scores(scored.scheme, keys, units, scored.scorer, classes=scored.classes)
    above = int((totals >= scored.total).sum())
    disbelief = DISBELIEF / (len(_LEVELS) + 1)
    why = unfair(scored.tails(totals), _LEVELS, disbelief)
    if not why and at_least(above, len(keys), math.exp(scored.log_p)) < disbelief:
        why = f"{above} of {len(keys)} keys that nobody uses score as high"
    return Decoys(len(keys), above, agrees=not why, why=why)
