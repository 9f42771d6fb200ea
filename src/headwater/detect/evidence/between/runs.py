"""Joint runs: accounts that are busy, and at rest, at the same times beyond what hours and everybody's traffic explain.

Groups are joined by this on every other day (`allies`); here it is asked of the days between. One shared event is no
dispatcher: the day that says most is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from headwater.detect.allies import ALLIED
from headwater.detect.beats import BEATS, Beats, beyond_usual, turned
from headwater.detect.fold import Batch, Card, Finding, Ring, World
from headwater.detect.pvalues import calibrated

SHIFTS, FREEDOM = 199, 5.0
LEAST_DAYS = 3
CAP = 6.0

CARD = Card(
    name="runs",
    title="Joint runs",
    group="purse",
    sees="accounts that start and stop together on days on which they weren't joined for it",
    null="each account's days exchanged whole, so that it keeps its hours; the day that says most is left out",
    false_positive="of 9,168 innocent groups in constructed worlds (tune side) 1 reached 3 nats and none 4 (95% upper "
    "bound 0.04%); looked at only where groups were joined by their runs on the other days",
    innocent_causes=(
        "accounts of one event that lasts for days (a course, a hackathon)",
        "one nightly scheduler behind several customers' keys",
    ),
    evasion_cost="send around the clock, at the hours of people: idle capacity, and no batch runs",
    cap_nats=CAP,
    source="superposed counts against permuted days; docs/explanation/pace.md",
    atlas=("AML.CS0056", "AML.T0024.002"),
    aisvs=("11.3.1", "12.2.3"),
)


class Runs:
    """Reads what the pass before left: who was busy when."""

    card = CARD
    stage = "confirm"
    columns: tuple[str, ...] = ()

    def init(self, world: World) -> None:
        """Nothing is kept."""
        return

    def update(self, state: None, batch: Batch) -> None:
        """Nothing is read again."""
        return

    def merge(self, left: None, right: None) -> None:
        """Nothing to put together."""
        return

    def finish(self, state: None, world: World) -> Mapping[int, Finding]:
        """A finding for each ring that was joined by its runs."""
        beats: Beats | None = world.context.get(BEATS)
        if beats is None:
            return {}
        found = {at: _finding(world.rings[at], beats, world) for at in sorted(world.context.get(ALLIED, ()))}
        return {at: finding for at, finding in found.items() if finding is not None}


def _finding(ring: Ring, beats: Beats, world: World) -> Finding | None:
    days = beats.days(odd=True)
    if days.count < LEAST_DAYS:
        return None
    customers, place = np.unique(world.customer[ring.members], return_inverse=True)
    of = np.full(world.size, -1, np.int64)
    of[ring.members] = place
    counts, swing = beats.counts(of, len(customers), days), beats.swing(days, world.context["ring_of"] < 0)
    most = int(np.argmax(_by_day(beyond_usual(counts, swing))))
    # Left out before anything is usual: an event would make other days look quiet together.
    beyond = beyond_usual(np.delete(counts, most, axis=1), np.delete(swing, most, axis=0))
    rng = np.random.default_rng([world.seed, 11])
    seen = float(_by_day(beyond).sum())
    lags = [rng.integers(0, beyond.shape[1], len(beyond)) for _ in range(SHIFTS)]
    null = np.array([float(_by_day(turned(beyond, lag)).sum()) for lag in lags])
    z = (seen - float(null.mean())) / max(float(null.std(ddof=1)), 1e-9)
    rank = (1 + int((null >= seen).sum())) / (SHIFTS + 1)
    # Beyond the shifts the tail of Student's t says how rare it is, heavier than a normal one.
    p_value = float(stdtr(FREEDOM, -z)) if rank <= 1 / (SHIFTS + 1) else rank
    active = beyond.sum(axis=0) > 0
    sentence = (
        f"Its accounts are busy at the same times on the {days.count} days that were kept for this question: "
        f"{z:.0f} deviations more than when each account's days are exchanged, the strongest day left out."
    )
    figures = {
        "z": z,
        "days": float(days.count),
        "windows": float(active.sum()),
        "customers": float(len(customers)),
    }
    return Finding(max(calibrated(p_value), 0.0), sentence, p_value, figures)


def _by_day(beyond: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sum over pairs of accounts of their products, by day."""
    total = beyond.sum(axis=0)
    return np.asarray(((total**2).sum(axis=1) - np.einsum("ijk,ijk->j", beyond, beyond)) / 2)


test = Runs()
