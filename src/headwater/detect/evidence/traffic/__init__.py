"""How single accounts use the API, whatever they ask for."""

from __future__ import annotations

from headwater.detect.fold import Fold

#: One line a detector.
EVIDENCE: tuple[Fold, ...] = ()
