"""The axis keeps order and distances inside a burst, and takes out what is between."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.pace import axis as ax
from pace.worlds import DAY, HOUR, SECOND


def test_pauses_are_cut_and_bursts_laid_end_to_end():
    burst = np.arange(0, HOUR, 10 * SECOND)
    union = np.concatenate([burst, burst + 9 * HOUR, burst + 30 * HOUR])
    window, pause = ax.usual_window(union)
    assert window == 100 * SECOND
    line = ax.cut(union, pause, daily=False)
    assert len(line.starts) == 3
    assert line.length == 3 * (HOUR - 10 * SECOND)
    assert line.place(np.array([9 * HOUR + SECOND]))[0] == HOUR - 10 * SECOND + SECOND
    assert line.room(np.array([9 * HOUR]))[0] == HOUR - 10 * SECOND


def test_whole_days_are_cut_so_that_the_time_of_day_stays():
    union = np.array([0, HOUR, 5 * DAY + 3 * HOUR, 5 * DAY + 4 * HOUR])
    line = ax.cut(union, DAY, daily=True)
    assert list(line.place(union)) == [0, HOUR, 3 * HOUR, 4 * HOUR]
    assert list(line.place(union) % DAY) == list(union % DAY)


@given(
    st.lists(st.integers(0, 2**50), min_size=2, max_size=60, unique=True),
    st.integers(1, 2**45),
    st.booleans(),
)
def test_places_keep_their_order_and_never_spread(times, pause, daily):
    union = np.array(sorted(times), np.int64)
    line = ax.cut(union, pause, daily=daily)
    at = line.place(union)
    assert at[0] == 0
    assert at[-1] <= line.length
    steps = np.diff(at)
    assert np.all(steps >= 0)
    assert np.all(steps <= np.diff(union))


@given(st.integers(15 * 60 * SECOND, 400 * DAY))
def test_a_whole_window_divides_a_day_or_is_made_of_days(window):
    whole = ax.whole(window)
    assert DAY % whole < DAY / whole or whole % DAY == 0
    assert 0.6 < whole / window < 1.7
