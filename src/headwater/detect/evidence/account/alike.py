"""What more of a ring's customers have in common than customers outside do: one value, tested against everybody else.

The value is chosen among those of the ring, so its chance counts every value that could have been chosen. Rarity is
taken outside the ring: it must not make its own habits usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from headwater.detect.fold import Ring

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
        expected, chance = _as_many(times, inner.among(one), outer.among(one))
        p_value = min(1.0, chance * len(shared))
        if not best.hits or p_value < best.p_value:
            best = Alike(one, times, inner.count, expected, p_value)
    return best


def _as_many(hits: int, inside: _Hits, outside: _Hits) -> tuple[float, float]:
    """Customers expected to have a value as those outside do, and the chance of at least `hits` of them.

    Fisher's exact test, stratum by stratum: whoever has the value, chance alone said who of them is in the ring.
    """
    expected, law = 0.0, np.ones(1)
    few = outside.people < LEAST_STRATUM
    for keep, all_ in [*((np.arange(len(few)) == at, False) for at in np.flatnonzero(~few)), (few, True)]:
        ours, had = int(inside.people[keep].sum()), int(inside.hits[keep].sum())
        if not ours:
            continue
        # Strata with few outside are compared with everybody there.
        others, have = (int(a.sum() if all_ else a[keep].sum()) for a in (outside.people, outside.hits))
        expected += ours * have / others
        law = np.convolve(law, _drawn(ours, others + ours, have + had))
    return expected, float(min(1.0, max(law[hits:].sum(), 1e-300)))


def _drawn(ours: int, people: int, have: int) -> npt.NDArray[np.float64]:
    """Hypergeometric law (ours + 1) of how many of `ours` drawn from `people` are among the `have` who have a value."""
    many = np.arange(ours + 1.0)
    possible = (many <= have) & (ours - many <= people - have)
    out = np.zeros(ours + 1)
    out[possible] = np.exp(
        _choose(have, many[possible]) + _choose(people - have, ours - many[possible]) - _choose(people, ours)
    )
    return out


def _choose(n: float, k: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Logarithm of binomial coefficients."""
    k = np.asarray(k, np.float64)
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1) - gammaln(n - k + 1))


@dataclass(frozen=True)
class _Hits:
    """By stratum: customers, and those of them who have one value."""

    people: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]


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

    def among(self, value: int) -> _Hits:
        """Who has a value, by stratum."""
        return _Hits(self.strata, np.bincount(self.stratum[self.value == value], minlength=len(self.strata)))
