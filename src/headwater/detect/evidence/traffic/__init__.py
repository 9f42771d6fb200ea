"""How single accounts use the API, whatever they ask for."""

from __future__ import annotations

from headwater.detect.evidence.traffic import (
    appetite,
    batch,
    ceiling,
    conversation,
    coverage,
    demands,
    departure,
    finished,
    limits,
    machine,
    pivot,
    refusals,
    repeats,
)
from headwater.detect.fold import Fold

#: One line a detector.
EVIDENCE: tuple[Fold, ...] = (
    appetite.trait,
    batch.trait,
    ceiling.test,
    conversation.trait,
    coverage.trait,
    demands.trait,
    departure.trait,
    finished.trait,
    limits.trait,
    machine.trait,
    pivot.trait,
    refusals.trait,
    repeats.trait,
)
