"""Means that other customers use too: a payment instrument, a device or a phone number behind several accounts.

That a *ring* shares means is `between/infrastructure`; here each account is told how many others it shares with. What
the means is (a kind of card, a country's number) is never looked at.
"""

from __future__ import annotations

import numpy as np

from headwater.detect.evidence.account.signup import coded
from headwater.detect.fold import Card, NoRows, Reading, World
from headwater.detect.pairs import pairs

MEANS = ("payment", "device", "phone")
#: Other customers from which a means is shared by more than a household.
NOTABLE = 3
#: What a larger share of all customers has (but at least so many) is a placeholder or a shop's terminal.
COMMON, LEAST_COMMON = 0.02, 25

CARD = Card(
    name="means",
    title="Means shared with other customers",
    group="infrastructure",
    sees="accounts whose payment instrument, sign-up device or phone number at least three other customers use",
    null="how many other customers of the log share theirs with as many",
    false_positive="not measured yet",
    innocent_causes=(
        "a family or a shared flat",
        "an employer that pays for private accounts",
        "a lab's or an internet café's computer",
        "a number given again to somebody else",
    ),
    evasion_cost="a card, a device and a phone number for every account",
    cap_nats=1.5,
    any_of=tuple(f"account.{name}" for name in MEANS),
    source="Anthropic, 2026-02-23 (shared payment methods); Stripe Radar, multi-accounting",
    atlas=("AML.T0021",),
    aisvs=("12.2.5",),
)


class Means(NoRows):
    """With how many other customers each account shares its means."""

    card = CARD
    stage = "trait"

    def finish(self, state: None, world: World) -> Reading:
        """The number of other customers that share one means, the greatest of the three; NaN where none is known."""
        value = np.full(world.size, np.nan)
        most = max(LEAST_COMMON, COMMON * len(np.unique(world.customer)))
        for name in MEANS:
            account, at, names = coded(world, name)
            if not names:
                continue
            people = np.bincount(pairs(at, world.customer[account]).first, minlength=len(names))
            others = np.where(people <= most, people - 1, 0)
            value[account] = np.fmax(value[account], others[at])
        return Reading(
            value,
            NOTABLE,
            f"use a payment instrument, a device or a phone number of at least {NOTABLE} others",
        )


trait = Means()
