"""Indicators of peers: members that match what others reported, with its source and until when it holds.

A report is somebody's word. It weighs by its stated confidence, by how few customers outside match as well, and not at
all once it has expired; that it matched is said all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from headwater.detect.fold import Batch, Card, Finding, Ring, World
from headwater.detect.indicators import Indicator
from headwater.detect.objects import Counts, objects_of
from headwater.detect.pairs import Pairs, pairs
from headwater.detect.pvalues import calibrated, drawn

#: An indicator that more customers outside match is no indicator of anybody.
COMMON, LEAST_COMMON = 0.02, 25
#: Indicators named in a sentence, and letters of a source's name.
NAMED, NAME_CHARS = 3, 60
#: Kinds that are columns of exchanges, kinds that are columns of accounts; `template` is a part of an imprint.
OF_EXCHANGES = ("ip", "tls", "ja4h", "user_agent")
OF_ACCOUNTS = ("account", "email_domain", "organisation")

CARD = Card(
    name="indicator",
    title="Reported by others",
    group="outside",
    sees="members that match indicators in the operator's outside.toml: addresses, client fingerprints, mail domains, "
    "accounts, templates",
    null="as many customers drawn from all match as often (Fisher's exact test); what more than one in fifty outside "
    "match is left out",
    false_positive="not measured: that of the reports. They weigh by their stated confidence, while they hold",
    innocent_causes=(
        "an address or a client that has changed hands",
        "a report that was wrong, or copied from another",
        "a client that many use and few of them here",
    ),
    evasion_cost="change what was reported: cheap once the reports are known",
    cap_nats=3.0,
    cap_against_nats=0.0,
    needs=("given.indicators",),
    source="the reports named in the sentence",
    atlas=("AML.T0008.005",),
    aisvs=("12.2.5",),
)


@dataclass
class _Matches:
    """Values to look for, by kind (text → place), and which account matched which place."""

    places: Mapping[str, Mapping[str, int]]
    counts: Counts


class Indicators:
    """Compares how many members match with how many customers outside do."""

    card = CARD
    stage = "confirm"
    columns = ("imprint", *OF_EXCHANGES)

    def init(self, world: World) -> _Matches:
        """Nothing matched."""
        places: dict[str, dict[str, int]] = {}
        for indicator in world.context.get("indicators", ()):
            values = places.setdefault(indicator.kind, {})
            values.setdefault(_form(indicator), sum(map(len, places.values())))
        return _Matches(places, Counts())

    def update(self, state: _Matches, batch: Batch) -> _Matches:
        """Count who matches what."""
        for kind in OF_EXCHANGES:
            if (values := state.places.get(kind)) and batch.has(kind):
                found = _places(batch.arrow(kind), values)
                state.counts.add(found[found >= 0].astype(np.uint64), batch.account[found >= 0])
        if values := state.places.get("template"):
            known = sorted((int(value, 16), place) for value, place in values.items())
            hashes, place = (
                np.array([h for h, _ in known], np.uint64),
                np.array([p for _, p in known], np.uint64),
            )
            for objects in objects_of(batch):
                at = np.minimum(np.searchsorted(hashes, objects), len(hashes) - 1)
                hit = hashes[at] == objects
                state.counts.add(place[at[hit]], batch.account[hit])
        return state

    def merge(self, left: _Matches, right: _Matches) -> _Matches:
        """Matches of both."""
        left.counts.absorb(right.counts)
        return left

    def finish(self, state: _Matches, world: World) -> Mapping[int, Finding]:
        """A finding for each ring that matches anything."""
        everyone = np.arange(world.size, dtype=np.int32)
        for kind in OF_ACCOUNTS:
            if values := state.places.get(kind):
                found = _places(_of_accounts(kind, world), values)
                state.counts.add(found[found >= 0].astype(np.uint64), everyone[found >= 0])
        state.counts.compact()
        seen = pairs(state.counts.objects, world.customer[state.counts.accounts])
        reports: dict[int, list[Indicator]] = {}
        for indicator in world.context.get("indicators", ()):
            reports.setdefault(state.places[indicator.kind][_form(indicator)], []).append(indicator)
        out = {}
        for at, ring in enumerate(world.rings):
            finding = _finding(ring, world, seen, reports)
            if finding is not None:
                out[at] = finding
        return out


def _form(indicator: Indicator) -> str:
    """An indicator's value as it is compared."""
    return indicator.value.casefold() if indicator.kind == "email_domain" else indicator.value


def _places(column: Any, values: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """The place of each text of a column (n), −1 where it isn't looked for."""
    found = pc.index_in(column, value_set=pa.array(list(values), pa.string()), skip_nulls=True)
    place = np.append(np.array(list(values.values()), np.int64), -1)
    return np.asarray(place[found.fill_null(-1).to_numpy(zero_copy_only=False)])


def _of_accounts(kind: str, world: World) -> Any:
    if kind == "account":
        return pa.array(world.accounts, pa.string())
    if kind == "organisation":
        return pa.array(world.organisations, pa.string())
    return pc.utf8_lower(world.accounts_table.column(kind).combine_chunks())


def _finding(
    ring: Ring, world: World, seen: Pairs, reports: Mapping[int, Sequence[Indicator]]
) -> Finding | None:
    place, customer = seen.first, seen.second
    members = np.unique(world.customer[ring.members])
    inside = np.isin(customer, members)
    outside = max(len(np.unique(world.customer)) - len(members), 0)
    usual = np.bincount(place[~inside], minlength=max(reports, default=-1) + 1)
    common = usual > max(LEAST_COMMON, COMMON * outside)
    live = np.zeros(len(usual), bool)
    for at, known in reports.items():
        live[at] = any(one.holds(world.span_us[1]) for one in known)
    counted = live[place] & ~common[place]
    hits = len(np.unique(customer[inside & counted]))
    expired = len(np.unique(place[inside & ~live[place]]))
    if not hits and not expired:
        return None
    late = f" {expired:,} more that matched had expired and don't weigh." if expired else ""
    if not hits:
        return Finding(0.0, f"No indicator that holds matches.{late}", None, {"expired": float(expired)})
    every, marked = outside + len(members), hits + len(np.unique(customer[~inside & counted]))
    p_value, expected = drawn(hits, [(len(members), marked, every)])
    matched, times = np.unique(place[inside & counted], return_counts=True)
    order = matched[np.lexsort((matched, -times))]
    named = [_best(reports[at], world) for at in order.tolist()]
    # Members that match one report match for one reason: how surely it is right bounds them all together.
    sure = max(one.confidence for one in named)
    raw = sure * min(max(calibrated(p_value), 0.0), CARD.cap_nats)
    said = "; ".join(
        f"{one.kind} from {one.source}, until {one.expires.isoformat()}" for one in named[:NAMED]
    )
    more = f"; and {len(named) - NAMED:,} more" if len(named) > NAMED else ""
    sentence = (
        f"{hits:,} of its {len(members):,} customers match indicators that others reported ({said}{more}); of as many "
        f"drawn from all {expected:.1f} would.{late}"
    )
    figures = {
        "customers": float(len(members)),
        "match": float(hits),
        "expected": expected,
        "confidence": sure,
    }
    return Finding(raw, sentence, p_value, {**figures, "expired": float(expired)})


def _best(known: Sequence[Indicator], world: World) -> Indicator:
    """Of several reports of one thing the surest that holds; they may have copied each other, and don't add up."""
    holding = [one for one in known if one.holds(world.span_us[1])]
    return max(holding, key=lambda one: (one.confidence, one.expires, one.source))


test = Indicators()
