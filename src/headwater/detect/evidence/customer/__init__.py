"""What speaks for the customer."""

from __future__ import annotations

from headwater.detect.evidence.customer import conversations, end_users, harness, shared_network, starter
from headwater.detect.fold import Fold

#: One line a detector.
EVIDENCE: tuple[Fold, ...] = (
    conversations.test,
    end_users.test,
    harness.test,
    shared_network.test,
    starter.test,
)
