"""The value that a ring has in common: an exact test, by customer and stratum, that strangers don't fail."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.evidence.account import alike
from headwater.detect.evidence.account.alike import LEAST_STRATUM, Alike, People
from headwater.detect.fold import Ring


def ring(size: int) -> Ring:
    return Ring(np.arange(size, dtype=np.int32), ("template",), 3.0)


def most_alike(
    ring: Ring,
    account: np.ndarray,
    value: np.ndarray,
    customer: np.ndarray,
    stratum: np.ndarray | None = None,
) -> Alike | None:
    return alike.most_alike(ring, People.of(account, value, customer, stratum), customer)


def everybody(size: int) -> np.ndarray:
    return np.arange(size, dtype=np.int32)


def test_the_chance_is_that_of_all_ways_to_draw_the_ring() -> None:
    value = np.array([1, 1, 1, 1, 2, 3, 1, 2, 4, 5, 6, 7, 8])
    found = most_alike(ring(6), everybody(13), value, everybody(13))
    assert found is not None
    assert (found.value, found.hits, found.customers) == (1, 4, 6)
    ways = [sum(value[i] == 1 for i in drawn) >= 4 for drawn in combinations(range(13), 6)]
    assert found.p_value == pytest.approx(sum(ways) / comb(13, 6))
    assert found.expected == pytest.approx(6 / 7)


def test_what_a_stratum_has_in_common_is_expected_of_its_members() -> None:
    size = 10 + 2 * LEAST_STRATUM
    tool = np.array([1] * (10 + LEAST_STRATUM) + [2] * LEAST_STRATUM)
    value = np.where(tool == 1, 7, np.arange(size) + 100)
    alone = most_alike(ring(10), everybody(size), value, everybody(size))
    told = most_alike(ring(10), everybody(size), value, everybody(size), tool)
    assert alone is not None
    assert told is not None
    assert (alone.expected, told.expected) == (5.0, 10.0)
    assert alone.p_value < 0.01
    assert told.p_value == pytest.approx(1.0)


def test_a_stratum_of_the_rings_own_is_compared_with_everybody() -> None:
    tool = np.where(everybody(90) < 25, 3, 1)
    value = np.where(everybody(90) < 25, 7, np.arange(90) + 100)
    found = most_alike(ring(25), everybody(90), value, everybody(90), tool)
    assert found is not None
    assert found.p_value < 1e-10
    # Half of it outside: it is a tool that people have.
    shared = np.where(everybody(90) < 50, 3, 1)
    found = most_alike(ring(25), everybody(90), np.where(shared == 3, 7, value), everybody(90), shared)
    assert found is not None
    assert found.p_value == pytest.approx(1.0)


def test_a_small_habit_is_no_surprise_because_it_is_small() -> None:
    # Four tools of six users each with a print of its own; half of one tool's are in the group.
    tool = np.concatenate([np.repeat(np.arange(4), 6), np.full(96, 9)])
    drawn = Ring(np.concatenate([np.arange(3), np.arange(100, 110)]).astype(np.int32), ("queue",), 3.0)
    found = most_alike(drawn, everybody(120), tool.astype(np.int64), everybody(120), tool)
    assert found is not None
    assert found.p_value > 0.01


@given(seed=st.integers(0, 2**31), kinds=st.integers(1, 40), strata=st.integers(1, 4))
def test_strangers_are_seldom_alike(seed: int, kinds: int, strata: int) -> None:
    rng = np.random.default_rng(seed)
    value, tool = rng.integers(0, kinds, 120), rng.integers(0, strata, 120)
    found = most_alike(ring(20), everybody(120), value, everybody(120), tool)
    assert found is not None
    assert 1e-6 < found.p_value <= 1


def test_among_many_values_a_surprising_one_is_no_surprise() -> None:
    rng = np.random.default_rng(3)
    below = 0
    for _ in range(400):
        # A few common values and a long tail, as shapes of names are.
        found = most_alike(ring(60), everybody(600), rng.zipf(1.3, 600).clip(max=400), everybody(600))
        assert found is not None
        below += found.p_value < 0.05
    assert below <= 30


def test_several_accounts_of_a_customer_are_one() -> None:
    customer = np.concatenate([np.zeros(8, np.int32), np.arange(1, 33, dtype=np.int32)])
    assert most_alike(ring(8), everybody(40), np.ones(40, np.int64), customer) is None
    found = most_alike(ring(12), everybody(40), np.where(everybody(40) < 8, 1, everybody(40)), customer)
    assert found is not None
    assert (found.hits, found.customers, found.p_value) == (0, 5, 1.0)


def test_nobody_outside_or_nothing_known_is_no_answer() -> None:
    none = np.empty(0, np.int64)
    assert most_alike(ring(5), none.astype(np.int32), none, everybody(9)) is None
    assert most_alike(ring(9), everybody(9), np.ones(9, np.int64), everybody(9)) is None
