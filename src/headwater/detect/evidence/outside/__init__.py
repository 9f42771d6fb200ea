"""What others report: peers' indicators, marks and canaries found in the wild."""

from __future__ import annotations

from headwater.detect.evidence.outside import indicator, sighting
from headwater.detect.fold import Fold

#: One line a detector.
EVIDENCE: tuple[Fold, ...] = (
    indicator.test,
    sighting.test,
)
