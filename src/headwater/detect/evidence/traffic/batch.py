"""Use of batch endpoints: requests that nobody waits for.

A batch job is what bulk work should use, so this says only that no person reads the answers as they come.
"""

from __future__ import annotations

from headwater.detect.evidence.traffic.columns import flags
from headwater.detect.evidence.traffic.states import OfTallies, Tallies, shares
from headwater.detect.fold import Batch, Card, Reading, World

#: Accounts with fewer exchanges of which it is known have no share to speak of.
LEAST = 10
NOTABLE = 0.9

CARD = Card(
    name="batch",
    title="Batch endpoints",
    group="behaviour",
    sees="accounts whose requests come through batch files, where nobody waits for an answer",
    null="other customers that sent about as much: how many send as large a share in batches",
    false_positive="not measured yet",
    innocent_causes=(
        "classification or translation of own data",
        "nightly jobs",
        "evaluation",
        "the price of batches",
    ),
    evasion_cost="pay the price of interactive calls, and keep to their rate limits",
    cap_nats=1.0,
    needs=("batch",),
    source="OWASP LLM06:2026",
    atlas=("AML.T0040",),
    aisvs=("11.2.2",),
)


class InBatches(OfTallies):
    """Share of an account's exchanges that came through a batch."""

    card = CARD
    columns = ("batch",)
    kinds = 2

    def update(self, state: Tallies, batch: Batch) -> Tallies:
        """Count exchanges of which it is known, and those in batches."""
        through = flags(batch, "batch")
        state.add(0, batch.account[through >= 0])
        state.add(1, batch.account[through == 1])
        return state

    def finish(self, state: Tallies, world: World) -> Reading:
        """The share in batches."""
        known, batched = state.count
        return Reading(
            shares(batched, known, LEAST), NOTABLE, "send at least 90% of their requests in batches"
        )


trait = InBatches()
