"""One pool: strangers have R near 1 whatever their habits, a pool's accounts 1 − their share in view."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headwater.detect.pace import pool_ratio
from pace.worlds import DAY, HOUR, SECOND, diurnal, paced, room, scripts, workers


@pytest.fixture(scope="module")
def pool():
    """32 workers over 200 accounts: (times, durations)."""
    return workers(np.random.default_rng(0), 32, 200, hours=4)


@pytest.mark.parametrize("busy", [0.1, 0.5, 0.9])
def test_independent_scripts_are_not_steadier_together(busy):
    worlds = [scripts(np.random.default_rng(k), 40, busy, hours=2) for k in range(6)]
    found = [pool_ratio(*world, seed=1, shifts=99) for world in worlds]
    assert all(result.enough for result in found)
    assert np.mean([result.ratio for result in found]) == pytest.approx(1.0, abs=0.08)
    assert np.median([result.llr for result in found]) < -0.2
    assert sum(result.p_low <= 0.01 for result in found) <= 1


@pytest.mark.parametrize(("share", "ratio"), [(1.0, 0.01), (0.5, 0.5), (0.25, 0.75)])
def test_a_pool_shows_the_share_of_it_that_is_in_view(pool, share, ratio):
    times, held = pool
    seen = int(200 * share)
    result = pool_ratio(times[:seen], held[:seen], seed=1)
    assert result.view == "in flight"
    assert result.ratio == pytest.approx(ratio, abs=0.08)
    assert result.share_low <= result.share_in_view <= result.share_high
    assert result.share_in_view == pytest.approx(share, abs=0.08)
    assert result.p_low <= 0.01
    assert result.llr > 2


def test_a_tenth_of_a_pool_is_claimed_weakly_or_not_at_all(pool):
    times, held = pool
    result = pool_ratio(times[:20], held[:20], seed=1)
    assert result.ratio == pytest.approx(0.9, abs=0.1)
    assert result.llr < 2


@pytest.mark.parametrize(
    ("per_day", "days", "share"), [(1, 21, 1.0), (1, 21, 0.5), (26, 10, 0.5), (26, 10, 0.25)]
)
def test_a_paced_ring_is_found_by_arrivals_alone(per_day, days, share):
    ring = paced(np.random.default_rng(5), 400 if per_day == 1 else 150, per_day, days)
    result = pool_ratio(ring[: int(len(ring) * share)], seed=1)
    assert result.view == "arrivals"
    assert result.p_low <= 0.01
    assert result.share_in_view == pytest.approx(share, abs=0.15)
    assert result.llr > 1.5


def test_people_in_one_room_are_not_accused():
    lessons = [(24 * day + 10, 24 * day + 11.5) for day in range(10)]
    found = [pool_ratio(room(np.random.default_rng(k), 60, lessons), seed=1, shifts=99) for k in range(20)]
    assert all(result.enough for result in found)
    # 5% of 20 and two more
    assert sum(result.p_low <= 0.05 for result in found) <= 3
    assert np.median([result.llr for result in found]) < 0


def test_schedulers_that_fire_on_the_hour_are_not_accused():
    hours = np.arange(72) * HOUR
    crons = [hours + np.sort(np.random.default_rng(i).integers(0, 5 * SECOND, 72)) for i in range(40)]
    result = pool_ratio(crons, seed=1)
    assert result.p_low > 0.5
    assert result.llr < 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "world", [(50, 100, 2, 1), (50, 100, 2, 8), (100, 10, 7, 5), (100, 2, 21, 4), (30, 0.3, 100, 1)], ids=str
)
def test_chance_is_calibrated_for_people_with_a_daily_rhythm(world):
    accounts, per_day, days, burst = world
    p, nats = [], []
    for replica in range(200):
        rng = np.random.default_rng([replica, 77])
        found = pool_ratio(diurnal(rng, accounts, per_day, days, burst), seed=replica, shifts=99)
        if found.enough:
            p.append(found.p_low - rng.uniform(0, 0.01))
            nats.append(found.llr)
    assert len(p) >= 190
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.exp(nats)) < 1.05


@pytest.mark.parametrize("shifts", [19, 99])
def test_no_more_is_claimed_than_the_shifts_support(shifts):
    ring = paced(np.random.default_rng(5), 100, 26, 10)
    result = pool_ratio(ring, seed=1, shifts=shifts)
    assert 0 < result.llr <= math.log(shifts + 1) + 1e-9
    assert result.p_low == pytest.approx(1 / (shifts + 1))


def test_evidence_against_is_bounded_by_the_share_of_steady_rings():
    world = diurnal(np.random.default_rng(1), 60, 100, 3)
    assert pool_ratio(world, seed=1, steady_share=0.5).llr >= math.log(0.5)
    assert pool_ratio(world, seed=1, steady_share=0.1).llr >= math.log(0.9)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(30)), st.integers(0, 2**32 - 1))
def test_neither_the_order_of_accounts_nor_of_rows_changes_a_byte(order, seed):
    times, held = scripts(np.random.default_rng(4), 30, 0.4, hours=1.0)
    mixed = [np.random.default_rng(i).permutation(len(times[i])) for i in order]
    again = pool_ratio(
        [times[i][m] for i, m in zip(order, mixed, strict=True)],
        [held[i][m] for i, m in zip(order, mixed, strict=True)],
        seed=seed,
        shifts=19,
    )
    assert again == pool_ratio(times, held, seed=seed, shifts=19)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-(2**45), 2**45), max_size=40), max_size=12), st.booleans())
def test_any_times_give_an_answer_or_say_that_there_is_not_enough(lists, doubled):
    times = [np.array(row * (5 if doubled else 1), np.int64) for row in lists]
    result = pool_ratio(times, seed=0, shifts=9)
    assert math.isfinite(result.llr)
    assert 0 < result.p_low <= 1
    assert 0 <= result.share_in_view <= 1
    if not result.enough:
        assert (result.llr, result.p_low) == (0.0, 1.0)


def test_too_little_is_not_judged():
    rng = np.random.default_rng(0)
    few_accounts = [np.sort(rng.integers(0, DAY, 200)) for _ in range(3)]
    few_arrivals = [np.sort(rng.integers(0, DAY, 4)) for _ in range(10)]
    one_giant = [np.sort(rng.integers(0, DAY, 5_000)), *few_arrivals]
    for world in ([], few_accounts, few_arrivals, one_giant):
        assert not pool_ratio(world, seed=1).enough


def test_a_joint_pause_alone_is_no_pool():
    """Strangers that an outage silences together are cut there, not called steady (or unsteady)."""
    world = [t[(t < 30 * HOUR) | (t > 40 * HOUR)] for t in diurnal(np.random.default_rng(6), 60, 200, 3)]
    result = pool_ratio(world, seed=1)
    assert result.ratio == pytest.approx(1.0, abs=0.15)
    assert result.p_low > 0.01


def test_a_long_log_is_judged_on_a_stretch_of_it_and_the_share_stays(pool):
    times, held = pool
    result = pool_ratio(times[:100], held[:100], seed=1, max_arrivals=12_000)
    assert result.arrivals <= 12_100
    assert result.share_in_view == pytest.approx(0.5, abs=0.12)
