"""The compiled walk along shifted requests gives what counting window by window gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect.pace.steadiness import ratios


def counted(at: np.ndarray, lasts: np.ndarray, period: int, window: int, in_flight: bool) -> np.ndarray:
    """One account's arrivals in each window, or its requests in flight at the start of each."""
    count = np.zeros(period // window, np.int64)
    for begin, length in zip(at % period, lasts, strict=True):
        if not in_flight:
            count[begin // window] += 1
        elif length < period:
            starts = np.arange(0, 2 * period, window)
            np.add.at(count, (starts[(starts >= begin) & (starts < begin + length)] % period) // window, 1)
    return count


@settings(max_examples=150)
@given(st.data())
def test_ratios_are_those_of_counting(data: st.DataObject) -> None:
    window, count = data.draw(st.integers(1, 9)), data.draw(st.integers(3, 12))
    period = window * count
    each = data.draw(
        st.lists(st.lists(st.integers(0, period - 1), min_size=1, max_size=8), min_size=2, max_size=5)
    )
    positions = np.concatenate([np.sort(one) for one in each]).astype(np.int64)
    bounds = np.concatenate([[0], np.cumsum([len(one) for one in each])]).astype(np.int64)
    n = len(positions)
    lengths = np.array(data.draw(st.lists(st.integers(0, period), min_size=n, max_size=n)), np.int64)
    lag = st.lists(st.integers(1 - period, period - 1), min_size=len(each), max_size=len(each))
    lags = np.array([[0] * len(each), *data.draw(st.lists(lag, max_size=3))], np.int64)
    valid = np.array([False, *data.draw(st.lists(st.booleans(), min_size=count - 1, max_size=count - 1))])
    in_flight = data.draw(st.booleans())
    got, squares = ratios(
        positions, lengths, bounds, lags, period=period, window=window, valid=valid, in_flight=in_flight
    )
    for row, shift in enumerate(lags):
        series = np.array(
            [
                counted(positions[a:b] + by, lengths[a:b], period, window, in_flight)
                for a, b, by in zip(bounds, bounds[1:], shift, strict=False)
            ]
        )
        steps = np.diff(series, axis=1)[:, valid[1:]]
        apart, together = (steps**2).sum(axis=1), (steps.sum(axis=0) ** 2).sum()
        if apart.sum():
            assert got[row] == pytest.approx(together / apart.sum())
        else:
            assert np.isnan(got[row])
        if row == 0:
            assert squares.tolist() == apart.tolist()


def test_what_lies_off_the_circle_is_refused() -> None:
    one, bounds, valid = np.array([3], np.int64), np.array([0, 1]), np.ones(5, bool)
    for positions, lag in ((one, 10), (one, -10), (one + 7, 0), (one - 4, 0)):
        with pytest.raises(ValueError, match=r"circle|period"):
            ratios(
                positions,
                one,
                bounds,
                np.array([[lag]]),
                period=10,
                window=2,
                valid=valid,
                in_flight=False,
            )
