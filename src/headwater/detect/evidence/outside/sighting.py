"""Sightings: what members were answered, found again where it shouldn't be.

A canary, a mark in a text or an answer of one exchange that turns up in a data set or in a student model leads back to
the account that it was given to. Customers may publish what they were answered, so others are compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headwater.detect.fold import Batch, Card, Finding, Ring, World
from headwater.detect.indicators import Sighting
from headwater.detect.pvalues import calibrated, drawn

#: Sightings named in a sentence, and letters of what the operator wrote of each.
NAMED, NAME_CHARS = 3, 60

CARD = Card(
    name="sighting",
    title="Answers found elsewhere",
    group="outside",
    sees="members whose answers (a canary, a mark, a text) were found outside, as the operator's outside.toml says",
    null="as many customers drawn from all have answers found as often (Fisher's exact test)",
    false_positive="not measured: that of the canaries and marks behind the sightings",
    innocent_causes=(
        "a customer who publishes answers",
        "a page that was crawled",
        "a canary that somebody guessed or passed on",
    ),
    evasion_cost="filter canaries and marks out of everything harvested, without knowing all of them",
    cap_nats=4.0,
    cap_against_nats=0.0,
    needs=("given.sightings",),
    source="the sightings named in the sentence",
    atlas=("AML.T0024.002",),
    aisvs=("11.3.1",),
)


@dataclass
class _Seen:
    """Accounts (codes) of exchanges that were found, by the exchange's id."""

    wanted: pa.Array[pa.StringScalar]
    account: dict[str, int]


class Sightings:
    """Compares how many members' answers were found with how many customers' outside were."""

    card = CARD
    stage = "confirm"
    columns = ("id",)

    def init(self, world: World) -> _Seen:
        """Nothing found yet."""
        wanted = {one.exchange for one in world.context.get("sightings", ()) if one.exchange is not None}
        return _Seen(pa.array(sorted(wanted), pa.string()), {})

    def update(self, state: _Seen, batch: Batch) -> _Seen:
        """Find whose exchanges the sightings name."""
        if len(state.wanted) and batch.has("id"):
            ids: Any = batch.arrow("id")
            found = pc.is_in(ids, value_set=state.wanted).to_numpy(zero_copy_only=False)
            names = ids.filter(pa.array(found)).to_pylist()
            for name, account in zip(names, batch.account[found].tolist(), strict=True):
                state.account[name] = min(account, state.account.get(name, account))
        return state

    def merge(self, left: _Seen, right: _Seen) -> _Seen:
        """Exchanges of both."""
        for name, account in right.account.items():
            left.account[name] = min(account, left.account.get(name, account))
        return left

    def finish(self, state: _Seen, world: World) -> Mapping[int, Finding]:
        """A finding for each ring of which anything was found."""
        named = {one.account for one in world.context.get("sightings", ()) if one.account is not None}
        codes = {name: at for at, name in enumerate(world.accounts) if name in named}
        found: list[tuple[int, Sighting]] = []
        for one in world.context.get("sightings", ()):
            account = codes.get(one.account) if one.exchange is None else state.account.get(one.exchange)
            if account is not None:
                found.append((int(world.customer[account]), one))
        out = {}
        for at, ring in enumerate(world.rings):
            finding = _finding(ring, world, found)
            if finding is not None:
                out[at] = finding
        return out


def _finding(ring: Ring, world: World, found: Sequence[tuple[int, Sighting]]) -> Finding | None:
    members = set(world.customer[ring.members].tolist())
    mine = [one for customer, one in found if customer in members]
    if not mine:
        return None
    hits = len({customer for customer, _ in found if customer in members})
    elsewhere = len({customer for customer, _ in found} - members)
    outside = len(np.unique(world.customer)) - len(members)
    every, marked = outside + len(members), hits + elsewhere
    p_value, expected = drawn(hits, [(len(members), marked, every)])
    mine.sort(key=lambda one: (one.found_on, one.where, one.source))
    said = "; ".join(
        f"{one.where[:NAME_CHARS]} on {one.found_on.isoformat()}, by {one.source[:NAME_CHARS]}"
        for one in mine[:NAMED]
    )
    more = f"; and {len(mine) - NAMED:,} more" if len(mine) > NAMED else ""
    sentence = (
        f"Answers to {hits:,} of its {len(members):,} customers were found elsewhere ({said}{more}); of as many "
        f"drawn from all {expected:.1f} would be."
    )
    figures = {"customers": float(len(members)), "found": float(hits), "expected": expected}
    return Finding(max(calibrated(p_value), 0.0), sentence, p_value, figures)


test = Sightings()
