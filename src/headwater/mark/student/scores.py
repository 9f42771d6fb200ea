"""What a value of a mark is scored by where a student's law is at hand, and how that falls without the key.

Keyed Gumbel sampling serves a token of chance p with the chance u^(1/p - 1), given its u. So that is what a student can
learn, and a likelihood ratio of it is the score: tables by the reference's chance. Green lists and bits have the
engines' own scores.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.mark.evidence.plain import SMALL, engine_sum, standard
from headwater.mark.scheme import Null, Scheme
from headwater.mark.score import Scorer, Table

#: Between classes of chances, and the chance that stands for each class.
CUTS: Final = (0.003, 0.01, 0.03, 0.1, 0.3, 0.6)
MIDDLES: Final = (0.001, 0.0055, 0.017, 0.055, 0.17, 0.42, 0.8)
#: Steps in a nat of these scores, and the part of what the key serves that the ratio takes a student to have learned.
_STEPS: Final = 4
_LEARNED: Final = 0.5
#: Nats a step of the plain sum.
_GRAIN: Final = 1 / 4


def classes(chance: NDArray[np.float32]) -> NDArray[np.intp]:
    """The class of each of the reference's chances (n,)."""
    return np.searchsorted(np.array(CUTS, np.float32), chance, side="right").astype(np.intp)


def signed_scorer(scheme: Scheme, *, matched: bool = True) -> Scorer:
    """Tables for tokens that a student favours (class 2 c) and for those that it avoids (2 c + 1), c by `classes`.

    A score's sign is turned in the second. `matched`: by chance where the scheme is keyed Gumbel; else one for all.
    """
    null = scheme.null
    if null.ones is None and null.size > SMALL:
        weights = getattr(scheme, "weights", None) or (1.0,) * scheme.streams
        if matched:
            tables = [tuple(_matched(null, chance, weight) for weight in weights) for chance in MIDDLES]
        else:
            plain = engine_sum(null, streams=scheme.streams, weights=weights, grain=_GRAIN)
            tables = [plain.tables[0]] * len(MIDDLES)
    else:
        tables = [standard(scheme).tables[0]] * len(MIDDLES)
    signed: list[tuple[Table, ...]] = []
    for each in tables:
        signed += [each, tuple(replace(table, scores=-table.scores) for table in each)]
    return Scorer("student", tuple(signed))


def _matched(null: Null, chance: float, weight: float) -> Table:
    """ln(1 + (u^(1/p - 1) / p - 1) / 2) for p = `chance`, in steps of a quarter nat, `weight` times: the likelihood
    ratio where the student learned this token half of the time that the key serves it."""
    steps, power = weight * _STEPS, 1 / chance - 1
    least, most = math.log(1 - _LEARNED), math.log(1 + _LEARNED * power)
    scores = np.arange(math.floor(least * steps) + 1, math.floor(most * steps + 0.5) + 1)
    lean = chance * (1 + np.expm1((scores - 0.5) / steps) / _LEARNED)
    begin = np.ceil(null.size * np.clip(lean, 0, 1) ** (1 / power) - 0.5)
    edges = np.concatenate([[0], np.clip(begin, 0, null.size), [null.size]]).astype(np.int64)
    used = np.diff(edges) > 0
    every = np.append(math.floor(least * steps), scores).astype(np.int64)
    return Table(np.append(edges[:-1][used], null.size), every[used], 1 / steps)
