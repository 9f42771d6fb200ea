"""Invented facts that a condition is tried on: what campaigns and accounts look like, and the figures that it names.

What no trial foresaw may still be met; a condition without an answer is an error there, never "no".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from headwater.policy.facts import FACTS
from headwater.policy.regions import REGIONS

MOST_TRIALS, LEAST_TRIALS = 300, 50
#: Combinations are met in steps of this, or of the golden ratio of their number, which spreads as evenly as steps can.
_STRIDE = 1_000_003
_GOLDEN = 0.6180339887498949

#: What facts may be, one by one; the first of each where a condition doesn't name it.
_USUAL: dict[str, tuple[object, ...]] = {
    **{name: fact.words for name, fact in FACTS.items() if fact.words},
    "probability": (0.999, 0.5, 0.0, 1.0),
    "chance": (0.001, 0.5, 30.0),
    "accounts": (1200, 1, 2),
    "exchanges": (400_000, 0, 1, 10**9),
    "firm": (1200, 0, 1, 2),
    "groups": (4, 0, 1, 2),
    "declared": ("", "partner: a", "evaluator: b"),
    "tier": (0, 1, 2, 3),
    "purpose": ("",),
    "region": ("", "DE", "US"),
    "terms_accepted_days": (-1, 0, 400),
    "notices": (0, 1, 5),
    "account_firm": (True, False),
    "account_share": (0.9, 0.5, 0.0, 1.0),
    "false_positive_rate": (1.0, 0.05, 0.0),
    "outcomes": (0, 30, 1000),
    "reversals": (0, 1, 3),
}


class Trials:
    """Combinations of what each fact usually is, and of the `numbers` and `texts` that a condition names.

    `between` also tries what lies between the numbers, for conditions that hold there alone.
    """

    def __init__(
        self,
        numbers: Sequence[float],
        texts: Sequence[str],
        programmes: Sequence[str] = (),
        *,
        between: bool = False,
    ) -> None:
        self.values = dict(_USUAL)
        self.values["declared"] = tuple(dict.fromkeys((*_USUAL["declared"], *texts)))
        self.values["purpose"] = ("", *programmes)
        named = (text for text in texts if text in REGIONS)
        self.values["region"] = tuple(dict.fromkeys((*_USUAL["region"], *named)))
        for name, fact in FACTS.items():
            if fact.type == "whole number":
                near = [n + step for n in numbers for step in (-1, 0, 1)]
                inside: list[float] = [int(n) for n in near if fact.least <= n <= fact.most]
            elif fact.type == "number":
                inside = [n for n in numbers if fact.least <= n <= fact.most]
                if between:
                    inside += _between([*inside, fact.least, *(float(str(n)) for n in _USUAL[name])])
            else:
                continue
            self.values[name] = tuple(dict.fromkeys((*_USUAL[name], *inside)))

    def of(self, names: Sequence[str], most: int = MOST_TRIALS) -> Iterator[dict[str, object]]:
        """All combinations of the facts that are named, or `most` of them, spread evenly."""
        return spread({name: self.values[name] for name in names if name in self.values}, most)


def spread(varied: Mapping[str, Sequence[object]], most: int) -> Iterator[dict[str, object]]:
    """All facts by name: the `varied` ones in all combinations, or `most` of them, the others as they usually are."""
    usual = {name: values[0] for name, values in _USUAL.items()}
    total = math.prod(len(values) for values in varied.values())
    stride = _stride(total)
    for n in range(min(total, most)):
        chosen = dict(usual)
        at = n * stride % total
        for name, values in varied.items():
            at, digit = divmod(at, len(values))
            chosen[name] = values[digit]
        yield chosen


def _stride(total: int) -> int:
    """A step that shares no factor with `total`: all combinations are met before one comes again."""
    step = max(_STRIDE, int(total * _GOLDEN))
    while math.gcd(step, total) != 1:
        step += 1
    return step


def _between(numbers: Sequence[float]) -> list[float]:
    ordered = sorted(set(numbers))
    return [(low + high) / 2 for low, high in pairwise(ordered)]
