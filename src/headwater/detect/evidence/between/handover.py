"""Hand-over: a conversation that one customer began goes on under another.

A request carries the answer that it goes on from. Where that answer was given to another customer and to nobody else,
the text went from one to the other outside the log. Whoever spreads requests over accounts without care for
conversations leaves this behind at every turn; people do it when they change accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.detect.evidence.account.tally import names_of
from headwater.detect.fold import NO_KEY, Batch, Card, Finding, Ring, World
from headwater.detect.hashed import among
from headwater.detect.ordering import by_hash
from headwater.detect.pvalues import as_many, calibrated

#: Rows of customers outside all rings that are kept, in expectation; a hash of the text decides which.
KEPT = 300_000
#: A conversation's name that more customers use is a word ("default"), not a name.
MOST_USERS, COMMON = 25, 0.02

CARD = Card(
    name="handover",
    title="Conversations handed over",
    group="continuity",
    sees="requests that carry an answer which only another member was given, or conversations held by two members",
    null="each member takes over as often, for every conversation it goes on with, as customers outside do",
    false_positive="not measured yet",
    innocent_causes=(
        "one person who changes accounts, or exports a conversation",
        "one product with many keys under several names",
        "colleagues who pass a conversation on",
    ),
    evasion_cost="keep each conversation on its account: it waits where that account is at its limit, and ends when it "
    "is held; single-turn harvests hand nothing over",
    cap_nats=3.0,
    any_of=("previous", "conversation"),
    source="binomial test of members that take over, at the rate of everybody outside",
    atlas=("AML.T0008.005",),
    aisvs=("11.2.2",),
)

Hashes = npt.NDArray[np.uint64]


@dataclass
class _Side:
    """Texts or names (keyed hashes) with who used them, and when."""

    text: list[Hashes] = field(default_factory=list)
    customer: list[npt.NDArray[np.int32]] = field(default_factory=list)
    at_us: list[npt.NDArray[np.int64]] = field(default_factory=list)

    def add(self, text: Hashes, customer: npt.NDArray[np.int32], at_us: npt.NDArray[np.int64]) -> None:
        if len(text):
            self.text.append(text)
            self.customer.append(customer)
            self.at_us.append(at_us)

    def with_all(self, other: _Side) -> _Side:
        return _Side(self.text + other.text, self.customer + other.customer, self.at_us + other.at_us)

    def ordered(self) -> tuple[Hashes, npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Each text of each customer once, at its first time; ascending."""
        if not self.text:
            return np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.int64)
        text, customer = np.concatenate(self.text), np.concatenate(self.customer)
        at_us = np.concatenate(self.at_us)
        order = by_hash(text, customer, at_us)
        text, customer, at_us = text[order], customer[order], at_us[order]
        first = np.ones(len(text), bool)
        first[1:] = (text[1:] != text[:-1]) | (customer[1:] != customer[:-1])
        return text[first], customer[first], at_us[first]


@dataclass
class _Talks:
    owner: npt.NDArray[np.int32]
    share: float
    given: _Side = field(default_factory=_Side)
    carried: _Side = field(default_factory=_Side)
    named: _Side = field(default_factory=_Side)


class Handover:
    """Compares how many members go on where another member left off with how many others do."""

    card = CARD
    stage = "confirm"
    columns = ("conversation", "previous", "response")

    def init(self, world: World) -> _Talks:
        """No conversations."""
        return _Talks(world.customer, min(1.0, KEPT / max(int(world.volume.sum()), 1)))

    def update(self, state: _Talks, batch: Batch) -> _Talks:
        """Keep the members' texts, and of others those that a hash of the text chooses."""
        for side, name in (
            (state.given, "response"),
            (state.carried, "previous"),
            (state.named, "conversation"),
        ):
            if batch.has(name):
                known, text = _hashes(batch.arrow(name))
                keep = np.flatnonzero(
                    (batch.ring[known] >= 0) | (text.astype(np.float64) < state.share * 2.0**64)
                )
                rows = known[keep]
                side.add(text[keep], state.owner[batch.account[rows]], batch.at_us[rows])
        return state

    def merge(self, left: _Talks, right: _Talks) -> _Talks:
        """Texts of both."""
        return _Talks(
            left.owner,
            left.share,
            left.given.with_all(right.given),
            left.carried.with_all(right.carried),
            left.named.with_all(right.named),
        )

    def finish(self, state: _Talks, world: World) -> Mapping[int, Finding]:
        """A finding for each ring in which anything was handed over: by answers or by names, whichever says more."""
        ways = [
            ("carry an answer that only another member was given", _carried(state)),
            ("hold a conversation that another member holds too", _named(state, world)),
        ]
        ring_of = np.full(int(world.customer.max(initial=-1)) + 1, -1)
        for at, ring in enumerate(world.rings):
            ring_of[world.customer[ring.members]] = at
        sides = [(says, _Sides.of(way, ring_of)) for says, way in ways]
        out = {}
        for at, ring in enumerate(world.rings):
            found = [_finding(side, says, at, ring, world) for says, side in sides]
            told = [finding for finding in found if finding is not None]
            if told:
                out[at] = max(told, key=lambda finding: finding.raw)
        return out


@dataclass(frozen=True)
class _Way:
    """Conversations that customers go on with: by whom, and which other customer had it before (−1: none)."""

    customer: npt.NDArray[np.int32]
    other: npt.NDArray[np.int32]


def _carried(state: _Talks) -> _Way:
    given, by, at_us = state.given.ordered()
    carried, customer, when = state.carried.ordered()
    if not len(given):
        return _Way(customer[:0], customer[:0])
    first = np.searchsorted(given, carried)
    users = np.searchsorted(given, carried, side="right") - first
    place = np.minimum(first, len(given) - 1)
    alone = (users == 1) & (at_us[place] <= when)
    own = among(_pairs(carried, customer), _pairs(given, by))
    # What several were answered (a greeting, a refusal) isn't known to come from any of them.
    other = np.where(alone & (by[place] != customer), by[place], -1).astype(np.int32)
    known = own | (other >= 0)
    return _Way(customer[known], np.where(own, -1, other)[known].astype(np.int32))


def _pairs(text: Hashes, customer: npt.NDArray[np.int32]) -> Hashes:
    """A hash of each pair."""
    return np.asarray(text ^ (customer.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))


def _named(state: _Talks, world: World) -> _Way:
    name, customer, when = state.named.ordered()
    if not len(name):
        return _Way(customer, customer)
    order = by_hash(name, when, customer)
    name, customer = name[order], customer[order]
    start = np.flatnonzero(np.concatenate([[True], name[1:] != name[:-1]]))
    size = np.diff(np.append(start, len(name)))
    keep = np.repeat(size <= max(MOST_USERS, COMMON * world.size), size)
    # Who comes later takes over from who was there before; the first goes on with nobody's.
    other = np.concatenate([[-1], customer[:-1]]).astype(np.int32)
    other[start] = -1
    return _Way(customer[keep], other[keep])


@dataclass(frozen=True)
class _Sides:
    """Conversations by the ring of those who hold them (`ring`, ascending, −1 outside), and which were `taken` over
    within it; `rate` at which customers outside take over others'.
    """

    ring: npt.NDArray[Any]
    customer: npt.NDArray[np.int32]
    taken: npt.NDArray[np.bool_]
    rate: float

    @classmethod
    def of(cls, way: _Way, ring_of: npt.NDArray[Any]) -> _Sides:
        ring = ring_of[way.customer]
        over = way.other >= 0
        outside = ring < 0
        rate = (int((outside & over).sum()) + 1) / (int(outside.sum()) + 2)
        taken = over & (ring_of[way.other] == ring)
        order = np.argsort(ring, kind="stable")
        order = order[ring[order] >= 0]
        return cls(ring[order], way.customer[order], taken[order], rate)


def _finding(side: _Sides, says: str, at: int, ring: Ring, world: World) -> Finding | None:
    low, high = np.searchsorted(side.ring, [at, at + 1])
    customer, taken, rate = side.customer[low:high], side.taken[low:high], side.rate
    if not taken.any():
        return None
    _, tried = np.unique(customer, return_counts=True)
    members = world.customers(ring.members)
    hits, expected = len(np.unique(customer[taken])), float((1 - (1 - rate) ** tried).sum())
    p_value = as_many(hits, members, expected)
    sentence = (
        f"{hits:,} of its {members:,} customers {says} ({int(taken.sum()):,} times); at the rate of customers outside, "
        f"{rate:.2%} of conversations, {expected:.1f} would."
    )
    figures = {"customers": float(members), "took_over": float(hits), "expected": expected, "rate": rate}
    return Finding(max(calibrated(p_value), 0.0), sentence, p_value, figures)


def _hashes(column: Any) -> tuple[npt.NDArray[np.int64], Hashes]:
    """Rows at which a column holds anything, and 64-bit hashes of it there (keyed ones as they are)."""
    known = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    held = column.take(pa.array(known))
    if pa.types.is_integer(held.type):
        return known, held.to_numpy().astype(np.uint64)
    names = names_of(held)
    some = names != NO_KEY
    return known[some], names[some] << np.uint64(1)


test = Handover()
