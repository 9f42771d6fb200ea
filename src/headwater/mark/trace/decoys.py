"""Keys that nobody uses, over the same dataset: where their p-values aren't such as p-values are, nobody is named.

They are looked at only where somebody would be named. A scheme whose function is weaker than its null says, and text
that brings this out, show under decoys what they show under accounts' keys.
"""

from __future__ import annotations

from collections.abc import Sequence

from headwater.mark.decoy import DISBELIEF, bearable, drawn, unfair
from headwater.mark.law import log_tails
from headwater.mark.scheme import MarkKey, Scheme
from headwater.mark.score import Scorer
from headwater.mark.trace.dataset import Dataset
from headwater.mark.trace.statistic import Statistic, sums

#: How many, and at which p-values they are counted.
_DECOYS, _LEVELS = 200, (0.5, 0.1, 0.01, 1e-5)


def disbelieved(
    scheme: Scheme, statistic: Statistic, dataset: Dataset, scorer: Scorer, keys: Sequence[MarkKey]
) -> str:
    """Why p-values over `dataset` aren't believed, in words; empty where decoys agree with them."""
    decoys = drawn(scheme, keys, dataset.units, bearable(scheme, _DECOYS))
    whole, scores = sums(scheme, statistic, dataset, decoys, scorer)
    tails = [statistic.whole(whole)]
    if statistic.tables:
        tails.append(log_tails(statistic.together, scores))
    found = (unfair(log_p, _LEVELS, DISBELIEF / (2 * len(_LEVELS))) for log_p in tails)
    return next(filter(None, found), "")
