"""What ties accounts to each other: one queue, pool and purse, joint turns, shared means and hand-overs."""

from __future__ import annotations

from headwater.detect.evidence.between import (
    arrival,
    distance,
    handover,
    infrastructure,
    nearness,
    pool,
    purse,
    queue,
    replaced,
    runs,
    turns,
)
from headwater.detect.fold import Fold

#: One line a detector.
EVIDENCE: tuple[Fold, ...] = (
    arrival.test,
    distance.trait,
    handover.test,
    infrastructure.links,
    infrastructure.test,
    nearness.propose,
    pool.test,
    purse.test,
    queue.test,
    replaced.test,
    runs.test,
    turns.test,
)
