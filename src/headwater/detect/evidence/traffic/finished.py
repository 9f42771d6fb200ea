"""Always read to the end: no answer is cut off, none is asked for again.

People lose patience, change their mind and press "regenerate". A program that stores answers does neither.
"""

from __future__ import annotations

import numpy as np

from headwater.detect.evidence.traffic.columns import UNKNOWN, failed, flags
from headwater.detect.evidence.traffic.states import OfRows, Rows, shares
from headwater.detect.fold import Batch, Card, Reading, World

LEAST = 20
NOTABLE = 1.0
#: The same prompt again within this time is asked for anew, unless its first answer was an error.
AGAIN_US = 5 * 60_000_000

CARD = Card(
    name="finished",
    title="Always read to the end",
    group="behaviour",
    sees="accounts that never leave before an answer's end and never ask for one again within five minutes",
    null="other customers that sent about as much: how many never do either",
    false_positive="not measured yet",
    innocent_causes=(
        "any unattended program",
        "clients that don't stream",
        "patient people with few requests",
    ),
    evasion_cost="cut off some answers and ask for others twice: they are paid for and lost",
    cap_nats=1.5,
    needs=("cancelled",),
    atlas=("AML.T0040",),
    aisvs=("11.2.2",),
)


class Finished(OfRows):
    """Share of an account's exchanges that were neither cut off nor asked for again."""

    card = CARD
    columns = ("imprint", "cancelled", "status")
    least = LEAST

    def update(self, state: Rows, batch: Batch) -> Rows:
        """Keep prompt, time, whether it was cut off (UNKNOWN: not said) and whether it failed."""
        state.add(batch, batch.column("imprint.exact"), batch.at_us, flags(batch, "cancelled"), failed(batch))
        return state

    def finish(self, state: Rows, world: World) -> Reading:
        """The share that was left as it came, of exchanges of which it is known."""
        rows = state.ordered()
        value = np.full(world.size, np.nan)
        if rows is not None:
            account, exact, at_us, cancelled, wrong = rows
            unlike = cancelled == 1
            same = (account[1:] == account[:-1]) & (exact[1:] == exact[:-1]) & ~wrong[:-1]
            unlike[1:] |= same & (at_us[1:] - at_us[:-1] <= AGAIN_US)
            total = np.bincount(account[cancelled != UNKNOWN], minlength=world.size)
            touched = np.bincount(account[unlike], minlength=world.size)
            value = shares(np.maximum(total - touched, 0), total, LEAST)
        return Reading(value, NOTABLE, "never cut an answer off and never ask for one again")


trait = Finished()
