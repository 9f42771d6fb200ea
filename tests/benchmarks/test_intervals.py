"""Intervals: published values, and what must hold for all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intervals import clopper_pearson
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
