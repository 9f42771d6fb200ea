"""Innocent explanations that stand in the log or were declared: one organisation, a partner, a red team.

They are evidence like any other, shown in the same waterfall, and they never hide what was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from headwater.detect.fold import Card, Finding, Ring, World
from headwater.detect.known import Declaration

#: The dependence group of what is known of the accounts.
GROUP: Final = "declaration"
AGAINST = 15.0
#: Effective number of customers (inverse Simpson) below which a ring is the affair of a few organisations.
FEW_CUSTOMERS = 4.0
#: Share of a ring's accounts that a declaration must cover.
MOSTLY = 0.9

ORGANISATION = Card(
    name="organisation",
    title="One organisation",
    group=GROUP,
    sees="a ring whose accounts belong to one customer organisation in the open",
    null="accounts of a hidden ring belong to different organisations or to none",
    false_positive="not applicable: it speaks for the customer",
    innocent_causes=(),
    evasion_cost="nothing: whoever names one organisation for all accounts is judged, and limited, as one customer",
    cap_nats=0.0,
    cap_against_nats=AGAINST,
)
DECLARED = Card(
    name="declared",
    title="Declared by the operator",
    group=GROUP,
    sees="partners, red teams, evaluators and fleets named in known.toml",
    null="not applicable",
    false_positive="not applicable: it speaks for the customer",
    innocent_causes=(),
    evasion_cost="not applicable",
    cap_nats=0.0,
    cap_against_nats=AGAINST,
)


@dataclass(frozen=True)
class Named:
    """A declaration and the members that it names, of those that a ring was judged with."""

    party: Declaration
    members: tuple[int, ...]
    judged: int
    ended: bool


def one_organisation(ring: Ring, world: World) -> Finding | None:
    """Evidence against where the members stand under very few customer organisations in the open."""
    tenants = world.tenant[ring.members]
    named = tenants[tenants >= 0]
    if not len(named):
        return None
    _, count = np.unique(named, return_counts=True)
    # An account without an organisation is a customer of its own.
    sizes = np.concatenate([count, np.ones(len(tenants) - len(named), np.int64)])
    customers = float(sizes.sum() ** 2 / (sizes**2).sum())
    if customers >= FEW_CUSTOMERS:
        return None
    return Finding(
        -AGAINST,
        f"{len(named) / len(tenants):.0%} of its accounts belong to {len(count):,} named organisations, the largest "
        f"with {count.max():,}: few customers with many keys, whose use is a matter of their contracts.",
        None,
        {"customers": customers, "organisations": float(len(count))},
    )


def declared(ring: Ring, world: World, known: Sequence[Declaration]) -> Declaration | None:
    """The declaration that covers most of the ring and still holds at the log's end."""
    for party in known:
        if not party.holds(world.span_us[1]):
            continue
        if len(_covered(party, ring, world)) >= MOSTLY * len(ring.members):
            return party
    return None


def undecided(ring: Ring, world: World, known: Sequence[Declaration]) -> tuple[Named, ...]:
    """The declarations that name accounts of the ring, where none decides."""
    return tuple(
        Named(party, members, len(ring.members), not party.holds(world.span_us[1]))
        for party in known
        if (members := _covered(party, ring, world))
    )


def _covered(party: Declaration, ring: Ring, world: World) -> tuple[int, ...]:
    """The members that a declaration names."""
    return tuple(m for m in ring.members.tolist() if party.covers(world.accounts[m], world.organisations[m]))


def finding(party: Declaration) -> Finding:
    """The declaration as evidence."""
    until = f" until {party.until.isoformat()}" if party.until else ""
    note = f" ({party.note})" if party.note else ""
    return Finding(-AGAINST, f"Declared as {party.kind} “{party.name}”{until}{note}.", None, {})
