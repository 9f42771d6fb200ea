"""What is asked for: templates with moving slots, intents, lists dealt out."""

from __future__ import annotations

from headwater.detect.evidence.content import (
    benchmarks,
    concentration,
    dealt,
    intents,
    prefix,
    sweep,
    template,
)
from headwater.detect.fold import Fold

#: One line a detector.
EVIDENCE: tuple[Fold, ...] = (
    benchmarks.trait,
    concentration.trait,
    dealt.test,
    intents.test,
    prefix.links,
    prefix.test,
    sweep.test,
    template.links,
    template.test,
)
