"""The other way to mark sentences: median-split bits of their embeddings, in the manner of PMark, on the same drafts.

A key has log2(m) directions and a bit for each. Drafts are halved by each direction at the median of those that are
left, and the half that the bit names is kept. A reader, who hasn't the drafts, counts agreeing sides of a fixed median.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import sentence_fit
import sentence_pairs
import sentence_worlds as worlds
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import binom

from headwater.mark.choosing.embedder import NAMES, embedder
from headwater.mark.choosing.fingerprint import combined

DRAFTS, POOLS, KEYS, STRANGERS, SEED = 16, 24, 40, 400, 20261129


def compared(cache: Path | None) -> dict[str, Any]:
    """On tune questions that the projection wasn't fitted on: bits of raw embeddings, of projected ones, and ours."""
    every = [embedder(name) for name in NAMES]
    pairs = sentence_pairs.pairs("tune", every[0], every, cache)
    questions = np.unique(pairs.question)
    fit = np.isin(pairs.question, questions[::2])
    matrix = sentence_fit.fitted(pairs.part(fit), sentence_fit.WIDTH[every[0].name]).astype(np.float64)
    held = pairs.part(~fit)
    points = [each.astype(np.float64) @ matrix[:-1] + matrix[-1] for each in (held.of, held.after)]
    raw = [each.astype(np.float64) - held.of.mean(axis=0) for each in (held.of, held.after)]
    return {
        "median-split bits, embeddings": _bits(raw[0], raw[1], held.question),
        "median-split bits, our directions": _bits(points[0], points[1], held.question),
        "keyed function": _ours(worlds.world(points[0], points[1], held.question)),
    }


def _bits(
    before: NDArray[np.float64], after: NDArray[np.float64], question: NDArray[np.int64]
) -> dict[str, Any]:
    random = np.random.default_rng(SEED)
    count = DRAFTS.bit_length() - 1
    hard, soft, null_hard, null_soft = [], [], [], []
    size = float(np.sqrt((before @ random.standard_normal((before.shape[1], 200))).var()))
    for _ in range(POOLS):
        pool = worlds.pools(question, DRAFTS, random)
        others = random.standard_normal((before.shape[1], count * STRANGERS))
        for _ in range(KEYS):
            key = random.standard_normal((before.shape[1], count))
            seen = after[[_kept(before, options, key, random) for options in pool]]
            values = seen @ key / size
            hard.append(int((values > 0).sum()))
            soft.append(float(expit(4 * values).sum()))
        strange = (seen @ others / size).reshape(len(seen), STRANGERS, count)
        null_hard += (strange > 0).sum(axis=(0, 2)).tolist()
        null_soft += expit(4 * strange).sum(axis=(0, 2)).tolist()
    trials = worlds.SENTENCES * count
    least = int(binom.isf(0.01, trials, 0.5)) + 1
    return {
        "read at 0.01, hard count": _read(hard, null_hard),
        "read at 0.01, soft count": _read(soft, null_soft),
        "binomial test at 0.01: unrelated keys read": round(float(np.mean(np.array(null_hard) >= least)), 4),
    }


def _kept(
    before: NDArray[np.float64],
    options: NDArray[np.int64],
    key: NDArray[np.float64],
    random: np.random.Generator,
) -> int:
    """The draft that is left; every bit of the key says the upper half, as directions are symmetric."""
    left = options
    for direction in key.T:
        values = before[left] @ direction
        left = left[np.argsort(values)[len(left) // 2 :]]
    return int(random.choice(left))


def _read(found: list[float] | list[int], null: list[float] | list[int]) -> float:
    """The share above the level that one in a hundred unrelated keys is above."""
    return round(float(np.mean(np.array(found) > np.quantile(null, 0.99))), 4)


def _ours(world: worlds.World) -> dict[str, Any]:
    random = np.random.default_rng(SEED)
    found, null = [], []
    for _ in range(POOLS):
        written = worlds.write(world, DRAFTS, KEYS, random)
        found += worlds.scores(world.after, written)
        vector = combined(world.after[written.chosen[:, 0]])
        assert vector is not None
        null += (vector @ random.standard_normal((len(vector), STRANGERS))).tolist()
    exact = float(np.mean(np.array(found) > 2.3263478740408408))
    told = float(np.mean(np.array(null) > 2.3263478740408408))
    return {
        "read at 0.01": _read(found, null),
        "read at 0.01, exact law": round(exact, 4),
        "unrelated keys read, exact law": round(told, 4),
    }
