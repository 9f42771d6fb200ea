"""Who belongs to a ring: members that seldom fill its templates leave, accounts that do join (first half only).

Communities of ties pick up bystanders (a neighbour behind the same address, somebody with like prompts) and miss
accounts with few ties. A ring that has templates of its own is set right by them before anything is confirmed; one
without is left as it was proposed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headwater.detect.attribution import RingObjects, ring_by_account, ring_objects, seldom
from headwater.detect.fold import Ring, World
from headwater.detect.objects import Counts
from headwater.detect.rings import Graph, member_ties

#: A ring has templates of its own if this share of its members fills one.
TEMPLATED = 0.5
#: Share of its exchanges, against the ring's median member, from which others join.
JOIN, LEAST_TO_JOIN = 0.25, 3
#: Members tied by less than this share of the ring's median tie are bystanders.
CONFORM = 0.3


def refine(
    rings: Sequence[Ring], ties: Graph, world: World, fewest: int
) -> tuple[tuple[Ring, ...], RingObjects]:
    """The rings with bystanders out and missed accounts in, and the template objects that each owns."""
    rings = [_conforming(ring, ties) for ring in rings]
    counts: Counts | None = world.context.get("template_counts")
    if counts is None or not rings:
        return tuple(rings), RingObjects(np.empty(0, np.uint64), np.empty(0, np.int32))
    volume = np.maximum(world.half_volume[:, 0], 1)
    owned = ring_objects(counts, rings, volume)
    uses = _uses(owned, counts, world.size, len(rings))
    ring_of = ring_by_account(rings, world.size)
    out = []
    for at, ring in enumerate(rings):
        share = uses[at] / volume
        filling = share[ring.members]
        members = ring.members
        if (filling > 0).mean() >= TEMPLATED:
            usual = float(np.median(filling[filling > 0]))
            stay = members[~seldom(uses[at][members], volume[members], usual)]
            joins = np.flatnonzero((share >= JOIN * usual) & (uses[at] >= LEAST_TO_JOIN) & (ring_of < 0))
            # An account joins one ring only, or it would be counted in two.
            ring_of[joins] = at
            members = np.sort(np.concatenate([stay, joins.astype(np.int32)]))
        if len(members) >= fewest:
            out.append(Ring(members, ring.proposed_by, ring.strength))
    return tuple(out), ring_objects(counts, out, volume)


def owned_by(world: World, rings: Sequence[Ring]) -> RingObjects:
    """The template objects that each ring owns."""
    counts: Counts | None = world.context.get("template_counts")
    if counts is None:
        return RingObjects(np.empty(0, np.uint64), np.empty(0, np.int32))
    return ring_objects(counts, rings, np.maximum(world.half_volume[:, 0], 1))


def _conforming(ring: Ring, ties: Graph) -> Ring:
    """The members whose ties into the ring are of the size that is usual in it."""
    total, _ = member_ties(ties, ring)
    return Ring(ring.members[total >= CONFORM * np.median(total)], ring.proposed_by, ring.strength)


def _uses(owned: RingObjects, counts: Counts, size: int, rings: int) -> npt.NDArray[np.int64]:
    """For each ring and account: uses of the ring's object that the account used most."""
    out = np.zeros((rings, size), np.int64)
    ring = owned.owner(counts.objects)
    keep = ring >= 0
    np.maximum.at(out, (ring[keep], counts.accounts[keep]), counts.times[keep])
    return out
