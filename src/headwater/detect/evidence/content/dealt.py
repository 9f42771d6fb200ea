"""Disjoint slots: one list of tasks dealt out, each task to one account.

Strangers who fill the same form from the same source repeat each other; a dispatcher has no reason to pay twice for an
answer. Repeats across accounts speak against dealing, their absence speaks for it, and only where there were
enough pairs for strangers to have met.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import CONFIRM, Batch, Card, Finding, World
from headwater.detect.ordering import by_code
from headwater.detect.spans import starts

CAP, CAP_AGAINST = 1.5, 2.0
LEAST = 50
#: Share of fillings that others of the group have sent too, in groups of strangers who use one list: Beta(1, 3).
STRANGERS = (1.0, 3.0)
#: The same when a list is dealt: retries after failures remain. Beta(1, 60).
DEALT = (1.0, 60.0)

CARD = Card(
    name="dealt",
    title="The same template with disjoint slots",
    group="content",
    sees="accounts that fill one template with different slices of a list and never repeat each other",
    null="strangers who fill a shared form from a common source repeat each other: share of repeats Beta(1, 3)",
    false_positive="weak by design: people who fill a form with words of their own don't repeat each other either, "
    "so it is capped and shares a group with the template",
    innocent_causes=(
        "a form that everybody fills with something of their own",
        "a labelling batch of one customer",
    ),
    evasion_cost="ask every question twice: the harvest costs twice as much",
    cap_nats=CAP,
    cap_against_nats=CAP_AGAINST,
    atlas=("AML.T0065", "AML.T0024.002"),
    aisvs=("11.3.1",),
)


@dataclass
class _Fillings:
    customer: npt.NDArray[np.int32]
    exact: list[npt.NDArray[np.uint64]]
    account: list[npt.NDArray[np.int32]]
    ring: list[npt.NDArray[np.int32]]


class Dealt:
    """Compares fillings across the accounts of each ring."""

    card = CARD
    stage = "confirm"
    columns = ("imprint",)

    def init(self, world: World) -> _Fillings:
        """No fillings."""
        return _Fillings(world.customer, [], [], [])

    def update(self, state: _Fillings, batch: Batch) -> _Fillings:
        """Keep the whole-text hashes of template exchanges on confirming rows."""
        batch = batch.where((batch.half == CONFIRM) & (batch.ring >= 0))
        keep = np.flatnonzero(batch.filled)
        state.exact.append(batch.column("imprint.exact")[keep])
        state.account.append(state.customer[batch.account[keep]])
        state.ring.append(batch.ring[keep])
        return state

    def merge(self, left: _Fillings, right: _Fillings) -> _Fillings:
        """Put two states together."""
        return _Fillings(
            left.customer,
            left.exact + right.exact,
            left.account + right.account,
            left.ring + right.ring,
        )

    def finish(self, state: _Fillings, world: World) -> Mapping[int, Finding]:
        """A finding for each ring with enough fillings."""
        if not state.exact:
            return {}
        ring, exact = np.concatenate(state.ring), np.concatenate(state.exact)
        account = np.concatenate(state.account)
        # A retry is no second use: one account's repeats of a text count once.
        order = by_code(ring, exact, account)
        order = order[starts(ring[order], exact[order], account[order])]
        ring, exact = ring[order], exact[order]
        first = starts(ring, exact)
        times = np.diff(np.append(first, len(ring)))
        total = np.bincount(ring, minlength=len(world.rings))
        repeated = np.bincount(ring[first], np.where(times > 1, times, 0), len(world.rings)).astype(np.int64)
        return {
            at: _finding(int(repeated[at]), int(total[at]))
            for at in range(len(world.rings))
            if total[at] >= LEAST
        }


def _finding(repeated: int, total: int) -> Finding:
    # The effective number of independent fillings is bounded: beyond some hundreds the models, not chance, are wrong.
    n = min(total, 400)
    k = round(repeated * n / total)
    raw = max(_log_beta_binomial(k, n, *DEALT) - _log_beta_binomial(k, n, *STRANGERS), -CAP_AGAINST)
    share = repeated / total
    if raw >= 0:
        outcome = f"{share:.1%} were sent by two customers: the slices hardly overlap."
    else:
        outcome = f"{share:.0%} were sent by several customers: no list was dealt out."
    sentence = f"Of {total:,} fillings on fresh sessions {outcome}"
    return Finding(
        raw, sentence, None, {"fillings": float(total), "repeated": float(repeated), "share": share}
    )


def _log_beta_binomial(k: int, n: int, a: float, b: float) -> float:
    """Logarithm of the beta-binomial probability without its binomial coefficient."""

    def beta(x: float, y: float) -> float:
        return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)

    return beta(k + a, n - k + b) - beta(a, b)


test = Dealt()
