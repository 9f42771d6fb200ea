"""Joint runs: accounts that are busy, and at rest, at the same times beyond what hours and everybody's traffic explain.

Groups are joined by this on every other day (`allies`); of these it is asked of the days between, the day that says
most left out. Of other groups it is asked of all days: nothing proposed them by their times. But a class or a hackathon
is busy together, too, on the days of its events. So the busier half of the days is left out, on even and on odd days
apart, and what both say counts: a dispatcher works on most days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from headwater.detect.allies import ALLIED
from headwater.detect.beats import BEATS, Beats, Days, Floats, Ints, beyond_usual
from headwater.detect.fold import Batch, Card, Finding, Ring, World
from headwater.detect.pvalues import calibrated

SHIFTS, FIRST_LOOK, FREEDOM = 199, 19, 5.0
LEAST_DAYS = 3
#: Of a group that its times didn't join: customers that it has at least, and of which it is asked at most.
LEAST_CUSTOMERS, MOST_CUSTOMERS = 15, 2_000
CAP = 6.0

CARD = Card(
    name="runs",
    title="Joint runs",
    group="purse",
    sees="accounts that start and stop together on days on which they weren't joined for it",
    null="each account's days exchanged whole, so that it keeps its hours; the strongest day, or for groups that their "
    "times didn't join the busier half of the days, left out",
    false_positive="of 9,168 innocent groups of constructed worlds (tune side), asked where their times joined them, "
    "1 reached 3 nats; of 192 others asked later, in 16 worlds, 1 reached 2",
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
        """A finding for each ring in which enough customers are seen on enough days."""
        beats: Beats | None = world.context.get(BEATS)
        if beats is None:
            return {}
        allied = world.context.get(ALLIED, ())
        outside = world.context["ring_of"] < 0
        asked = tuple(_Asked(days, beats.swing(days, outside)) for days in map(beats.days, (False, True)))
        found = {
            at: (_joined if at in allied else _proposed)(ring, beats, world, asked)
            for at, ring in enumerate(world.rings)
        }
        return {at: finding for at, finding in found.items() if finding is not None}


@dataclass(frozen=True)
class _Asked:
    """Every other day of the log, and how busy those outside rings were on them."""

    days: Days
    swing: Floats


@dataclass(frozen=True)
class _Step:
    """How much in step customers are: `z` deviations, `rank` among shifted logs, on so many days and windows."""

    z: float
    rank: float
    days: int
    windows: int

    @property
    def p_value(self) -> float:
        """Beyond the shifts the tail of Student's t says how rare it is, heavier than a normal one."""
        return float(stdtr(FREEDOM, -self.z)) if self.rank <= 1 / (SHIFTS + 1) else self.rank


def _joined(ring: Ring, beats: Beats, world: World, asked: tuple[_Asked, ...]) -> Finding | None:
    """Of groups that even days joined: what odd days say, without the strongest."""
    step = _in_step(world.customer[ring.members], ring, beats, world.seed, asked[1], 1)
    return None if step is None else _finding(step, step.days, ring, world, "the strongest day left out")


def _proposed(ring: Ring, beats: Beats, world: World, asked: tuple[_Asked, ...]) -> Finding | None:
    """Of any other group: what even and odd days both say, without the busier half of either."""
    customer = world.customer[ring.members]
    names = np.unique(customer)
    if len(names) < LEAST_CUSTOMERS:
        return None
    if len(names) > MOST_CUSTOMERS:
        names = np.random.default_rng([world.seed, 13]).choice(names, MOST_CUSTOMERS, replace=False)
        customer = np.where(np.isin(customer, names), customer, -1)
    steps = []
    for part in asked:
        step = _in_step(customer, ring, beats, world.seed, part, (part.days.count + 1) // 2)
        if step is None:
            return None
        steps.append(step)
    least = max(steps, key=lambda step: step.p_value)
    return _finding(least, sum(s.days for s in steps), ring, world, "the busier half of all days left out")


def _in_step(
    customer: npt.NDArray[np.int32], ring: Ring, beats: Beats, seed: int, asked: _Asked, left_out: int
) -> _Step | None:
    """The test on some days; `customer` of each member, −1 for those who aren't asked."""
    days = asked.days
    if days.count - left_out < LEAST_DAYS:
        return None
    told = customer >= 0
    members = ring.members[told].astype(np.int64)
    customers, place = np.unique(customer[told], return_inverse=True)
    sent = beats.of(members)
    of = place[np.searchsorted(members, sent.account)]
    counts, swing = sent.grouped(of, len(customers), days), asked.swing
    busiest = np.argsort(_by_day(beyond_usual(counts, swing)), kind="stable")[days.count - left_out :]
    # Left out before anything is usual: an event would make other days look quiet together.
    beyond = beyond_usual(np.delete(counts, busiest, axis=1), np.delete(swing, busiest, axis=0))
    rng = np.random.default_rng([seed, 11])
    seen, null = float(_together(beyond, np.zeros((1, len(beyond)), np.int64))[0]), list[float]()
    for shifts in (FIRST_LOOK, SHIFTS):
        lags = [rng.integers(0, beyond.shape[1], len(beyond)) for _ in range(shifts - len(null))]
        null += _together(beyond, np.stack(lags)).tolist()
        if max(null) >= seen:
            break
    spread = max(float(np.std(null, ddof=1)), 1e-9)
    rank = (1 + sum(value >= seen for value in null)) / (len(null) + 1)
    windows = int((beyond.sum(axis=0) > 0).sum())
    return _Step((seen - float(np.mean(null))) / spread, rank, days.count, windows)


def _finding(step: _Step, days: int, ring: Ring, world: World, left_out: str) -> Finding:
    customers = world.customers(ring.members)
    sentence = (
        f"Its accounts are busy at the same times on the {days} days that were asked: {step.z:.0f} deviations more "
        f"than when each account's days are exchanged, {left_out}."
    )
    figures = {
        "z": step.z,
        "days": float(days),
        "windows": float(step.windows),
        "customers": float(customers),
    }
    return Finding(max(calibrated(step.p_value), 0.0), sentence, step.p_value, figures)


def _by_day(beyond: Floats) -> Floats:
    """Sum over pairs of accounts of their products, by day."""
    total = beyond.sum(axis=0)
    return np.asarray(((total**2).sum(axis=1) - np.einsum("ijk,ijk->j", beyond, beyond)) / 2)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _together(beyond: Floats, lags: Ints) -> Floats:
    """The same over all days, for each row of `lags` (shifts × accounts): every account's days begin so many later."""
    accounts, days, windows = beyond.shape
    own = 0.0
    for i in range(accounts):
        for j in range(days):
            for k in range(windows):
                own += beyond[i, j, k] ** 2
    out = np.empty(len(lags))
    for shift in range(len(lags)):
        total = np.zeros((days, windows))
        for i in range(accounts):
            for j in range(days):
                row, sums = beyond[i, (j + lags[shift, i]) % days], total[j]
                for k in range(windows):
                    sums[k] += row[k]
        out[shift] = ((total**2).sum() - own) / 2
    return out


test = Runs()
