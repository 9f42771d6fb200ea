"""Hold and replace: who takes up the work of a member when it is held?

A hold is an intervention that the ring didn't choose. Where one hand deals work, what the held account would have done
goes to others of the ring, or to accounts that begin just then; strangers go on as before. So the day after each hold
is compared with the day before, against what everybody else did on those days, and against holds at random times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Batch, Card, Finding, Ring, World
from headwater.detect.ordering import ByCode, by_hash
from headwater.detect.pvalues import calibrated

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
#: Holds within this time of each other are one; at most so many are looked at, spread over the log.
ONE_HOLD_US, MOST_HOLDS = 6 * HOUR_US, 60
#: Holds, members and exchanges below which nothing is said; days that a log must span.
LEAST_HOLDS, LEAST_MEMBERS, LEAST_ROWS, LEAST_DAYS = 2, 5, 30, 4
FIRST_LOOK, PERMUTATIONS, WORTH_MORE = 199, 9999, 0.1
#: Share of a ring's rows that fill its templates, from which they alone are its work.
TEMPLATED = 0.05
NEVER = int(np.iinfo(np.int64).min)

CARD = Card(
    name="replaced",
    title="Work taken up after a hold",
    group="continuity",
    sees="members that send more of the ring's content, or are opened or first seen, in the day after another was held",
    null="the same holds at random times of the log, with what everybody else did on the same days taken off",
    false_positive="not measured yet; under holds at random times its level is that of the permutation",
    innocent_causes=(
        "a customer who goes on with another key of a colleague's",
        "holds that follow a launch or a course, on whose days everybody begins",
        "an operator who holds accounts as soon as a wave of them begins",
    ),
    evasion_cost="leave the work of a held account undone for days: each hold costs its share of the harvest",
    cap_nats=4.0,
    needs=("account.held_at",),
    source="difference in differences around interventions, with permuted times (Fisher; Rosenbaum 2002)",
    atlas=("AML.T0021",),
    aisvs=("12.2.5",),
)

Times = npt.NDArray[np.int64]


@dataclass
class _Work:
    """Members' rows (account, time, whether they are the ring's work), and when each account first sent anything."""

    account: list[npt.NDArray[np.int32]]
    at_us: list[Times]
    ours: list[npt.NDArray[np.bool_]]
    first: Times


@dataclass(frozen=True)
class _Hold:
    """One hold: when, and the ring's times of work and of beginning without the customers that were held."""

    at_us: int
    work: Times
    begins: Times


class Replaced:
    """Compares the days around each hold."""

    card = CARD
    stage = "confirm"
    columns = ("imprint",)

    def init(self, world: World) -> _Work:
        """No rows."""
        return _Work([], [], [], np.full(world.size, np.iinfo(np.int64).max))

    def update(self, state: _Work, batch: Batch) -> _Work:
        """Keep members' rows."""
        np.minimum.at(state.first, batch.account, batch.at_us)
        keep = np.flatnonzero(batch.ring >= 0)
        if len(keep):
            state.account.append(batch.account[keep])
            state.at_us.append(batch.at_us[keep])
            state.ours.append(batch.attributed[keep])
        return state

    def merge(self, left: _Work, right: _Work) -> _Work:
        """Rows of both."""
        first = np.minimum(left.first, right.first)
        return _Work(left.account + right.account, left.at_us + right.at_us, left.ours + right.ours, first)

    def finish(self, state: _Work, world: World) -> Mapping[int, Finding]:
        """A finding for each ring of which several were held."""
        start, end = world.span_us
        if not state.account or end - start < LEAST_DAYS * DAY_US:
            return {}
        account, at_us = np.concatenate(state.account), np.concatenate(state.at_us)
        ours = np.concatenate(state.ours)
        order = by_hash((at_us - at_us.min()).astype(np.uint64), account, ours)
        account, at_us, ours = account[order], at_us[order], ours[order]
        by_ring, held = ByCode(world.context["ring_of"][account]), held_at(world)
        opened = times_of(world, "created_at")
        begun = np.where(opened != NEVER, opened, state.first)
        out = {}
        for at, ring in enumerate(world.rings):
            every = by_ring.of(at)
            rows = every[ours[every]] if len(every) and ours[every].mean() >= TEMPLATED else every
            holds = _holds(ring, world, held, (account[rows], at_us[rows]), begun)
            if len(holds) >= LEAST_HOLDS and len(rows) >= LEAST_ROWS and len(ring.members) >= LEAST_MEMBERS:
                others = np.delete(begun, ring.members)
                out[at] = _finding(holds, _Others(world, at_us[every], np.sort(others)), at)
        return out


def times_of(world: World, name: str) -> Times:
    """A time of each account (µs UTC), NEVER where it isn't known."""
    column: Any = world.accounts_table.column(name).combine_chunks()
    return np.asarray(column.cast("int64").fill_null(NEVER).to_numpy(zero_copy_only=False))


def held_at(world: World) -> Times:
    """When each account was held, −1 for those that weren't, or not within the log and a day from its ends."""
    when = times_of(world, "held_at")
    inside = (when >= world.span_us[0] + DAY_US) & (when <= world.span_us[1] - DAY_US)
    return np.where(inside, when, -1).astype(np.int64)


def _holds(
    ring: Ring, world: World, held: Times, rows: tuple[npt.NDArray[np.int32], Times], first: Times
) -> list[_Hold]:
    account, at_us = rows
    members = ring.members[held[ring.members] >= 0]
    members = members[np.lexsort((members, held[members]))]
    when = held[members]
    groups = np.split(members, np.flatnonzero(np.diff(when) > ONE_HOLD_US) + 1) if len(members) else []
    chosen = np.unique(np.linspace(0, len(groups) - 1, min(len(groups), MOST_HOLDS)).astype(int))
    out = []
    for group in (groups[i] for i in chosen):
        customers = world.customer[group]
        stay = ~np.isin(world.customer[account], customers)
        rest = ring.members[~np.isin(world.customer[ring.members], customers)]
        # Whoever is there when the log begins may have been there for long.
        begins = np.sort(first[rest][(first[rest] > world.span_us[0] + DAY_US) & (first[rest] < 2**62)])
        out.append(_Hold(int(held[group].min()), at_us[stay], begins))
    return out


class _Others:
    """What everybody outside a ring did in any day: exchanges, and beginnings as a share of all of them."""

    def __init__(self, world: World, ours: Times, first: Times) -> None:
        start, self.bin_us = world.span_us[0], world.bin_us
        self.start, self.end, self.seed = start, world.span_us[1], world.seed
        mine = np.bincount((ours - start) // self.bin_us, minlength=len(world.activity))
        self.total = np.concatenate(
            [[0], np.cumsum(np.maximum(world.activity - mine[: len(world.activity)], 0))]
        )
        self.first = first[(first > start + DAY_US) & (first < 2**62)]

    def before(self, at_us: Times) -> Times:
        """Exchanges before each time, to the bin."""
        return np.asarray(self.total[np.clip((at_us - self.start) // self.bin_us, 0, len(self.total) - 1)])


def _finding(holds: list[_Hold], others: _Others, at: int) -> Finding:
    when = np.array([[hold.at_us for hold in holds]])
    grown, begun, figures = _measured(holds, when, others)
    for permutations in (FIRST_LOOK, PERMUTATIONS):
        rng = np.random.default_rng([others.seed, at, permutations])
        random = rng.integers(others.start + DAY_US, others.end - DAY_US + 1, (permutations, len(holds)))
        growth, begins, _ = _measured(holds, random, others)
        p_grown = (1 + int((growth >= grown[0]).sum())) / (1 + permutations)
        p_begun = (1 + int((begins >= begun[0]).sum())) / (1 + permutations)
        p_value = min(1.0, 2 * min(p_grown, p_begun))
        if p_value > WORTH_MORE:
            break
    if p_begun < p_grown:
        what = (
            f"{figures['begun']:.0f} of its accounts were opened or first seen in the day after {len(holds)} holds of "
            "members"
        )
    else:
        what = (
            f"In the day after {len(holds)} holds of members the others sent {figures['after']:,.0f} of the ring's "
            f"exchanges, in the day before {figures['before']:,.0f}"
        )
    sentence = (
        f"{what}; holds at random times are followed by as much in {min(p_grown, p_begun):.2%} of cases."
    )
    return Finding(max(calibrated(p_value), 0.0), sentence, p_value, {"holds": float(len(holds)), **figures})


def _measured(
    holds: list[_Hold], when: Times, others: _Others
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], dict[str, float]]:
    """For rows of `when` (k × holds): growth of work and share of beginnings, both beyond everybody else's."""
    after, before, begun = (np.zeros(when.shape) for _ in range(3))
    for i, hold in enumerate(holds):
        at = when[:, i]
        early, now, late = (np.searchsorted(hold.work, at + shift) for shift in (-DAY_US, 0, DAY_US))
        after[:, i], before[:, i] = late - now, now - early
        begun[:, i] = np.searchsorted(hold.begins, at + DAY_US) - np.searchsorted(hold.begins, at)
    early, now, late = (others.before(when + shift) for shift in (-DAY_US, 0, DAY_US))
    usual = (late - now + 1) / (now - early + 1)
    growth = (after - before * usual).sum(axis=1) / np.sqrt((after + before).sum(axis=1) + 1)
    elsewhere = np.searchsorted(others.first, when + DAY_US) - np.searchsorted(others.first, when)
    size = np.array([max(len(hold.begins), 1) for hold in holds])
    begins = (begun / size - elsewhere / max(len(others.first), 1)).sum(axis=1)
    figures = {"after": float(after.sum()), "before": float(before.sum()), "begun": float(begun.sum())}
    return growth, begins, figures


test = Replaced()
