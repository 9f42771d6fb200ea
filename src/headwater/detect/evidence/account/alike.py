"""What more of a ring's customers have in common than customers outside do: one value, tested against everybody else.

The value is chosen because the ring shares it, so its chance counts every value that could have been chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

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

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Customers by stratum."""
        return np.bincount(self.stratum)

    @cached_property
    def _held(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        order = np.argsort(self.value, kind="stable")
        values, start = np.unique(self.value[order], return_index=True)
        return values, np.append(start, len(order)), self.stratum[order]

    @cached_property
    def tried(self) -> int:
        """Values that so many have that a ring could share them."""
        return int((np.diff(self._held[1]) >= LEAST_ALIKE).sum())

    def having(self, value: int) -> npt.NDArray[np.int64]:
        """Customers by stratum who have a value."""
        if value not in self._having:
            values, start, stratum = self._held
            at = int(np.searchsorted(values, value))
            found = np.bincount(stratum[start[at] : start[at + 1]], minlength=len(self.sizes))
            self._having[value] = found
        return self._having[value]

    @cached_property
    def _having(self) -> dict[int, npt.NDArray[np.int64]]:
        """What was asked of values before: many groups have a common one."""
        return {}


def most_alike(ring: Ring, people: People, customer: npt.NDArray[np.int32]) -> Alike | None:
    """The least likely value that a ring's customers have in common; None where too little is known.

    `customer` is by account. A customer is expected to be as others of its own stratum are.
    """
    mine = np.unique(customer[ring.members])
    at = np.searchsorted(people.customer, mine)
    inside = (
        at[people.customer[np.minimum(at, len(people.customer) - 1)] == mine]
        if len(people.customer)
        else at[:0]
    )
    if len(inside) < LEAST_CUSTOMERS or len(inside) == len(people.customer):
        return None
    value, stratum = people.value[inside], people.stratum[inside]
    size = len(people.sizes)
    ours = np.bincount(stratum, minlength=size)
    groups = _groups(ours, people.sizes - ours)
    best = Alike(0, 0, len(inside), 0.0, 1.0)
    for one, times in zip(*(part.tolist() for part in np.unique(value, return_counts=True)), strict=True):
        if times < LEAST_ALIKE:
            continue
        had = np.bincount(stratum[value == one], minlength=size)
        expected, chance = _as_many(
            times, groups, (ours, people.sizes - ours), (had, people.having(one) - had)
        )
        # Tried are not only those that the ring happens to share: any that so many have could have been among them.
        p_value = min(1.0, chance * people.tried)
        if not best.hits or p_value < best.p_value:
            best = Alike(one, times, len(inside), expected, p_value)
    return best


Strata = npt.NDArray[np.int64]


def _groups(ours: Strata, theirs: Strata) -> list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """Which strata inside are compared with which outside, from the customers in each.

    Small strata are one. A stratum that is all but the ring's own is compared with everybody: it is no innocent habit.
    So it can't be by chance, unless the ring is most of the log.
    """
    small = ours + theirs < LEAST_STRATUM
    own = ~small & (theirs <= OWN * (ours + theirs)) & (ours.sum() <= theirs.sum())
    each = np.arange(len(ours))
    alone = [(each == at, each == at) for at in np.flatnonzero(~small & ~own & (ours > 0)).tolist()]
    return [*alone, (small, small), (own, np.ones(len(ours), bool))]


def _as_many(
    hits: int,
    groups: list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]],
    customers: tuple[Strata, Strata],
    having: tuple[Strata, Strata],
) -> tuple[float, float]:
    """Customers expected to have a value as those outside do, and the chance of at least `hits` of them.

    `customers` and those `having` it, inside and outside, by stratum. Fisher's exact test, part by part: whoever has
    the value, chance alone said who of them is in the ring.
    """
    expected, strata = 0.0, []
    for inner, outer in groups:
        ours, others = int(customers[0][inner].sum()), int(customers[1][outer].sum())
        had, have = int(having[0][inner].sum()), int(having[1][outer].sum())
        if ours:
            expected += ours * have / others if others else had
            strata.append((ours, have + had, others + ours))
    return expected, drawn(hits, strata)[0]
