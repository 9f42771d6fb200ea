"""Just under the limit: counts that sit below a common ceiling, and limits met steadily."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.evidence.traffic.reading import read, shows
from detect.worlds import DAY, HOUR, Made, log
from headwater.detect.evidence.traffic import limits
from headwater.detect.evidence.traffic.limits import ceiling


def busy(counts: np.ndarray, width: int = DAY, seed: int = 1, **more: object) -> Made:
    """A log in which account i sends counts[i, j] requests in window j."""
    size, windows = counts.shape
    account = np.repeat(np.arange(size), counts.sum(axis=1))
    window = np.concatenate([np.repeat(np.arange(windows), row) for row in counts])
    inside = np.random.default_rng(seed).integers(0, width, len(account))
    return log(account, window * width + inside, **more)  # type: ignore[arg-type]


def people(size: int, days: int, most: int, seed: int = 3) -> np.ndarray:
    """Counts by day that vary from nothing to nearly `most`."""
    rng = np.random.default_rng(seed)
    return np.minimum(rng.geometric(6 / most, (size, days)), most)


def test_days_filled_to_the_ceiling() -> None:
    counts = people(30, 20, 60)
    counts[:5] = np.random.default_rng(2).integers(56, 61, (5, 20))
    assert shows(limits.trait, busy(counts)) == [0, 1, 2, 3, 4]


def test_people_below_the_same_ceiling_are_not_at_it() -> None:
    value = read(limits.trait, busy(people(30, 20, 60))).value
    assert (value[np.isfinite(value)] < 0.4).all()


def test_an_even_habit_far_below_is_no_hugging() -> None:
    counts = people(30, 20, 60)
    counts[0] = 12
    assert shows(limits.trait, busy(counts)) == []


def test_minutes_filled_to_the_ceiling() -> None:
    counts = people(30, 40, 60)
    counts[:5] = 20
    spread = busy(counts, HOUR)
    at_us = np.where(
        spread.index.account < 5,
        spread.index.at_us // HOUR * HOUR + spread.index.at_us % 60_000_000,
        spread.index.at_us,
    )
    assert set(shows(limits.trait, log(spread.index.account, at_us))) >= {0, 1, 2, 3, 4}


def test_each_tier_has_its_own_ceiling() -> None:
    counts = np.concatenate([people(30, 20, 20), people(30, 20, 200, 4)])
    counts[:5] = 20
    known = {"tier": ["free"] * 30 + ["paid"] * 30}
    assert shows(limits.trait, busy(counts)) == []
    assert shows(limits.trait, busy(counts, known=known)) == [0, 1, 2, 3, 4]


def test_a_limit_met_rarely_but_steadily() -> None:
    counts = people(30, 20, 60)
    counts[0] = 41
    made = busy(counts)
    status = np.full(len(made.index.account), 200)
    first = np.unique(made.index.at_us // DAY + made.index.account * 1000, return_index=True)[1]
    status[first[made.index.account[first] == 0]] = 429
    more = {"status": pa.array(status.astype(np.int16))}
    again = log(made.index.account, made.index.at_us, more=more)
    assert shows(limits.trait, again) == [0]
    always = {"status": pa.array(np.full(len(status), 429, np.int16))}
    assert shows(limits.trait, log(made.index.account, made.index.at_us, more=always)) == []


@pytest.mark.parametrize("peak", [[], [3, 3, 3], [50], [50, 20, 80]])
def test_without_a_pile_there_is_no_ceiling(peak: list[int]) -> None:
    assert ceiling(np.array(peak, np.int64)) == np.inf


@given(st.lists(st.integers(0, 10**12), max_size=40))
def test_a_ceiling_is_one_of_the_counts_with_two_more_just_under_it(peak: list[int]) -> None:
    top = ceiling(np.array(peak, np.int64))
    near = [p for p in peak if 0.9 * top <= p <= top]
    assert top == np.inf or (top in peak and len(near) >= 3)


def test_few_exchanges_say_nothing() -> None:
    assert np.isnan(read(limits.trait, busy(np.full((12, 2), 14))).value).all()
