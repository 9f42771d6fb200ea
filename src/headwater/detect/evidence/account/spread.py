"""One account in many networks: how many autonomous systems its exchanges come from, by the operator's table.

Carriers and campuses are left out, for people move. Which networks they are, and where, is never asked.
"""

from __future__ import annotations

import numpy as np

from headwater.detect.evidence.account.tally import OfPlaces, Places
from headwater.detect.fold import Batch, Card, Reading, World
from headwater.detect.networks import INNOCENT

#: Fewer exchanges from networks with a number say nothing.
LEAST = 20
NOTABLE = 6

CARD = Card(
    name="spread",
    title="Many networks",
    group="client",
    sees="accounts whose exchanges come from six or more autonomous systems",
    null="how many other customers of like volume come from as many",
    false_positive="not measured yet; it is that of the table too",
    innocent_causes=(
        "travel",
        "a company with many sites",
        "a program that customers of its own run at home",
    ),
    evasion_cost="addresses of one network an account",
    cap_nats=1.0,
    needs=("ip", "given.networks"),
    source="OWASP AISVS 11.2.2 (counting by ASN); Glasswally",
    atlas=("AML.T0008.005",),
    aisvs=("11.2.2",),
)


class Spread(OfPlaces):
    """From how many autonomous systems an account comes."""

    card = CARD
    columns = ("ip",)

    def update(self, state: Places, batch: Batch) -> Places:
        """Count (account, autonomous system)."""
        networks, tally = state
        if networks and batch.has("ip"):
            found = networks.find_column(batch.coded("ip"))
            number = np.where(found >= 0, networks.asn[found], 0)
            seen = (number > 0) & ~networks.of_kind(found, INNOCENT)
            tally.add(batch.at_us[seen], batch.account[seen], number[seen])
        return state

    def finish(self, state: Places, world: World) -> Reading:
        """The number of autonomous systems; NaN below LEAST exchanges from one that has a number."""
        tally = state[1]
        tally.compact()
        rows = np.bincount(tally.rows[0], tally.times, minlength=world.size)
        many = np.bincount(tally.rows[0], minlength=world.size)
        return Reading(
            np.where(rows >= LEAST, many, np.nan), NOTABLE, f"come from {NOTABLE} or more autonomous systems"
        )


trait = Spread()
