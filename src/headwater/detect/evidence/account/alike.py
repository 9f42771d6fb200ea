"""What more of a ring's customers have in common than customers outside do: one value, tested against everybody else.

The value is chosen among those of the ring, so its chance counts every value that could have been chosen. Rarity is
taken outside the ring: it must not make its own habits usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Ring
from headwater.detect.pvalues import as_many

#: Fewer customers that have it, or of whom it is known, say nothing.
LEAST_ALIKE, LEAST_CUSTOMERS = 3, 5
#: Customers outside are compared by stratum where at least so many are in it.
LEAST_STRATUM = 20


@dataclass(frozen=True)
class Alike:
    """The value that a ring's customers share most surprisingly, how many of how many have it, the chance of that."""

    value: int
    hits: int
    customers: int
    expected: float
    p_value: float


def most_alike(
    ring: Ring,
    account: npt.NDArray[np.int32],
    value: npt.NDArray[np.int64],
    customer: npt.NDArray[np.int32],
    stratum: npt.NDArray[np.int64] | None = None,
) -> Alike | None:
    """The least likely value in common; None where too little is known.

    `account` (m) and `value` (m) are pairs, `customer` is by account. `stratum` (by account), where given, is what is
    innocent to have in common: a customer is expected to be as those outside in its own stratum are.
    """
    _, strata = np.unique(np.zeros(len(customer)) if stratum is None else stratum, return_inverse=True)
    inside = np.isin(account, ring.members)
    outside = ~np.isin(customer[account], customer[ring.members])
    inner, outer = (_People.of(account[k], value[k], customer, strata) for k in (inside, outside))
    if inner.count < LEAST_CUSTOMERS or not outer.count:
        return None
    shared, hits = np.unique(inner.value, return_counts=True)
    shared, hits = shared[hits >= LEAST_ALIKE], hits[hits >= LEAST_ALIKE]
    best = Alike(0, 0, inner.count, 0.0, 1.0)
    for one, times in zip(shared.tolist(), hits.tolist(), strict=True):
        expected = float(outer.rate(one) @ inner.strata)
        p_value = min(1.0, as_many(times, inner.count, expected) * len(shared))
        if not best.hits or p_value < best.p_value:
            best = Alike(one, times, inner.count, expected, p_value)
    return best


@dataclass(frozen=True)
class _People:
    """Customers as distinct (customer, value) pairs: `value` and `stratum` of each; `strata` counts customers."""

    value: npt.NDArray[np.int64]
    stratum: npt.NDArray[np.int64]
    strata: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls,
        account: npt.NDArray[np.int32],
        value: npt.NDArray[np.int64],
        customer: npt.NDArray[np.int32],
        strata: npt.NDArray[np.int64],
    ) -> _People:
        """Those behind pairs of account and value; a customer stands in the stratum of its first account."""
        order = np.argsort(account, kind="stable")
        account, value = account[order], value[order]
        people, at = np.unique(customer[account], return_index=True)
        pairs = np.unique(np.stack([customer[account], value]), axis=1)
        of = strata[account[at]]
        stratum = of[np.searchsorted(people, pairs[0])]
        return cls(pairs[1], stratum, np.bincount(of, minlength=int(strata.max(initial=0)) + 1))

    @property
    def count(self) -> int:
        return int(self.strata.sum())

    def rate(self, value: int) -> npt.NDArray[np.float64]:
        """Share that has a value, by stratum (that of all where too few are there)."""
        has = np.bincount(self.stratum[self.value == value], minlength=len(self.strata))
        share = (has + 1) / (self.strata + 2)
        return np.where(self.strata >= LEAST_STRATUM, share, (has.sum() + 1) / (self.count + 2))
