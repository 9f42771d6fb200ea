"""Joint turns: many members adopting within hours is rare unless everybody did."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect.pace import joint_turns, volume_turn
from pace.worlds import DAY, HOUR


def adopters(rng, count, release=100):
    """First uses of a model (µs): a fifth on the day of release, the rest over weeks, two in five never."""
    later = np.where(rng.uniform(size=count) < 0.2, rng.exponential(2, count), rng.lognormal(3.5, 1.5, count))
    never = rng.uniform(size=count) < 0.4
    return [
        None if no or hours > 600 else int((release + hours) * HOUR)
        for no, hours in zip(never, later, strict=True)
    ]


def test_a_ring_that_turns_within_a_day_is_found_with_its_moment():
    rng = np.random.default_rng(0)
    ring = [int((300 + rng.uniform(0, 5)) * HOUR) for _ in range(15)] + [None] * 25
    result = joint_turns(
        {"new": ring, "old": adopters(rng, 40)}, {k: adopters(rng, 300) for k in ("new", "old")}, seed=1
    )
    assert (result.what, result.members, result.of) == ("new", 15, 40)
    assert 300 * HOUR <= result.at_us < 301 * HOUR + 5 * HOUR
    assert result.expected < 2
    assert result.p_value <= 0.01
    assert result.llr > 1


def test_a_turn_that_everybody_takes_is_no_evidence():
    rng = np.random.default_rng(1)
    release = [int((300 + rng.exponential(3)) * HOUR) for _ in range(440)]
    result = joint_turns({"new": release[:40]}, {"new": release[40:]}, seed=1)
    assert result.p_value > 0.05
    assert result.llr < 0.3


@pytest.mark.slow
def test_chance_keeps_to_its_rate():
    """Equal counts tie, which makes small chances rarer than stated, never more frequent."""
    p, nats = [], []
    for replica in range(150):
        rng = np.random.default_rng([replica, 3])
        names = ("a", "b")
        found = joint_turns(
            {name: adopters(rng, 40) for name in names},
            {name: adopters(rng, 200) for name in names},
            seed=replica,
            permutations=99,
        )
        p.append(found.p_value)
        nats.append(found.llr)
    assert np.mean(np.array(p) <= 0.05) <= 0.1
    assert 0.25 < np.mean(np.array(p) <= 0.5) <= 0.6
    assert np.mean(np.exp(nats)) < 1.05


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(20)), st.permutations(range(60)))
def test_the_order_of_accounts_changes_nothing(members, outside):
    rng = np.random.default_rng(3)
    group, others = adopters(rng, 20), adopters(rng, 60)
    again = joint_turns(
        {"m": [group[i] for i in members]}, {"m": [others[i] for i in outside]}, seed=5, permutations=19
    )
    assert again == joint_turns({"m": group}, {"m": others}, seed=5, permutations=19)


@pytest.mark.parametrize(
    ("group", "others"),
    [
        ({}, {}),
        ({"m": [1, 2]}, {"m": [None] * 99}),
        ({"m": [5] * 9}, {"m": [5] * 9}),
        ({"m": [None] * 9}, {"m": [1] * 99}),
    ],
)
def test_too_little_is_not_judged(group, others):
    result = joint_turns(group, others, seed=1)
    assert not result.enough
    assert result.llr == 0


def test_entries_must_name_the_same_accounts():
    with pytest.raises(ValueError, match="same accounts"):
        joint_turns({"a": [1] * 9, "b": [1] * 8}, {"a": [1] * 40, "b": [1] * 40}, seed=1)


def test_a_jump_in_volume_is_dated_and_a_flat_account_has_none():
    rng = np.random.default_rng(2)
    flat = np.sort(rng.uniform(0, 30 * DAY, 300)).astype(np.int64)
    jump = np.sort(np.concatenate([flat, rng.uniform(15 * DAY, 30 * DAY, 900).astype(np.int64)]))
    assert volume_turn(flat) is None
    assert volume_turn(jump) == pytest.approx(15 * DAY, abs=DAY)
    assert volume_turn(flat[:5]) is None
