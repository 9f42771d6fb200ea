"""The busiest accounts: the rule that every gateway has.

Headwater isn't given what this rule is given in `rate_rule`: a threshold set on the truth of the world it is scored on.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from scoring import Truth

from baselines.log import Ints, Log, Method, Scored, thresholded

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


def rate_rule(log: pa.Table, truth: Truth, allowed: int) -> tuple[str, set[str], set[str]]:
    """The best of three rate rules on `log` (id, account, at): its name, the accounts, and all their exchanges.

    `allowed` innocents may be flagged, as many as Headwater flags in this world; the best is the one of highest recall.
    """
    coded = log.column("account").combine_chunks().dictionary_encode()
    names = np.array(coded.dictionary.to_pylist(), object)
    code = coded.indices.to_numpy().astype(np.int64)
    at_us = log.column("at").cast(pa.int64()).to_numpy()
    rings = np.array([name in truth.rings for name in names])
    chosen = {what: thresholded(rate, ~rings, allowed) for what, rate in rates(code, at_us).items()}
    best = max(chosen, key=lambda what: int((chosen[what] & rings).sum()))
    ids = log.column("id").filter(pa.array(chosen[best][code]))
    which: list[Any] = ids.to_pylist()
    return best, set(names[chosen[best]]), set(which)
