"""Traits of accounts as evidence: how unusual one account is among others of its volume, and how many of a ring are.

A trait's null is the log itself: other customers that sent about as much. It is never a fixed threshold on people, and
an account of which too little is known counts neither for nor against. What strangers may share for innocent reasons
(a client, an hour) makes such counts run together, so caps are low, and of one dependence group only the strongest
counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Card, Finding, Reading, Ring, World
from headwater.detect.pvalues import calibrated, drawn

#: Accounts are compared with others of the same octave pair of volume, or with all where fewer customers are there.
LEAST_OTHERS = 200
STRATA = 8
#: Fewer members with a known value say nothing about a ring.
LEAST_MEMBERS = 5
#: No chance below this is believed of one account, whatever the size of the log.
LEAST_CHANCE = 1e-4


@dataclass(frozen=True)
class Measured:
    """A trait's card with what it read, and how many other customers of an account's volume show as much.

    `chance` (accounts): share of other customers in its stratum with at least its value, NaN where unknown.
    `known`, `marked` (customers by code): of whom enough is known, and who show the trait by one of their accounts;
    `stratum` that of their busiest account of which it is known.
    """

    card: Card
    reading: Reading
    chance: npt.NDArray[np.float64]
    known: npt.NDArray[np.bool_]
    marked: npt.NDArray[np.bool_]
    stratum: npt.NDArray[np.int64]

    @cached_property
    def everybody(self) -> npt.NDArray[np.int64]:
        """Customers by stratum (STRATA): in all, and those who show the trait (2 × STRATA)."""
        every = np.bincount(self.stratum[self.known], minlength=STRATA)
        return np.stack([every, np.bincount(self.stratum[self.marked], minlength=STRATA)])


def measured(card: Card, reading: Reading, world: World) -> Measured:
    """How unusual every account's value is. A customer of many accounts counts once, by its most telling one."""
    value = np.asarray(reading.value, np.float64)
    known = np.isfinite(value)
    stratum = strata(world.volume)
    chance = np.full(len(value), np.nan)
    everyone = _by_customer(value, world.customer, known)
    for one in np.unique(stratum[known]):
        mine = known & (stratum == one)
        others = _by_customer(value, world.customer, mine)
        others = everyone if len(others) < LEAST_OTHERS else others
        at_least = len(others) - np.searchsorted(others, value[mine], side="left")
        # The account itself is among them: it stands for the 1 that keeps a chance from being 0.
        chance[mine] = np.maximum(at_least, 1) / max(len(others), 1)
    size = int(world.customer.max(initial=-1)) + 1
    of = world.customer[known]
    busiest = np.zeros(size, np.int64)
    np.maximum.at(busiest, of, stratum[known])
    shows = np.bincount(of, value[known] >= reading.notable, size) > 0
    return Measured(card, reading, chance, np.bincount(of, minlength=size) > 0, shows, busiest)


def strata(volume: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Pairs of octaves of volume: 1–3 exchanges, 4–15, 16–63, …"""
    return np.minimum(np.log2(np.maximum(volume, 1)).astype(np.int64) // 2, STRATA - 1)


def _by_customer(
    value: npt.NDArray[np.float64], customer: npt.NDArray[np.int32], keep: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """The greatest value of each customer, ascending."""
    most = np.full(int(customer.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(most, customer[keep], value[keep])
    return np.sort(most[most > -np.inf])


def of_ring(trait: Measured, ring: Ring, world: World) -> Finding | None:
    """How many of a ring's customers show a trait, against others of their volume outside it."""
    inside = np.unique(world.customer[ring.members])
    inside = inside[trait.known[inside]]
    every, marked = trait.everybody
    if len(inside) < LEAST_MEMBERS or len(inside) == every.sum():
        return None
    ours = np.bincount(trait.stratum[inside], minlength=STRATA)
    hits, customers = int(trait.marked[inside].sum()), len(inside)
    if not hits:
        return None
    # Strata in which few others are known are taken together.
    few = every - ours < LEAST_OTHERS
    parts = [(int(ours[at]), int(marked[at]), int(every[at])) for at in np.flatnonzero(~few & (ours > 0))]
    if ours[few].any():
        # Of a stratum in which no member is nothing is drawn, but others there stand for the rest.
        parts.append((int(ours[few].sum()), int(marked[few].sum()), int(every[few].sum())))
    p_value, expected = drawn(hits, parts)
    sentence = (
        f"{hits:,} of its {customers:,} customers of whom enough is known {trait.reading.phrase}; of as many drawn "
        f"from all of their volume {expected:.1f} would."
    )
    figures = {"customers": float(customers), "show": float(hits), "expected": expected}
    return Finding(max(calibrated(p_value), 0.0), sentence, p_value, figures)


def of_account(traits: Sequence[Measured], account: int) -> list[tuple[Card, Finding]]:
    """What each trait says of one account: evidence where it is unusual, nothing where it is not."""
    out = []
    for trait in traits:
        chance = float(trait.chance[account])
        if math.isnan(chance) or trait.reading.value[account] < trait.reading.notable:
            continue
        raw = calibrated(max(chance, LEAST_CHANCE))
        if raw > 0:
            sentence = (
                f"It is among those who {trait.reading.phrase}: {chance:.2%} of others of its volume are."
            )
            out.append((trait.card, Finding(raw, sentence, chance, {"chance": chance})))
    return out


def strengths(traits: Sequence[Measured], size: int) -> npt.NDArray[np.float64]:
    """Nats of evidence about every account: caps applied, the strongest of each group, summed over groups."""
    groups: dict[str, npt.NDArray[np.float64]] = {}
    for trait in traits:
        chance = np.maximum(np.nan_to_num(trait.chance, nan=1.0), LEAST_CHANCE)
        raw = np.minimum(-0.5 * np.log(chance) - math.log(2), trait.card.cap_nats)
        raw = np.where(np.nan_to_num(trait.reading.value, nan=-np.inf) >= trait.reading.notable, raw, 0.0)
        best = groups.setdefault(trait.card.group, np.zeros(size))
        np.maximum(best, raw, out=best)
    total = np.zeros(size)
    for nats in groups.values():
        total += nats
    return total
