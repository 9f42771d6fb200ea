"""A popular starter: what ties the accounts is a text that many strangers use as well.

Documentation has examples, courses have templates, frameworks have default system prompts. Where the rarest text that
most of a group share is used by many more customers outside it, sharing it says nothing. A group that is more alike in
content than those others isn't explained by it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.between.distance import likeness
from headwater.detect.fold import PROPOSE, Card, Finding, NoRows, Ring, World
from headwater.detect.objects import Counts
from headwater.detect.ordering import ByCode
from headwater.detect.pairs import pairs

#: Share of a group's customers that must use a text for it to be what ties them, and members at least.
MOST, LEAST_MEMBERS = 0.5, 5
#: Uses from which an account uses a text, and share of its exchanges from which the text ties it.
LEAST, SHARE = 2, 0.2
#: What ties by a shared text.
BY_TEXT = frozenset({"template", "prefix"})
#: Customers outside below which nothing is popular.
POPULAR = 10
#: The group's median likeness may lie at most at this quantile of the others' who use the same text.
ALIKE = 0.75
#: Without a comparison of content it weighs at most this.
UNCOMPARED = 1.0

CARD = Card(
    name="starter",
    title="A popular starter text",
    group="customer",
    sees="groups whose rarest text in common, a template or a system prompt, many more customers outside use too",
    null="not applicable: as many nats as the logarithm of users outside by users inside",
    false_positive="not applicable: it speaks for the customer. How many rings it would excuse isn't measured yet",
    innocent_causes=(),
    evasion_cost="share no text but one that far more strangers use, which gives up templates, and be no more alike in "
    "content than those strangers, which gives up the queue",
    cap_nats=0.0,
    cap_against_nats=3.0,
    atlas=("AML.T0065",),
)


class Starter(NoRows):
    """Reads who uses what from the counts that proposers left."""

    card = CARD
    stage = "confirm"

    @property
    def glance(self) -> None:
        """Nothing: it goes through all texts for each group."""

    def finish(self, state: None, world: World) -> Mapping[int, Finding]:
        """A finding for each ring that a popular text ties."""
        tables = [
            _by_customer(world.context.get(name), world) for name in ("template_counts", "prefix_counts")
        ]
        near = likeness(world)
        out = {}
        for at, ring in enumerate(world.rings):
            members = np.unique(world.customer[ring.members])
            if len(members) < LEAST_MEMBERS or not BY_TEXT.intersection(ring.proposed_by):
                continue
            found = [text for table in tables if (text := _rarest(table, members)) is not None]
            if found:
                finding = _finding(
                    min(found, key=lambda text: len(text.outside)), ring, len(members), near, world
                )
                if finding is not None:
                    out[at] = finding
        return out


@dataclass(frozen=True)
class _Text:
    """A text in common: customers of the ring that use it, and customers outside."""

    inside: int
    outside: npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Table:
    """Texts with the customers that use them: pairs ordered by text, each once; `tied` by it, not just users."""

    place: npt.NDArray[np.int64]
    customer: npt.NDArray[np.int32]
    tied: npt.NDArray[np.bool_]
    by_customer: ByCode


def _by_customer(counts: Counts | None, world: World) -> _Table:
    if counts is None or not len(counts.objects):
        none = np.empty(0, np.int32)
        return _Table(np.empty(0, np.int64), none, np.empty(0, bool), ByCode(none, _customers(world)))
    used = counts.times >= LEAST
    account = counts.accounts[used]
    tied = counts.times[used] >= SHARE * world.half_volume[account, PROPOSE]
    _, place = np.unique(counts.objects[used], return_inverse=True)
    found = pairs(place, world.customer[account])
    held = np.bincount(found.place, tied, len(found.first)) > 0
    customer = found.second.astype(np.int32)
    return _Table(found.first, customer, held, ByCode(customer, _customers(world)))


def _customers(world: World) -> int:
    """Codes of customers lie below."""
    return int(world.customer.max(initial=-1)) + 1


def _rarest(table: _Table, members: npt.NDArray[np.int32]) -> _Text | None:
    """Of the texts that tie most members the one that fewest others use."""
    inside = table.by_customer.among(members)
    ties, held = np.unique(table.place[inside][table.tied[inside]], return_counts=True)
    many = held >= MOST * len(members)
    ties, held = ties[many], held[many]
    if not len(ties):
        return None
    low, high = np.searchsorted(table.place, ties), np.searchsorted(table.place, ties, "right")
    first = inside.searchsorted(low)
    users = (high - low) - (inside.searchsorted(high) - first)
    at = int(np.lexsort((-held, users))[0])
    outside = np.setdiff1d(np.arange(low[at], high[at]), inside)
    return _Text(int(held[at]), table.customer[outside])


def _finding(
    text: _Text, ring: Ring, members: int, near: npt.NDArray[np.float64], world: World
) -> Finding | None:
    users = len(text.outside)
    if users <= max(POPULAR, members):
        return None
    raw = -math.log(users / members)
    mine = near[ring.members]
    theirs = near[np.isin(world.customer, text.outside)]
    mine, theirs = mine[np.isfinite(mine)], theirs[np.isfinite(theirs)]
    compared = len(mine) >= LEAST_MEMBERS and len(theirs) >= POPULAR
    if compared and np.median(mine) > np.quantile(theirs, ALIKE):
        return None
    said = (
        "and the group is no more alike in content than they are"
        if compared
        else "whose content couldn't be compared"
    )
    sentence = (
        f"The rarest text that ties most of the group is used by {text.inside:,} of its {members:,} customers and by "
        f"{users:,} customers outside, {said}."
    )
    figures = {"inside": float(text.inside), "outside": float(users), "customers": float(members)}
    return Finding(raw if compared else max(raw, -UNCOMPARED), sentence, None, figures)


test = Starter()
