"""Groups of one dispatcher are joined by joint runs; people, and those who share hours or an outage, are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detect.worlds import folded, log
from headwater.detect.allies import ALLIED, in_step, joined, together
from headwater.detect.beats import A_DAY, BEATS, DAY_US, WINDOW_US, Beating, Beats
from headwater.detect.evidence.between import runs
from headwater.detect.fold import Finding, Ring

DAYS, SHARD, SHARDS, PEOPLE = 16, 10, 6, 200
RING = SHARD * SHARDS


def counted(account: np.ndarray, window: np.ndarray) -> Beats:
    key, times = np.unique(account * 10**9 + window, return_counts=True)
    return Beats((key // 10**9).astype(np.int32), key % 10**9, times)


def beats(seed: int, *, driven: bool, cover: float = 0.3, each: int = 48) -> Beats:
    """Sixty accounts in six shards (in runs of three hours a day if `driven`), then people at hours of their own."""
    rng = np.random.default_rng(seed)
    size = RING + PEOPLE
    account = np.repeat(np.arange(size), each)
    day = rng.integers(0, DAYS, len(account))
    own = rng.integers(0, A_DAY, size)[account] + rng.integers(-6, 7, len(account))
    start = rng.integers(0, A_DAY - 6, DAYS)
    run = start[day] + rng.integers(0, 6, len(account))
    harvest = (account < RING) & (rng.random(len(account)) > cover) & driven
    return counted(account, np.where(harvest, run, own % A_DAY) + day * A_DAY)


def shards(extra: int = 6) -> tuple[Ring, ...]:
    """The ring's shards, and as many groups of people."""
    parts = [np.arange(i * SHARD, (i + 1) * SHARD) for i in range(SHARDS)]
    parts += [np.arange(RING + i * 15, RING + (i + 1) * 15) for i in range(extra)]
    return tuple(Ring(p.astype(np.int32), ("nearness",), 2.0) for p in parts)


def made() -> object:
    """A world of as many accounts."""
    size = RING + PEOPLE
    return log(np.repeat(np.arange(size), 2), np.tile([0, DAY_US], size)).world()


def asked(ring: Ring, beats: Beats, *, joined: bool = False) -> Finding | None:
    """What joint runs say of a ring that its times joined, or didn't."""
    world = made()
    context = world.context | {BEATS: beats, ALLIED: frozenset({0} if joined else ())}
    return runs.test.finish(None, replace(world, rings=(ring,), context=context)).get(0)


@pytest.mark.parametrize("seed", range(4))
def test_shards_become_one_ring_and_people_stay_out(seed: int) -> None:
    rings, places = joined(shards(), beats(seed, driven=True), made(), 5)
    (at,) = places
    assert np.isin(np.arange(RING), rings[at].members).mean() > 0.8
    assert (rings[at].members >= RING).mean() < 0.05
    everybody = np.concatenate([ring.members for ring in rings])
    assert len(np.unique(everybody)) == len(everybody)


@pytest.mark.parametrize("seed", range(4))
def test_strangers_are_left_as_they_were(seed: int) -> None:
    rings, places = joined(shards(), beats(seed, driven=False), made(), 5)
    assert not places
    assert [r.members.tolist() for r in rings] == [r.members.tolist() for r in shards()]


def test_an_account_that_no_group_holds_is_taken_in() -> None:
    rings, places = joined(shards()[1:], beats(1, driven=True), made(), 5)
    (at,) = places
    assert np.isin(np.arange(SHARD), rings[at].members).mean() > 0.7


def test_everybodys_outage_joins_nobody() -> None:
    """All accounts fall silent for half a day, twice: what everybody does ties nobody."""
    quiet = beats(2, driven=False)
    day, place = quiet.window // A_DAY, quiet.window % A_DAY
    keep = ~(np.isin(day, (4, 8)) & (place > 20) & (place < 44))
    dark = Beats(quiet.account[keep], quiet.window[keep], quiet.times[keep])
    assert joined(shards(), dark, made(), 5)[1] == frozenset()


def test_the_days_that_join_are_not_the_days_that_confirm() -> None:
    """Runs on even days only: they join, and the odd days say nothing for it."""
    even, odd = beats(3, driven=True), beats(3, driven=False)
    part = [(b, (b.window // A_DAY) % 2 == k) for k, b in enumerate((even, odd))]
    mixed = Beats(
        *(np.concatenate([getattr(b, n)[keep] for b, keep in part]) for n in ("account", "window", "times"))
    )
    order = np.lexsort((mixed.window, mixed.account))
    mixed = Beats(mixed.account[order], mixed.window[order], mixed.times[order])
    rings, places = joined(shards(), mixed, made(), 5)
    assert places
    assert asked(rings[min(places)], mixed, joined=True).raw < 1.5
    rings, places = joined(shards(), even, made(), 5)
    assert asked(rings[min(places)], even, joined=True).raw > 3


def test_one_event_is_no_dispatcher() -> None:
    """Sixty people meet on one odd day: that day is left out."""
    rng = np.random.default_rng(4)
    quiet = beats(5, driven=False)
    window = np.where(
        (quiet.account < RING) & (rng.random(len(quiet.window)) < 0.2), 7 * A_DAY + 30, quiet.window
    )
    met = counted(np.repeat(quiet.account, quiet.times).astype(np.int64), np.repeat(window, quiet.times))
    finding = asked(Ring(np.arange(RING, dtype=np.int32), (), 0.0), met, joined=True)
    assert finding.raw < 1.5


def ring_of(accounts: int) -> Ring:
    return Ring(np.arange(accounts, dtype=np.int32), ("template",), 0.0)


def test_a_group_that_was_proposed_whole_is_asked_of_all_days() -> None:
    """One form found the ring, so that no times joined anything: its runs are evidence all the same."""
    finding = asked(ring_of(RING), beats(6, driven=True))
    assert finding.raw > 4
    assert finding.figures["days"] == DAYS


@pytest.mark.parametrize("seed", range(6))
def test_strangers_who_share_a_form_are_in_step_by_chance_only(seed: int) -> None:
    assert asked(ring_of(RING), beats(10 + seed, driven=False)).raw < 1.5


@pytest.mark.parametrize("days", [(3,), (2, 5), (1, 2, 8, 13)])
def test_a_class_that_meets_on_some_days_has_no_dispatcher(days: tuple[int, ...]) -> None:
    """Sixty people, all at their task for two hours on the days of their class, and else at hours of their own."""
    rng, quiet = np.random.default_rng(7), beats(8, driven=False)
    here = np.isin(quiet.window // A_DAY, days) & (quiet.account < RING)
    class_at = quiet.window // A_DAY * A_DAY + 20 + rng.integers(0, 4, len(here))
    window = np.where(here, class_at, quiet.window)
    met = counted(np.repeat(quiet.account, quiet.times).astype(np.int64), np.repeat(window, quiet.times))
    assert asked(ring_of(RING), met).raw < 1.5


def test_few_customers_or_few_days_are_not_asked() -> None:
    driven = beats(6, driven=True)
    assert asked(ring_of(runs.LEAST_CUSTOMERS - 1), driven) is None
    week = driven.window < 7 * A_DAY
    short = Beats(driven.account[week], driven.window[week], driven.times[week])
    assert asked(ring_of(RING), short) is None


def test_of_very_many_customers_some_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    driven = beats(6, driven=True)
    monkeypatch.setattr(runs, "MOST_CUSTOMERS", 30)
    finding = asked(ring_of(RING), driven)
    assert finding.raw > 2
    assert finding.figures["customers"] == RING


def test_too_few_days_or_groups_say_nothing() -> None:
    assert together(np.ones((1, 20, A_DAY)), 0) == []
    assert together(np.ones((5, 3, A_DAY)), 0) == []
    some = beats(1, driven=True)
    days = some.days(odd=False)
    swing = np.ones((days.count, A_DAY))
    assert len(in_step(np.empty(0, np.int64), some, days, swing)) == 0


def test_counts_are_the_same_in_any_order_and_any_number_of_parts() -> None:
    rng = np.random.default_rng(1)
    account = rng.integers(0, 30, 3_000)
    account[:30] = np.arange(30)
    whole = log(account, rng.integers(0, 9 * DAY_US, 3_000))
    world = whole.world()
    once = folded(Beating(), world, [whole.batch(world)])
    parts = [whole.batch(world, rows) for rows in np.array_split(rng.permutation(3_000), 5)]
    again = folded(Beating(), world, parts)
    assert all((getattr(once, n) == getattr(again, n)).all() for n in ("account", "window", "times"))
    assert once.times.sum() == 3_000
    assert WINDOW_US * A_DAY == DAY_US


def test_of_a_long_log_the_busiest_days_are_looked_at() -> None:
    """Ten years of one request a month, and two busy weeks in between."""
    rare, busy = np.arange(0, 3650, 30) * A_DAY, 2000 * A_DAY + np.arange(14 * A_DAY)
    window = np.sort(np.concatenate([rare, busy]))
    years = Beats(np.zeros(len(window), np.int32), window, np.ones(len(window), np.int64))
    for odd in (False, True):
        days = years.days(odd=odd)
        assert days.count == 60
        here, _, _ = days.of(busy)
        assert here.mean() == 0.5
        assert years.counts(np.zeros(1, np.int64), 1, days).sum() <= 7 * A_DAY + 5
