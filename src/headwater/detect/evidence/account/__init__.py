"""What sign-up, client and address tell of single accounts."""

from __future__ import annotations

from headwater.detect.evidence.account import (
    burst,
    churn,
    client,
    contradiction,
    mail,
    means,
    names,
    programme,
    relays,
    spread,
    takeover,
    woken,
)
from headwater.detect.fold import Fold

#: One line a detector.
EVIDENCE: tuple[Fold, ...] = (
    burst.trait,
    churn.trait,
    client.test,
    contradiction.trait,
    mail.trait,
    means.trait,
    names.test,
    programme.test,
    relays.trait,
    spread.trait,
    takeover.trait,
    woken.trait,
)
