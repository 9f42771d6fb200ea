"""One queue: the permutation test has its stated law under dealing, and power against authors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect.evidence.between.queue import log_ratio
from headwater.detect.exchangeable import exchangeability

HOUR_US = 3_600_000_000


def group(seed: int, accounts: int, units: int, effect: float, drift: float = 0.0) -> tuple[np.ndarray, ...]:
    """Vectors with a given share of variance between accounts, and a queue that drifts over time."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(accounts), units)
    at_us = rng.integers(0, 240, accounts * units) * HOUR_US
    centre = rng.normal(size=(accounts, 24)) * np.sqrt(effect)
    topic = rng.normal(size=(240, 24)) * np.sqrt(drift)
    vectors = (
        rng.normal(size=(len(account), 24)) * np.sqrt(1 - effect) + centre[account] + topic[at_us // HOUR_US]
    )
    return vectors.astype(np.float32), account, at_us


def test_dealt_prompts_follow_the_standard_normal() -> None:
    z = [exchangeability(*group(s, 15, 6, 0.0), seed=s, permutations=99).z for s in range(120)]
    assert abs(np.mean(z)) < 0.3
    assert 0.8 < np.std(z) < 1.25


def test_a_drifting_queue_is_still_one_queue() -> None:
    """Accounts that come and go see different topics: labels move within short blocks only, so z stays small."""
    z = []
    for s in range(40):
        vectors, account, at_us = group(s, 40, 20, 0.0, drift=1.0)
        stay = (at_us // HOUR_US) // 60 == account % 4  # each account works for a quarter of the time
        z.append(exchangeability(vectors[stay], account[stay], at_us[stay], seed=s, permutations=99).z)
    assert abs(np.mean(z)) < 0.6


def test_authors_are_seen_and_their_effect_is_recovered() -> None:
    found = [exchangeability(*group(s, 20, 10, 0.08), seed=s, permutations=99) for s in range(10)]
    assert min(r.z for r in found) > 6
    assert np.mean([r.author_effect for r in found]) == pytest.approx(0.08, abs=0.02)


def test_too_little_is_said_to_be_too_little() -> None:
    vectors, account, at_us = group(1, 3, 2, 0.0)
    assert not exchangeability(vectors, account, at_us, seed=1).enough
    assert not exchangeability(
        np.zeros((40, 8), np.float32), np.repeat(np.arange(8), 5), np.arange(40), seed=1
    ).enough


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 30), st.integers(3, 8))
def test_same_input_and_seed_give_the_same_answer(seed: int, accounts: int, units: int) -> None:
    data = group(seed, accounts, units, 0.05)
    assert exchangeability(*data, seed=seed, permutations=49) == exchangeability(
        *data, seed=seed, permutations=49
    )


def test_large_groups_are_thinned_by_whole_accounts() -> None:
    vectors, account, at_us = group(3, 400, 40, 0.0)
    result = exchangeability(vectors, account, at_us, seed=1, permutations=49)
    assert 3000 < result.units <= 6000
    assert abs(result.z) < 4


def test_one_busy_account_does_not_make_separate_authors_look_dealt() -> None:
    """Thirty people with a topic each, and one who asks for everything ten times as much as all of them."""
    people, busy = group(5, 30, 8, 0.1), group(6, 1, 2400, 0.0)
    account = np.concatenate([people[1], busy[1] + 30])
    vectors, at_us = np.concatenate([people[0], busy[0]]), np.concatenate([people[2], busy[2]])
    alone, beside = exchangeability(*people, seed=1), exchangeability(vectors, account, at_us, seed=1)
    assert beside.units <= 31 * 8 * 4
    assert beside.power < 4 * alone.power
    assert beside.z > 3


@pytest.mark.parametrize(
    ("z", "power", "low", "high"), [(0.0, 300, 3, 8), (17.0, 300, -99, -3), (0.0, 10, -0.2, 0.6)]
)
def test_weight_of_evidence(z: float, power: float, low: float, high: float) -> None:
    """z = 0 with much power speaks for one queue, z at the authors' effect against, little power says little."""
    assert low <= log_ratio(z, power) <= high


@given(st.floats(-3, 60), st.floats(1, 2000))
def test_more_likeness_within_accounts_never_speaks_more_for_a_ring(z: float, power: float) -> None:
    if z >= 0:
        assert log_ratio(z + 1, power) <= log_ratio(z, power) + 0.05
