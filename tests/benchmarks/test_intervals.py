"""Intervals: published values, and what must hold for all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intervals import clopper_pearson, clustered
from scipy import stats


@pytest.mark.parametrize(
    ("hits", "trials", "expected"),
    [
        (0, 10, (0.0, 0.3085)),  # 1 − 0.025^(1/10)
        (10, 10, (0.6915, 1.0)),
        (0, 3, (0.0, 0.7076)),
        (0, 0, (0.0, 1.0)),
    ],
)
def test_clopper_and_pearson_at_the_edges(hits: int, trials: int, expected: tuple[float, float]) -> None:
    assert clopper_pearson(hits, trials) == pytest.approx(expected, abs=1e-4)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_ends_leave_a_fortieth_on_either_side(case: tuple[int, int]) -> None:
    hits, trials = case
    low, high = clopper_pearson(hits, trials)
    assert low <= hits / trials <= high
    if hits:
        assert stats.binom.sf(hits - 1, trials, low) == pytest.approx(0.025, abs=1e-6)
    if hits < trials:
        assert stats.binom.cdf(hits, trials, high) == pytest.approx(0.025, abs=1e-6)


def test_more_hits_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="no more hits"):
        clopper_pearson(3, 2)


def test_clusters_that_fall_together_widen_the_interval() -> None:
    alone = np.repeat([1, 0], [100, 900])
    apart = clustered(alone, np.ones(1000, np.int64), seed=1)
    together = clustered(np.repeat([100, 0], [1, 9]), np.full(10, 100), seed=1)
    assert apart[0] < 0.1 < apart[1]
    assert together[1] - together[0] > 3 * (apart[1] - apart[0])


def test_single_accounts_have_about_the_exact_interval_and_never_a_narrower_one() -> None:
    hits = np.repeat([1, 0], [60, 1940])
    low, high = clustered(hits, np.ones(2000, np.int64), seed=3)
    exact = clopper_pearson(60, 2000)
    assert low <= exact[0]
    assert high >= exact[1]
    assert (low, high) == pytest.approx(exact, abs=0.002)


def test_nothing_flagged_has_a_bound_by_clusters_not_accounts() -> None:
    low, high = clustered(np.zeros(50, np.int64), np.full(50, 200), seed=0)
    assert (low, high) == clopper_pearson(0, 50)
    assert high > 0.05
