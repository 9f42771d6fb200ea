"""Innocent explanations that stand in the log or were declared: one organisation, a partner, a red team.

They are evidence like any other, shown in the same waterfall, and they never hide what was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Card, Finding, Ring, World
from headwater.detect.known import Declaration

#: The dependence group of what is known of the accounts.
GROUP: Final = "declaration"
AGAINST = 15.0
#: Effective number of customers (inverse Simpson) below which a ring is the affair of a few organisations.
FEW_CUSTOMERS = 4.0
#: Share of a ring's accounts that a declaration, or those few organisations, must cover.
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
    """Evidence against where nearly all members stand under very few customer organisations in the open."""
    few = _few(ring, world)
    if few is None or few.members < MOSTLY * len(ring.members):
        return None
    return Finding(
        -AGAINST,
        f"{few.members / len(ring.members):.0%} of its accounts belong to {_organisations(len(few.codes))}, the "
        f"largest with {few.largest:,}: few customers with many keys, whose use is a matter of their contracts.",
        None,
        {"customers": few.customers, "organisations": float(len(few.codes))},
    )


def strangers(ring: Ring, world: World, fewest: int) -> Ring:
    """The ring without the keys of organisations that dominate it, where it has customers enough beside them.

    One organisation's keys are alike in the open, and can neither convict strangers among them nor clear them.
    """
    few = _few(ring, world)
    if few is None or few.members >= MOSTLY * len(ring.members):
        return ring
    rest = ring.members[~np.isin(world.tenant[ring.members], few.codes)]
    return replace(ring, members=rest) if world.customers(rest) >= fewest else ring


@dataclass(frozen=True)
class _Few:
    """Organisations that make a ring the affair of few customers.

    `members` of all of them and of the largest; `customers`: the effective number in the ring (inverse Simpson).
    """

    codes: npt.NDArray[np.int32]
    members: int
    largest: int
    customers: float


def _few(ring: Ring, world: World) -> _Few | None:
    """The organisations that must be left out for a ring to have enough customers; None where it has."""
    tenants = world.tenant[ring.members]
    codes, count = np.unique(tenants[tenants >= 0], return_counts=True)
    order = np.argsort(-count, kind="stable")
    # An account without an organisation is a customer of its own.
    alone = int((tenants < 0).sum())
    effective = [_effective(count[order[n:]], alone) for n in range(len(count) + 1)]
    if not len(count) or effective[0] >= FEW_CUSTOMERS:
        return None
    few = next((n for n, customers in enumerate(effective) if customers >= FEW_CUSTOMERS), len(count))
    out = order[:few]
    return _Few(codes[out], int(count[out].sum()), int(count.max()), effective[0])


def _effective(count: npt.NDArray[np.int64], alone: int) -> float:
    total, squares = int(count.sum()) + alone, int((count**2).sum()) + alone
    return total**2 / squares if squares else 0.0


def _organisations(count: int) -> str:
    return "one named organisation" if count == 1 else f"{count:,} named organisations"


def declared(ring: Ring, world: World, known: Sequence[Declaration]) -> Declaration | None:
    """The declaration that covers most of the ring and still holds at the log's end."""
    for party in known:
        if not party.holds(world.span_us[1]):
            continue
        if len(_covered(party, ring, world)) >= MOSTLY * len(ring.members):
            return party
    return None


def covered(world: World, known: Sequence[Declaration]) -> npt.NDArray[np.bool_]:
    """Which accounts (n) a declaration names that still holds at the log's end."""
    holding = [party for party in known if party.holds(world.span_us[1])]
    if not holding:
        return np.zeros(world.size, bool)
    pairs = zip(world.accounts, world.organisations, strict=True)
    return np.array([any(party.covers(*pair) for party in holding) for pair in pairs], bool)


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
