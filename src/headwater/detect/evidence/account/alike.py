"""What more of a ring's customers have in common than customers outside do: one value, tested against everybody else.

The value is chosen because the ring shares it, so its chance counts every value that could have been chosen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Ring
from headwater.detect.pvalues import drawn

#: Fewer customers that have it, or of whom it is known, say nothing.
LEAST_ALIKE, LEAST_CUSTOMERS = 3, 5
#: Strata of fewer customers, in and outside, are taken together.
LEAST_STRATUM = 20
#: At most this share of a stratum lies outside a ring whose own it is.
OWN = 0.05


@dataclass(frozen=True)
class Alike:
    """The value that a ring's customers share most surprisingly, how many of how many have it, the chance of that."""

    value: int
    hits: int
    customers: int
    expected: float
    p_value: float


@dataclass(frozen=True)
class People:
    """What each customer has, by the first of its accounts of which it is known: or many would be many chances.

    `customer` (m, ascending), `value` (m), `stratum` (m): what is innocent to have in common.
    """

    customer: npt.NDArray[np.int32]
    value: npt.NDArray[np.int64]
    stratum: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls,
        account: npt.NDArray[np.int32],
        value: npt.NDArray[np.int64],
        customer: npt.NDArray[np.int32],
        stratum: npt.NDArray[np.int64] | None = None,
    ) -> People:
        """From pairs of `account` (each once) and `value`; `customer` and `stratum` are by account."""
        _, strata = np.unique(np.zeros(len(customer)) if stratum is None else stratum, return_inverse=True)
        order = np.argsort(account)
        people, first = np.unique(customer[account[order]], return_index=True)
        at = order[first]
        return cls(people, value[at], strata[account[at]])


def most_alike(ring: Ring, people: People, customer: npt.NDArray[np.int32]) -> Alike | None:
    """The least likely value that a ring's customers have in common; None where too little is known.

    `customer` is by account. A customer is expected to be as others of its own stratum are.
    """
    mine = np.isin(people.customer, customer[ring.members])
    inner, outer = ((people.value[k], people.stratum[k]) for k in (mine, ~mine))
    if len(inner[0]) < LEAST_CUSTOMERS or not len(outer[0]):
        return None
    shared, hits = np.unique(inner[0], return_counts=True)
    shared, hits = shared[hits >= LEAST_ALIKE], hits[hits >= LEAST_ALIKE]
    # Tried are not only those that the ring happens to share: any that so many have could have been among them.
    _, spread = np.unique(people.value, return_counts=True)
    tried = int((spread >= LEAST_ALIKE).sum())
    best = Alike(0, 0, len(inner[0]), 0.0, 1.0)
    parts = _parts(inner[1], outer[1], int(people.stratum.max()) + 1)
    for one, times in zip(shared.tolist(), hits.tolist(), strict=True):
        expected, chance = _as_many(times, parts, inner[0] == one, outer[0] == one)
        p_value = min(1.0, chance * tried)
        if not best.hits or p_value < best.p_value:
            best = Alike(one, times, len(inner[0]), expected, p_value)
    return best


def _parts(
    inner: npt.NDArray[np.int64], outer: npt.NDArray[np.int64], size: int
) -> list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """Which customers inside are compared with which outside, given the strata of both.

    Small strata are one. A stratum that is all but the ring's own is compared with everybody: it is no innocent habit.
    So it can't be by chance, unless the ring is most of the log.
    """
    ours, theirs = np.bincount(inner, minlength=size), np.bincount(outer, minlength=size)
    small = ours + theirs < LEAST_STRATUM
    own = ~small & (theirs <= OWN * (ours + theirs)) & (len(inner) <= len(outer))
    parts = [(inner == at, outer == at) for at in np.flatnonzero(~small & ~own & (ours > 0)).tolist()]
    return [*parts, (small[inner], small[outer]), (own[inner], np.ones(len(outer), bool))]


def _as_many(
    hits: int,
    parts: list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]],
    inside: npt.NDArray[np.bool_],
    outside: npt.NDArray[np.bool_],
) -> tuple[float, float]:
    """Customers expected to have a value as those outside do, and the chance of at least `hits` of them.

    Fisher's exact test, part by part: whoever has the value, chance alone said who of them is in the ring.
    """
    expected, strata = 0.0, []
    for inner, outer in parts:
        ours, had, others, have = (int(a.sum()) for a in (inner, inside[inner], outer, outside[outer]))
        if ours:
            expected += ours * have / others if others else had
            strata.append((ours, have + had, others + ours))
    return expected, drawn(hits, strata)[0]
