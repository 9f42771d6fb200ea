"""The engines' own statistics as tables: what their detectors sum up, on a grid, so that its law is exact.

`standard` names the one that an engine ships for a scheme's kind of value; weights by layer are SynthID's choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from headwater.errors import UsageError
from headwater.mark.scheme import Null, Scheme
from headwater.mark.score import Scorer, Table

#: Nats a step of every score here: coarse enough that laws are short, fine enough that nothing is lost by rounding.
GRAIN: Final = 1 / 64
#: Up to this size a null's values are told apart one by one.
SMALL: Final = 256


def engine_sum(
    null: Null, *, streams: int = 1, weights: Sequence[float] | None = None, grain: float = GRAIN
) -> Scorer:
    """Aaronson's statistic, -ln(1-u) of each value, rounded to the grain; u is (value + 1/2)/size.

    `weights`: one a stream, above 0; all are 1 where none are given.
    """
    if null.ones is not None or null.size <= SMALL:
        raise UsageError("the sum of -ln(1-u) is for marks whose values are fine uniform numbers")
    tables = {weight: _sum_table(null, weight, grain) for weight in set(weights or (1.0,))}
    return Scorer("engine-sum", (tuple(tables[weight] for weight in weights or (1.0,) * streams),))


def _sum_table(null: Null, weight: float, grain: float) -> Table:
    step = grain / weight
    most = round(math.log(2 * null.size) / step)
    # A score of k begins where -ln(1-u) is (k - 1/2) steps.
    begin = np.ceil(null.size * -np.expm1(-(np.arange(1, most + 1) - 0.5) * step) - 0.5).astype(np.int64)
    begin = np.concatenate([[0], begin])
    used = np.append(np.diff(np.minimum(begin, null.size)) > 0, begin[-1] < null.size)
    edges = np.append(begin[used], null.size)
    return Table(edges, np.flatnonzero(used).astype(np.int64), grain)


def engine_mean(null: Null, *, weights: Sequence[float] = (1.0,)) -> Scorer:
    """The weighted mean of bits: one weight a stream. With one weight it is the count of a green list's z-test.

    Weights are scaled so that the greatest is 64 steps; equal weights are one step each.
    """
    if null.ones is None and null.size != 2:
        raise UsageError("the mean of bits is for marks whose values are bits")
    greatest = max(weights)
    if greatest <= 0 or min(weights) < 0:
        raise UsageError("weights of layers are positive numbers")
    equal = min(weights) == greatest
    steps = [1 if equal else round(64 * weight / greatest) for weight in weights]
    edges = np.array([0, 1, 2], np.int64)
    tables = tuple(Table(edges, np.array([0, step], np.int64), GRAIN) for step in steps)
    return Scorer("engine-mean" if equal else "engine-weighted-mean", (tables,))


def falling_weights(layers: int) -> list[float]:
    """SynthID's default weights: from 10 at the first layer to 1 at the last, in even steps, with a mean of 1."""
    weights = np.linspace(10.0, 1.0, layers)
    return list(weights / weights.mean())


def standard(scheme: Scheme) -> Scorer:
    """What the engine's own detector sums up for this scheme; weights fall by layer where there are many.

    A scheme whose streams count differently says so by an attribute `weights`.
    """
    if scheme.null.ones is None and scheme.null.size > SMALL:
        weights: Sequence[float] | None = getattr(scheme, "weights", None)
        return engine_sum(scheme.null, streams=scheme.streams, weights=weights)
    if scheme.streams > 2:
        return engine_mean(scheme.null, weights=falling_weights(scheme.streams))
    return engine_mean(scheme.null, weights=[1.0] * scheme.streams)
