"""One ceiling for all: the members of a ring each keep to the same greatest count, by minute, hour or day.

A dispatcher gives every account the same allowance and uses it up. People have no allowance, and their counts have no
common edge.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.kept import OfRows, Rows
from headwater.detect.evidence.traffic.windows import LIMITED, WIDTHS, Windows, arrived
from headwater.detect.fold import Card, Finding, Ring, World
from headwater.detect.pvalues import as_many, calibrated
from headwater.detect.traits import STRATA, strata

LEAST = 30
#: An account keeps to a ceiling where half of its windows hold nine tenths of its greatest count; least count meant.
KEEPS, JUST_UNDER, LOWEST = 0.5, 0.9, 5
#: Ceilings within this factor of each other are one.
SAME = 1.1
LEAST_MEMBERS = 5
#: Fewer accounts of one volume say nothing of what is usual there.
LEAST_OTHERS = 20

CARD = Card(
    name="ceiling",
    title="One ceiling for all members",
    group="behaviour",
    sees="accounts of a group that each fill their minutes, hours or days to the same greatest count",
    null="customers outside the group of like volume: how many keep to that very ceiling (binomial, corrected for all "
    "ceilings and widths looked at)",
    false_positive="not measured yet",
    innocent_causes=(
        "a documented limit that clients keep to",
        "one scheduler in common use",
        "fixed daily jobs",
    ),
    evasion_cost="give accounts allowances of their own and leave a random part unused",
    cap_nats=2.0,
    cap_against_nats=0.2,
    atlas=("AML.T0040", "AML.T0034"),
    aisvs=("11.2.2", "12.2.5"),
)


class Ceiling(OfRows):
    """Tests each ring for a ceiling that its members share and others don't."""

    card = CARD
    stage = "confirm"
    least = LEAST
    #: Of everybody: others say what is usual.
    kept = (LIMITED,)

    def finish(self, state: Rows, world: World) -> Mapping[int, Finding]:
        """A finding for each ring of which enough members sent enough."""
        rows = arrived(state, LEAST) if world.rings else None
        if rows is None:
            return {}
        kept = {name: _kept(Windows(*rows, width, world.size)) for name, width in WIDTHS.items()}
        stratum = strata(world.volume)
        found = ((at, _finding(kept, ring, stratum, world.customer)) for at, ring in enumerate(world.rings))
        return {at: finding for at, finding in found if finding is not None}


def _kept(sent: Windows) -> npt.NDArray[np.float64]:
    """The ceiling that each account keeps to: 0 where it keeps to none, NaN where its windows are too few."""
    peak = sent.peak
    held = sent.share(JUST_UNDER * peak, peak.astype(np.float64))
    keeps = (held >= KEEPS) & (peak >= LOWEST)
    return np.where(sent.known, np.where(keeps, peak, 0), np.nan).astype(np.float64)


def _finding(
    kept: Mapping[str, npt.NDArray[np.float64]],
    ring: Ring,
    stratum: npt.NDArray[np.int64],
    customer: npt.NDArray[np.int32],
) -> Finding | None:
    """The most surprising common ceiling of a ring, over all widths of windows."""
    best: tuple[float, str, float, int, float] | None = None
    looked, most = 0, 0
    for name, value in kept.items():
        members = ring.members[~np.isnan(value[ring.members])]
        one = np.unique(customer[members], return_index=True)[1]
        if len(one) < LEAST_MEMBERS:
            continue
        most = max(most, len(one))
        top, tops = _commonest(value[members])
        looked += tops
        if not tops:
            continue
        near = (value >= top) & (value <= top * SAME)
        hits = len(np.unique(customer[members[near[members]]]))
        outside = ~np.isnan(value)
        outside[ring.members] = False
        expected = float(_rates(near, outside, stratum, customer)[stratum[members[one]]].sum())
        p_value = as_many(hits, len(one), expected)
        if best is None or p_value < best[0]:
            best = (p_value, name, top, hits, expected)
    if not most:
        return None
    if best is None:
        sentence = f"None of its {most:,} customers of whom enough is known keeps to a greatest count."
        return Finding(-CARD.cap_against_nats, sentence, 1.0, {"customers": float(most), "show": 0.0})
    chance, name, top, hits, expected = best
    p_value = min(chance * looked, 1.0)
    sentence = (
        f"{hits:,} of its {most:,} customers of whom enough is known keep to the same ceiling of {top:,.0f} requests a "
        f"{name}, give or take a tenth; of as many others of their volume {expected:.1f} would."
    )
    figures = {"customers": float(most), "show": float(hits), "expected": expected, "ceiling": top}
    return Finding(max(calibrated(p_value), -CARD.cap_against_nats), sentence, p_value, figures)


def _commonest(value: npt.NDArray[np.float64]) -> tuple[float, int]:
    """The ceiling to which most members keep, and how many different ones there were to choose from."""
    value = np.sort(value[value > 0])
    tops = np.unique(value)
    if not len(tops):
        return 0.0, 0
    held = np.searchsorted(value, tops * SAME, side="right") - np.searchsorted(value, tops, side="left")
    return float(tops[int(held.argmax())]), len(tops)


def _rates(
    near: npt.NDArray[np.bool_],
    outside: npt.NDArray[np.bool_],
    stratum: npt.NDArray[np.int64],
    customer: npt.NDArray[np.int32],
) -> npt.NDArray[np.float64]:
    """Share of customers outside that keep to a ceiling, by stratum, never below that of all strata together."""

    at = np.flatnonzero(outside)
    whose, keeps, layer = customer[at], near[at], stratum[at]
    last = int(whose.max(initial=-1)) + 1

    def distinct(some: npt.NDArray[np.bool_]) -> int:
        seen = np.zeros(last, bool)  # no sorting: this is asked dozens of times of each ring
        seen[whose[some]] = True
        return int(np.count_nonzero(seen))

    def share(some: npt.NDArray[np.bool_]) -> float:
        return (distinct(some & keeps) + 1) / (distinct(some) + 2)

    out = np.full(STRATA, share(np.ones(len(at), bool)))
    for one in range(STRATA):
        some = layer == one
        if int(some.sum()) >= LEAST_OTHERS:
            out[one] = max(out[one], share(some))
    return out


test = Ceiling()
