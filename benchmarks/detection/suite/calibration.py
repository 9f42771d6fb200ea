"""Whether a verdict's probability comes true: of all groups said to be campaigns with 90%, nine in ten are.

The product's prior is a choice; here it is the share of judged groups that are rings in the worlds of the other parity
of seeds, so that what is tested is the sum of evidence and not the choice. A judged group is a ring if more than half
of its named accounts are of rings; of a group in which nobody was named that can't be said, and it is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from intervals import clopper_pearson
from scoring import share

from headwater.detect import DetectSettings
from headwater.detect.combine import logit
from suite.summary import Record, mostly_innocent

EDGES = (0.0, 0.05, 0.5, 0.85, 0.95, 0.99, 1.0)
LOOK = "everything"
PARITIES = ("even", "odd")
DRAWS = 2000
#: A verdict: its probability, whether it is right, and of which world it is.
Said = tuple[float, bool, int]


def calibration(records: Sequence[Record], look: str = LOOK) -> dict[str, Any]:
    """Verdicts by bins of their probability, and how many of each are right, with the rate that was their prior."""
    worlds = [r for r in records if r["job"]["part"] == "calibration" and look in r["looks"]]
    halves = [[r["looks"][look] for r in worlds if r["job"]["seed"] % 2 == odd] for odd in (0, 1)]
    counted = [_counted(half) for half in halves]
    rates = [share(rings, groups) for groups, rings in counted]
    said: list[Said] = []
    for odd, (half, rate) in enumerate(zip(halves, reversed(rates), strict=True)):
        for at, seen in enumerate(half):
            of = 2 * at + odd
            said += [(posterior(r["log_odds"], rate), not mostly_innocent(r), of) for r in _known([seen])]
    groups, rings = (sum(pair) for pair in zip(*counted, strict=True))
    likely = [not mostly_innocent(ring) for half in halves for ring in _likely(half)]
    return {
        "worlds": len(worlds),
        "worlds_with_a_ring": sum(bool(look["ring_accounts"]) for half in halves for look in half),
        "groups": groups,
        "rings": rings,
        "rates": dict(zip(PARITIES, rates, strict=True)),
        "nobody_named": sum(not ring["of"] for half in halves for look in half for ring in look["rings"]),
        "far_below": groups - len(said),
        "likely": [sum(likely), len(likely)],
        "bins": [_bin(low, high, said) for low, high in pairwise(EDGES)],
    }


def posterior(log_odds: float, rate: float | None) -> float:
    """The probability with `rate` in place of the product's prior; at the ends where all groups or none are rings."""
    if not rate or rate == 1:
        return float(rate or 0.0)
    return 1 / (1 + math.exp(-(log_odds - logit(DetectSettings().prior) + logit(rate))))


def _known(looks: Sequence[Record]) -> list[Record]:
    """Kept groups of which it can be said what they are."""
    return [ring for look in looks for ring in look["rings"] if ring["of"]]


def _counted(looks: Sequence[Record]) -> tuple[int, int]:
    """Judged groups, and those of them that are rings; what lies too far below to be kept is taken to be none."""
    unnamed = sum(not ring["of"] for look in looks for ring in look["rings"])
    rings = sum(not mostly_innocent(ring) for ring in _known(looks))
    return sum(look["judged"] for look in looks) - unnamed, rings


def _likely(looks: Sequence[Record]) -> list[Record]:
    """Groups that the product itself reports, with its own prior and threshold."""
    return [ring for ring in _known(looks) if ring["word"] == "likely"]


def _bin(low: float, high: float, said: Sequence[Said]) -> dict[str, Any]:
    inside = [one for one in said if low <= one[0] < high or one[0] == high == 1.0]
    right = sum(hit for _, hit, _ in inside)
    return {
        "from": low,
        "to": high,
        "verdicts": len(inside),
        "right": right,
        "said": sum(chance for chance, _, _ in inside) / len(inside) if inside else None,
        "share": share(right, len(inside)),
        "share_95": _interval(inside),
    }


def _interval(inside: Sequence[Said]) -> list[float]:
    """95% of the share that is right: the wider of the exact interval and of whole worlds drawn again, at either end.

    Verdicts of one world aren't independent; where all are right, drawing again can't tell.
    """
    right = sum(hit for _, hit, _ in inside)
    low, high = clopper_pearson(right, len(inside))
    worlds, place = np.unique([of for _, _, of in inside], return_inverse=True)
    if len(worlds) > 1:
        hits, every = (np.bincount(place, x, len(worlds)) for x in ([h for _, h, _ in inside], None))
        drawn = np.random.default_rng(1).integers(0, len(worlds), (DRAWS, len(worlds)))
        ends = np.percentile(hits[drawn].sum(axis=1) / every[drawn].sum(axis=1), (2.5, 97.5))
        low, high = min(low, float(ends[0])), max(high, float(ends[1]))
    return [low, high]
