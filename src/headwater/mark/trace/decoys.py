"""Keys that nobody uses, over the same dataset: where their p-values aren't such as p-values are, nobody is named.

They are looked at only where somebody would be named. A scheme whose function is weaker than its null says, and text
that brings this out, show under decoys what they show under accounts' keys.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from headwater.mark.law import log_tails
from headwater.mark.scheme import MarkKey, Scheme
from headwater.mark.score import Scorer
from headwater.mark.trace.dataset import Dataset
from headwater.mark.trace.statistic import Statistic, sums

#: How many, at which p-values they are counted, and how seldom fair ones may be taken for unfair ones.
_DECOYS, _LEVELS, _DISBELIEF = 200, (0.5, 0.1, 0.01, 1e-5), 1e-4


def disbelieved(
    scheme: Scheme, statistic: Statistic, dataset: Dataset, scorer: Scorer, keys: Sequence[MarkKey]
) -> str:
    """Why p-values over `dataset` aren't believed, in words; empty where decoys agree with them.

    The decoys follow from the accounts' keys and the units: the same each time, and nobody else can foresee them.
    """
    from scipy.stats import binom

    random = np.random.default_rng(_seed(keys, dataset))
    # A scheme that is slow says how many it can bear.
    count = min(_DECOYS, getattr(scheme, "decoys", _DECOYS))
    decoys = [scheme.random_key(random) for _ in range(count)]
    whole, scores = sums(scheme, statistic, dataset, decoys, scorer)
    tails = [statistic.whole(whole)]
    if statistic.tables:
        tails.append(log_tails(statistic.together, scores))
    for log_p in tails:
        for level in _LEVELS:
            seen = int(np.sum(log_p <= math.log(level)))
            if binom.sf(seen - 1, count, level) < _DISBELIEF / (2 * len(_LEVELS)):
                return f"{seen} of {count} keys that nobody uses have a p-value of {level:g} or less"
    return ""


def _seed(keys: Sequence[MarkKey], dataset: Dataset) -> int:
    digest = hashlib.sha256()
    for numbers in sorted(key.numbers for key in keys):
        digest.update(repr(numbers).encode())
    digest.update(np.ascontiguousarray(dataset.units.context).tobytes())
    digest.update(np.ascontiguousarray(dataset.units.token).tobytes())
    return int.from_bytes(digest.digest()[:16], "little")
