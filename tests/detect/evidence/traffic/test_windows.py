"""Windows of a minute, an hour, a day: what is counted in them is what a dictionary counts."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.evidence.traffic.windows import LEAST_WINDOWS, Windows

SIZE = 4
MINUTE_US = 60_000_000
#: Account, time and whether the row counts; times lie at and around the borders of windows, before 1970 too.
ROWS = st.lists(
    st.tuples(
        st.integers(0, SIZE - 1),
        st.integers(-3, 9).flatmap(lambda m: st.sampled_from([-1, 0, 1]).map(lambda by: m * MINUTE_US + by)),
        st.booleans(),
    ),
    max_size=60,
)


@given(ROWS, st.lists(st.floats(0, 4), min_size=SIZE, max_size=SIZE), st.floats(0, 3))
def test_counted_as_a_dictionary_does(
    rows: list[tuple[int, int, bool]], least: list[float], more: float
) -> None:
    rows = sorted(rows, key=lambda row: row[:2])
    account, at_us, which = (np.array([row[k] for row in rows]) for k in range(3))
    low = np.array(least)
    sent = Windows(account.astype(np.int32), at_us.astype(np.int64), which.astype(bool), 60, SIZE)
    counts = Counter((who, at // MINUTE_US) for who, at, counts in rows if counts)
    own = [[n for (who, _), n in counts.items() if who == one] for one in range(SIZE)]
    assert sent.total.tolist() == [len(each) for each in own]
    assert sent.peak.tolist() == [max(each, default=0) for each in own]
    assert sent.known.tolist() == [len(each) >= LEAST_WINDOWS for each in own]
    inside = [sum(a <= n <= a + more for n in each) for a, each in zip(least, own, strict=True)]
    expected = [n / max(len(each), 1) for n, each in zip(inside, own, strict=True)]
    assert sent.share(low, low + more).tolist() == expected


def test_a_window_at_the_end_of_all_numbers_is_one() -> None:
    for last in (2**63 - 1, -(2**63) + 1):
        sent = Windows(np.zeros(2, np.int32), np.array([last - 1, last]), np.ones(2, bool), 60, 1)
        assert (sent.total.tolist(), sent.peak.tolist()) == ([1], [2])
