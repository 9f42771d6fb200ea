"""What speaks for the customer."""

from __future__ import annotations

from headwater.detect.fold import Fold

#: One line a detector.
EVIDENCE: tuple[Fold, ...] = ()
