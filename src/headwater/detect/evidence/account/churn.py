"""Addresses that change all the time: a new one for every second exchange, over the log or within one session.

Only how many addresses there are counts, never whose or where. What the operator's table calls a carrier or a campus is
one address, whichever of its own it shows.
"""

from __future__ import annotations

import numpy as np

from headwater.detect.evidence.account.tally import OfPlaces, Places, named, values
from headwater.detect.fold import NO_KEY, Batch, Card, Reading, World
from headwater.detect.hashed import first_of
from headwater.detect.networks import INNOCENT

#: Fewer exchanges with a known address say nothing; nor do fewer steps from one exchange of a session to the next.
LEAST, LEAST_STEPS = 20, 10
#: New addresses per 100 exchanges (or steps within a session).
NOTABLE = 50.0

CARD = Card(
    name="churn",
    title="Addresses that keep changing",
    group="client",
    sees="accounts that come from a new address for every second exchange, over the whole log or within sessions",
    null="how many other customers of like volume change as often",
    false_positive="not measured yet",
    innocent_causes=(
        "a carrier that gives every connection another address (name its ranges in networks)",
        "functions of a cloud that run on another machine each time",
        "a phone on the way",
    ),
    evasion_cost="keep one address an account: residential ones are paid for by address and day",
    cap_nats=1.0,
    needs=("ip",),
    source="AISVS research notes on 11.2 (residential proxies); Anthropic, 2026-02-23 (proxy services)",
    atlas=("AML.T0008.005",),
    aisvs=("11.2.2",),
)


class Churn(OfPlaces):
    """How many addresses an account needs for a hundred exchanges."""

    card = CARD
    width = 3
    columns = ("ip",)

    def update(self, state: Places, batch: Batch) -> Places:
        """Count (account, session, address)."""
        networks, tally = state
        address = values(batch, "ip").astype(np.int64)
        known = address != NO_KEY.astype(np.int64)
        if networks and known.any():
            found = networks.find_column(batch.coded("ip"))
            # No name of an address is so small, except once in 10^12 tables.
            address = np.where(networks.of_kind(found, INNOCENT), found.astype(np.int64), address)
        if known.any():
            known = np.flatnonzero(known)
            tally.add(batch.at_us[known], batch.account[known], batch.session[known], address[known])
        return state

    def finish(self, state: Places, world: World) -> Reading:
        """New addresses per 100 exchanges, or per 100 steps within sessions if that is more; NaN below LEAST."""
        tally = state[1]
        tally.compact()
        account, session, address = tally.rows
        size = world.size
        rows = np.bincount(account, tally.times, minlength=size)
        pairs, sessions = (account[first_of(named(account, c))] for c in (address, session))
        visits = np.bincount(sessions, minlength=size)
        # The first address of an account, or of a session, is no change.
        overall = (np.bincount(pairs, minlength=size) - 1) / np.maximum(rows - 1, 1)
        steps = rows - visits
        within = (np.bincount(account, minlength=size) - visits) / np.maximum(steps, 1)
        value = 100 * np.fmax(overall, np.where(steps >= LEAST_STEPS, within, 0.0))
        return Reading(
            np.where(rows >= LEAST, value, np.nan),
            NOTABLE,
            "come from a new address at every second exchange, over the log or within sessions",
        )


trait = Churn()
