"""The busiest accounts: the rule that every gateway has.

Headwater isn't given what this rule is given in `rate_rule`: a threshold set on the truth of the world it is scored on.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from baselines.log import Ints, Log, Method, Scored

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000


def rates(account: Ints, at_us: Ints) -> dict[str, Ints]:
    """Three rates by account code: requests in all, in the busiest day, in the busiest hour."""
    size = int(account.max()) + 1
    out = {"total": np.bincount(account, minlength=size)}
    for name, width in (("busiest day", DAY_US), ("busiest hour", HOUR_US)):
        slot = at_us // width
        slot -= slot.min()
        key, count = np.unique(account * (int(slot.max()) + 1) + slot, return_counts=True)
        out[name] = np.zeros(size, np.int64)
        np.maximum.at(out[name], key // (int(slot.max()) + 1), count)
    return out


def by_rate(log: Log, which: str) -> Scored:
    """One of the three rates as the score."""
    return Scored.alone(rates(log.account, log.at_us)[which])


def methods() -> dict[str, Method]:
    """The three rates as baselines."""
    return {
        f"rate: {which}": partial(by_rate, which=which) for which in ("total", "busiest day", "busiest hour")
    }
