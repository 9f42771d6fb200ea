"""Who belongs to a ring: members that seldom fill its templates leave, accounts that do join (first half only).

Communities of ties pick up bystanders (a neighbour behind the same address, somebody with like prompts) and miss
accounts with few ties. A ring that has templates of its own is set right by them before anything is confirmed; one
without is left as it was proposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.attribution import (
    VARIED,
    RingObjects,
    ring_by_account,
    ring_objects,
    seldom,
    variety,
)
from headwater.detect.fold import Ring, World
from headwater.detect.objects import Counts
from headwater.detect.rings import Graph

#: Where the world keeps which accounts were left out of their ring's test, being one organisation's keys.
ASIDE = "aside"
#: A ring has templates of its own if this share of its members fills one.
TEMPLATED = 0.5
#: Filling, against the ring's median member, from which others join.
JOIN, LEAST_TO_JOIN = 0.25, 5
#: Members tied by less than this share of the ring's median tie are bystanders.
CONFORM = 0.3


def refine(
    rings: Sequence[Ring], ties: Graph, world: World, fewest: int
) -> tuple[tuple[Ring, ...], RingObjects]:
    """The rings with bystanders out and missed accounts in, and the template objects that each owns."""
    rings = _conforming(rings, ties)
    counts: Counts | None = world.context.get("template_counts")
    if counts is None or not rings:
        return tuple(rings), RingObjects.none()
    volume = np.maximum(world.half_volume[:, 0], 1)
    owned = ring_objects(counts, rings, volume, workers=world.workers)
    uses = _uses(owned, counts, world.size)
    # How an account fills each ring's templates, against the ring's median member; NaN: the ring has none of its own.
    usual = np.array(
        [_usual(uses.of(at, ring.members), volume[ring.members]) for at, ring in enumerate(rings)]
    )
    filling = np.nan_to_num(uses.times / volume[uses.account] / usual[uses.ring])
    fits = np.where((filling >= JOIN) & (uses.times >= LEAST_TO_JOIN), filling, 0.0)
    ring_of = ring_by_account(rings, world.size)
    # Cover ties an account to strangers, and one community takes it; it belongs where it fills most.
    here = np.zeros(world.size)
    own = uses.ring == ring_of[uses.account]
    here[uses.account[own]] = filling[own]
    order = np.lexsort((uses.ring, -fits, uses.account))
    first = order[np.diff(uses.account[order], prepend=-1) != 0]
    first = first[(fits[first] > here[uses.account[first]]) & ~own[first]]
    joins, best = uses.account[first].astype(np.int64), uses.ring[first]
    out = []
    for at, ring in enumerate(rings):
        members = np.setdiff1d(ring.members, joins)
        if not np.isnan(usual[at]):
            members = members[~seldom(uses.of(at, members), volume[members], usual[at])]
        members = np.union1d(members, joins[best == at]).astype(np.int32)
        if len(members) >= fewest:
            out.append(Ring(members, ring.proposed_by, ring.strength))
    owned = ring_objects(counts, out, volume, workers=world.workers)
    out = _varied(out, owned, counts, world.size)
    out = [ring for ring in out if len(ring.members) >= fewest]
    return tuple(out), ring_objects(counts, out, volume, workers=world.workers)


def _varied(rings: Sequence[Ring], owned: RingObjects, counts: Counts, size: int) -> list[Ring]:
    """The rings without members who fill one of its many templates only: a habit that they share with it."""
    owner = owned.owner(counts.objects)
    keep = np.flatnonzero((owner >= 0) & (owner == ring_by_account(rings, size)[counts.accounts]))
    keep = keep[np.argsort(owner[keep], kind="stable")]
    bounds = np.searchsorted(owner[keep], np.arange(len(rings) + 1))
    out = []
    for ring, low, high in zip(rings, bounds[:-1], bounds[1:], strict=True):
        rows = keep[low:high]
        objects, item = np.unique(counts.objects[rows], return_inverse=True)
        worth = owned.nats[np.searchsorted(owned.objects, objects)]
        account = np.searchsorted(ring.members, counts.accounts[rows])
        nats, usual = variety(account, item, counts.times[rows], worth, len(ring.members))
        stays = (nats == 0) | (nats >= VARIED * usual)
        out.append(Ring(ring.members[stays], ring.proposed_by, ring.strength))
    return out


def _usual(uses: npt.NDArray[np.int64], volume: npt.NDArray[np.int64]) -> float:
    """Share of exchanges with which the median member fills a ring's templates; NaN where few members fill any."""
    filling = uses / volume
    return float(np.median(filling[filling > 0])) if (filling > 0).mean() >= TEMPLATED else float("nan")


def owned_by(world: World, rings: Sequence[Ring]) -> RingObjects:
    """The template objects that each ring owns; keys that were left out of its test speak neither for nor against."""
    counts: Counts | None = world.context.get("template_counts")
    if counts is None:
        return RingObjects.none()
    volume = np.maximum(world.half_volume[:, 0], 1)
    return ring_objects(counts, rings, volume, world.context.get(ASIDE), world.workers)


def _conforming(rings: Sequence[Ring], ties: Graph) -> list[Ring]:
    """The rings' members whose ties into their ring are of the size that is usual in it."""
    ring_of, total = ring_by_account(rings, ties.size), np.zeros(ties.size)
    for part in ties.links:
        inside = np.flatnonzero((ring_of[part.a] >= 0) & (ring_of[part.a] == ring_of[part.b]))
        for ends in (part.a[inside], part.b[inside]):
            total += np.bincount(ends, part.weight[inside], ties.size)
    out = []
    for ring in rings:
        tied = total[ring.members]
        out.append(Ring(ring.members[tied >= CONFORM * np.median(tied)], ring.proposed_by, ring.strength))
    return out


@dataclass(frozen=True)
class _Uses:
    """By ring, then account (parallel): `times` it used that object of the ring's which it used most."""

    ring: npt.NDArray[np.int64]
    account: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    size: int

    def of(self, ring: int, members: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """Uses of one ring's objects by some accounts."""
        low, high = np.searchsorted(self.ring, [ring, ring + 1])
        out = np.zeros(self.size, np.int64)
        out[self.account[low:high]] = self.times[low:high]
        return out[members]


def _uses(owned: RingObjects, counts: Counts, size: int) -> _Uses:
    owner = owned.owner(counts.objects)
    keep = owner >= 0
    key, place = np.unique(owner[keep].astype(np.int64) * size + counts.accounts[keep], return_inverse=True)
    times = np.zeros(len(key), np.int64)
    np.maximum.at(times, place, counts.times[keep])
    return _Uses(key // size, key % size, times, size)
