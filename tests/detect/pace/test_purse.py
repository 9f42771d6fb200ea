"""One purse: a ring's joint pauses are found; outages, nights, weekends, lessons and news are none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect.pace import joint_pauses
from pace.worlds import DAY, HOUR, diurnal, room, steady

BIN = HOUR // 6


def others(rng, days, silence=None):
    """Everybody else's activity in bins of ten minutes: a daily rhythm, perhaps an outage (hours)."""
    at = np.arange(days * 144)
    counts = rng.poisson(70 * (1 + 0.6 * np.cos(2 * np.pi * (at / 6 - 15) / 24)))
    if silence:
        counts[silence[0] * 6 : silence[1] * 6] = 0
    return counts


def judge(world, background, days, **options):
    own = np.bincount(np.clip(np.concatenate(world) // BIN, 0, days * 144 - 1), minlength=days * 144)
    return joint_pauses(world, background + own, BIN, origin_us=0, **{"seed": 1, **options})


def overlaps(pause, low, high):
    inside = min(pause[1], high * HOUR) - max(pause[0], low * HOUR)
    return inside > 0.7 * (high - low) * HOUR and pause[1] - pause[0] < 1.5 * (high - low) * HOUR + 2 * HOUR


@pytest.mark.parametrize("days", [14, 42])
@pytest.mark.parametrize(
    "silences", [((100, 104),), ((100, 150),), ((100, 101), (150, 151), (201, 202))], ids=str
)
def test_joint_pauses_of_a_ring_are_found_where_they_are(days, silences):
    rng = np.random.default_rng(days)
    result = judge(steady(rng, 50, 26, days, silences), others(rng, days), days)
    assert result.p_value <= 0.01
    assert result.llr > 1
    for low, high in silences:
        assert any(overlaps(pause, low, high) for pause in result.pauses)
    assert result.observed < 0.1 * result.expected


def test_a_slow_ring_of_one_request_a_day_shows_a_pause_of_half_a_day():
    rng = np.random.default_rng(8)
    result = judge(steady(rng, 100, 1, 21, [(200, 212)]), others(rng, 21), 21)
    assert result.p_value <= 0.02


def test_an_outage_of_the_provider_is_not_counted():
    rng = np.random.default_rng(1)
    world = steady(rng, 50, 26, 14, [(200, 204)])
    assert judge(world, others(rng, 14, (200, 204)), 14).p_value > 0.05
    assert judge(world, others(rng, 14), 14).p_value <= 0.01


def test_without_others_to_compare_with_there_is_no_answer():
    world = steady(np.random.default_rng(1), 50, 26, 14, [(200, 204)])
    result = joint_pauses(world, np.zeros(14 * 144, np.int64), BIN, origin_us=0, seed=1)
    assert not result.enough
    assert result.llr == 0


@pytest.mark.parametrize("days", [14, 42])
def test_a_class_with_a_timetable_is_not_accused(days):
    rng = np.random.default_rng(days)
    lessons = [
        (24 * d + 10 + 4 * (d % 7 == 3), 24 * d + 12 + 4 * (d % 7 == 3))
        for d in range(days)
        if d % 7 in (1, 3)
    ]
    result = judge(room(rng, 60, lessons), others(rng, days), days)
    assert result.p_value > 0.05
    assert result.llr <= 0


@pytest.mark.parametrize("days", [14, 42])
def test_offices_that_close_at_night_and_on_weekends_are_not_accused(days):
    rng = np.random.default_rng(days)
    world = [
        t[(t // HOUR % 24 >= 8) & (t // HOUR % 24 < 18) & (t // DAY % 7 < 5)]
        for t in diurnal(rng, 50, 40, days)
    ]
    result = judge(world, others(rng, days), days)
    assert result.p_value > 0.05
    assert result.llr <= 0


def test_people_moved_by_the_same_news_are_not_accused():
    """Hours of excitement and of calm, in common: they pause together and crowd together alike."""
    found = []
    for world in range(12):
        rng = np.random.default_rng(world)
        mood = rng.gamma(1.2, 1 / 1.2, 42 * 6)
        hours = [np.repeat(np.arange(42 * 6) * 4.0, rng.poisson(mood * 2)) for _ in range(50)]
        accounts = [np.sort((t + rng.uniform(0, 4, len(t))) * HOUR).astype(np.int64) for t in hours]
        found.append(judge(accounts, others(rng, 42), 42, permutations=99).p_value)
    assert np.mean(np.array(found) <= 0.05) <= 0.25


@pytest.mark.slow
@pytest.mark.parametrize(("days", "burst"), [(14, 1), (14, 6), (42, 1), (42, 6)])
def test_false_alarms_keep_to_their_rate_among_people(days, burst):
    p = []
    for replica in range(100):
        rng = np.random.default_rng([replica, 9])
        found = judge(
            diurnal(rng, 50, 20, days, burst), others(rng, days), days, seed=replica, permutations=99
        )
        p.extend([found.p_value] if found.enough else [])
    assert len(p) >= 90
    # 5% of 100 with room for three standard deviations
    assert np.mean(np.array(p) <= 0.05) <= 0.115


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(20)))
def test_the_order_of_accounts_changes_nothing(order):
    rng = np.random.default_rng(3)
    world, background = steady(rng, 20, 26, 10, [(100, 103)]), others(rng, 10)
    again = judge([world[i][::-1] for i in order], background, 10, permutations=19)
    assert again == judge(world, background, 10, permutations=19)


@pytest.mark.parametrize(
    "world", [[], [np.array([5])] * 3, [np.arange(0, 2 * DAY, HOUR)] * 9], ids=["none", "few", "short"]
)
def test_too_little_is_not_judged(world):
    assert not joint_pauses(world, np.full(288, 90), BIN, origin_us=0, seed=1).enough
