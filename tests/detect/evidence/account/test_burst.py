"""Sign-up bursts: against the table's own rate, by customer, never for a launch or a table of dates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.evidence.account.people import SIZE, after, people, read, shown
from detect.worlds import DAY, HOUR
from headwater.detect.evidence.account import burst

STEADY = [after(-3.1 * i - 0.3) for i in range(SIZE)]


def test_accounts_opened_within_an_hour_stand_out() -> None:
    reading = read(
        burst.trait, people(known={"created_at": [after(2 + i / 300) for i in range(8)] + STEADY[8:]})
    )
    assert shown(reading) == list(range(8))


def test_accounts_opened_over_a_day_stand_out() -> None:
    reading = read(
        burst.trait, people(known={"created_at": [after(2 + i / 10) for i in range(10)] + STEADY[10:]})
    )
    assert shown(reading) == list(range(10))


def test_a_steady_rate_or_a_launch_that_lasts_is_no_burst() -> None:
    assert shown(read(burst.trait, people(known={"created_at": STEADY}))) == []
    launch = [after(-400)] + [after(-20 + i / 3) for i in range(SIZE - 1)]
    assert shown(read(burst.trait, people(known={"created_at": launch}))) == []


def test_one_organisation_is_one_customer() -> None:
    created = [after(2 + i / 300) for i in range(8)] + STEADY[8:]
    named = ["org" if i < 8 else None for i in range(SIZE)]
    assert shown(read(burst.trait, people(known={"created_at": created, "organisation": named}))) == []


def test_dates_without_hours_are_compared_by_day() -> None:
    created = [after(-7 * i) for i in range(SIZE)]
    assert shown(read(burst.trait, people(known={"created_at": created}))) == []
    created[:12] = [after(-70)] * 12
    # The one that always was opened on that day lies in the burst too.
    assert shown(read(burst.trait, people(known={"created_at": created}))) == list(range(12))


@pytest.mark.parametrize("size", [1, 5])
def test_too_few_have_no_rate(size: int) -> None:
    assert np.isnan(read(burst.trait, people(size, known={"created_at": [after(0)] * size})).value).all()


def test_unknown_dates_are_unknown() -> None:
    reading = read(burst.trait, people(known={"created_at": [None, *STEADY[1:]]}))
    assert np.isnan(reading.value[0])
    assert np.isfinite(reading.value[1:]).all()


def test_everybody_on_one_moment_is_no_surprise_without_bounds() -> None:
    assert np.isfinite(burst.surprise(np.full(100, 7, np.int64))).all()


@given(seed=st.integers(0, 2**31), rate=st.integers(1, 40))
def test_steady_sign_ups_seldom_look_like_a_burst(seed: int, rate: int) -> None:
    # A Poisson process: the chance of each, twice looked at, is below 10^-4; of 400 less than five are above.
    at = np.random.default_rng(seed).integers(0, 400 * DAY // rate, 400)
    assert (burst.surprise(at * 1 + HOUR // 7) >= burst.NOTABLE).sum() < 5
