"""Who takes part in a ring that has no template: by what its accounts ask for in excess of everybody else.

On the proposing half accounts outside may join; on the confirming half members are named, each judged by the others.
A ring whose excess says little (it asks for what everybody asks for) is left as it was proposed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from headwater.detect.attribution import RingObjects, ring_by_account
from headwater.detect.cells import (
    JOINING_SHARE,
    JOINS,
    TAKES_PART,
    Cells,
    Excess,
    Placed,
    by_cell,
    by_ring,
    excess,
)
from headwater.detect.fold import Ring, World

#: Fewer customers tell too little about each other: one customer's keys are alike in the open.
LEAST_CUSTOMERS = 8
#: Members who send this share of what they have in common, at the median, hide behind nothing.
MOSTLY = 0.9


def joined(
    rings: tuple[Ring, ...],
    placed: Placed | None,
    owned: RingObjects,
    world: World,
    free: npt.NDArray[np.bool_] | None = None,
) -> tuple[Ring, ...]:
    """The rings with accounts outside that take part in one beyond doubt, where it owns no template.

    `free` (accounts): whoever may join, if not all; members of groups that aren't tested are no strangers.
    """
    cells: Cells | None = world.context.get("cells")
    if placed is None or cells is None or not rings:
        return rings
    ring_of = ring_by_account(rings, world.size)
    every, parts = by_cell(placed, cells.count, world), by_ring(placed, ring_of, len(rings))
    outside = ring_of < 0 if free is None else free & (ring_of < 0)
    strangers = placed.of(outside[placed.account])
    best, whose = np.full(world.size, JOINS), np.full(world.size, -1)
    sent = strangers.of_accounts(world.size, cells.count)
    for at, ring in enumerate(rings):
        if world.customers(ring.members) < LEAST_CUSTOMERS or (owned.ring == at).any():
            continue
        able, nats, share = excess(ring, parts[at], every, world).outsiders(sent, JOINS)
        better = (nats > best[able]) & (share >= JOINING_SHARE)
        best[able[better]], whose[able[better]] = nats[better], at
    return tuple(
        replace(ring, members=np.union1d(ring.members, np.flatnonzero(whose == at)).astype(np.int32))
        for at, ring in enumerate(rings)
    )


def learned(rings: tuple[Ring, ...], placed: Placed | None, world: World) -> dict[int, tuple[Excess, float]]:
    """For each ring large enough whose excess tells its members apart: the excess, and the chance that is pure."""
    cells: Cells | None = world.context.get("cells")
    if placed is None or cells is None or not rings:
        return {}
    ring_of = ring_by_account(rings, world.size)
    every, parts = by_cell(placed, cells.count, world), by_ring(placed, ring_of, len(rings))
    out = {}
    for at, ring in enumerate(rings):
        if world.customers(ring.members) >= LEAST_CUSTOMERS:
            found = excess(ring, parts[at], every, world)
            nats, share = found.gain(parts[at], world.size)
            nats, share = nats[ring.members], share[ring.members]
            if np.median(nats) > TAKES_PART:
                # Whoever sends next to nothing else has no cover to leave out: to choose would only choose members, and
                # people who share one subject are alike in it.
                covered = np.median(share[nats > TAKES_PART]) < MOSTLY
                out[at] = (found, found.pure(parts[at]) if covered else 0.0)
    return out


@dataclass(frozen=True)
class TakingPart:
    """Members of which the confirming half says that they take part: codes, ascending, and nats from both halves."""

    account: npt.NDArray[np.int32]
    nats: npt.NDArray[np.float64]


def taking_part(world: World, first: Placed | None, second: Placed | None) -> dict[int, TakingPart]:
    """How far content says that members take part, by ring (only rings of which `learned` knows the excess)."""
    known: dict[int, tuple[Excess, float]] = world.context.get("excess", {})
    if first is None or second is None or not known:
        return {}
    parts = [by_ring(placed, world.context["ring_of"], len(world.rings)) for placed in (first, second)]
    halves = [(found, part[at]) for at, (found, _) in known.items() for part in parts]
    with ThreadPoolExecutor(world.workers) as pool:
        gains = pool.map(lambda half: half[0].gain(half[1], world.size)[0], halves)
    out = {}
    for at in known:
        proposing, confirming = next(gains), next(gains)
        members = world.rings[at].members
        members = members[confirming[members] > 0]
        out[at] = TakingPart(members, proposing[members] + confirming[members])
    return out
