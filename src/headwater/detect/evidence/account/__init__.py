"""What sign-up, client and address tell of single accounts."""

from __future__ import annotations

from headwater.detect.fold import Fold

#: One line a detector.
EVIDENCE: tuple[Fold, ...] = ()
