"""Disjoint windows of benign and of mixed prompts, scored by MMD; the null is learned from held-out benign prompts.

A pool of innocents is cut into three parts that take turns as reference, calibration and test, so that each prompt is
tested once and never against itself. Test windows share no prompt; calibration draws do, so their spread is widened by
what drawing without replacement takes from it. Scores are counted in deviations of that null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from baselines.log import Floats, Vectors

from drift.features import Feature
from drift.statistic import Kernel, scores

WINDOWS = (50, 100, 150, 500, 1500)
FRACTIONS = (0.05, 0.10, 0.25, 0.50, 1.0)
PARTS = 3
#: Benign windows drawn to learn the null; mixed windows of one pair, fraction and turn at most.
DRAWS, MOST = 1_000, 60
#: The nominal false-positive rate of the threshold that the null alone gives.
NOMINAL = 0.05


@dataclass(frozen=True)
class Null:
    """What benign windows of one size score: mean, deviation, and the nominal threshold in deviations."""

    mean: float
    deviation: float
    threshold: float

    def standing(self, scored: Floats) -> list[float]:
        """Scores in deviations above the mean."""
        return [round(float(z), 3) for z in (scored - self.mean) / self.deviation]


def null(features: Vectors, size: int, reference: Vectors, seed: int) -> Null:
    """Scores of windows drawn from calibration prompts, their spread corrected for drawing without replacement."""
    rng = np.random.default_rng([seed, size])
    total = len(features)
    drawn = np.zeros((DRAWS, total), np.float32)
    for row in drawn:
        row[rng.permutation(total)[:size]] = 1
    found = scores(drawn @ features, size, reference)
    widened = 1 / np.sqrt(1 - size / total)
    mean, deviation = float(found.mean()), max(float(found.std()), 1e-12)
    quantile = float(np.quantile(found, 1 - NOMINAL))
    return Null(mean, deviation * widened, (quantile - mean) / deviation)


def sums(features: Vectors, size: int, count: int) -> Vectors:
    """The first `count` runs of `size` rows, each summed."""
    return np.asarray(
        features[: size * count].reshape(count, size, features.shape[1]).sum(axis=1), np.float32
    )


def mixed(benign: Vectors, attack: Vectors, size: int, fraction: float) -> Vectors:
    """As many disjoint windows as there are prompts for, each `fraction` attack (windows × features, summed)."""
    hostile = int(fraction * size + 0.5)  # half a prompt counts for the attack: 3 in 50 at 5%
    friendly = size - hostile
    count = min(len(attack) // hostile, len(benign) // friendly if friendly else MOST, MOST)
    return sums(attack, hostile, count) + sums(benign, friendly, count)


def parts(texts: Sequence[str]) -> list[list[str]]:
    """The texts dealt into `PARTS`."""
    return [list(texts[i::PARTS]) for i in range(PARTS)]


def turns(
    pool: Sequence[str], feature: Feature, campaigns: Mapping[str, Sequence[str]], seed: int
) -> Iterator[Any]:
    """For each turn: features of calibration and test, the reference's mean, and features of each campaign's part."""
    dealt = parts(pool)
    hostile = {name: parts(texts) for name, texts in campaigns.items()}
    for turn in range(PARTS):
        reference, calibration, test = (dealt[(turn + i) % PARTS] for i in range(PARTS))
        groups = [reference, calibration, test, *(one[turn] for one in hostile.values())]
        vectors = feature(reference, groups)
        kernel = Kernel.around(vectors[0], seed)
        mean, *rest = (kernel.features(v) for v in vectors)
        yield rest[0], rest[1], mean.mean(axis=0), dict(zip(hostile, rest[2:], strict=True))


def measured(
    pool: Sequence[str], feature: Feature, campaigns: Mapping[str, Sequence[str]], seed: int
) -> dict[str, Any]:
    """Scores of one pool's windows: `benign` and `over` (beyond the nominal threshold) by size, `mixed` by campaign.

    `mixed[campaign][size][fraction]` lists the standings of its windows. Sizes above half a part are left out.
    """
    out: dict[str, Any] = {
        "prompts": len(pool),
        "benign": {},
        "over": {},
        "mixed": {name: {} for name in campaigns},
    }
    for calibration, test, reference, hostile in turns(pool, feature, campaigns, seed):
        for size in WINDOWS:
            if 2 * size > len(calibration):
                continue
            law = null(calibration, size, reference, seed)
            found = law.standing(scores(sums(test, size, len(test) // size), size, reference))
            out["benign"].setdefault(str(size), []).extend(found)
            out["over"].setdefault(str(size), []).extend(z > law.threshold for z in found)
            for name, attack in hostile.items():
                table = out["mixed"][name].setdefault(str(size), {})
                for fraction in FRACTIONS:
                    windows = mixed(test, attack, size, fraction)
                    table.setdefault(f"{fraction:g}", []).extend(
                        law.standing(scores(windows, size, reference))
                    )
    return out
