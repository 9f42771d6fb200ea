"""What is asked for: templates with moving slots, intents, lists dealt out."""

from __future__ import annotations

from headwater.detect.evidence.content import dealt, intents, template
from headwater.detect.fold import Fold

#: One line a detector.
EVIDENCE: tuple[Fold, ...] = (
    dealt.test,
    intents.test,
    template.links,
    template.test,
)
