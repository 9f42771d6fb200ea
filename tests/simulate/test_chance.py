"""Seeded streams and the small vector tools that everything is drawn with."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.simulate.chance import pick, ragged, running_count, shares, stream


def test_a_stream_is_its_seed_and_its_labels() -> None:
    assert stream(1, "a", 2).random() == stream(1, "a", 2).random()
    others = [stream(2, "a", 2), stream(1, "b", 2), stream(1, "a", 3), stream(1, "a")]
    assert stream(1, "a", 2).random() not in [other.random() for other in others]


@given(st.integers(0, 10_000), st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
def test_shares_add_up_and_stay_within_one_of_their_weight(total: int, weights: list[float]) -> None:
    parts = shares(total, weights)
    assert parts.sum() == total
    assert np.all(np.abs(parts - total * np.array(weights) / sum(weights)) < 1)


@given(st.lists(st.integers(0, 5), max_size=60))
def test_running_count_counts_what_came_before(keys: list[int]) -> None:
    assert running_count(np.array(keys, dtype=np.int64)).tolist() == [
        keys[:i].count(key) for i, key in enumerate(keys)
    ]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), max_size=20))
def test_ragged_lists_every_row_in_turn(rows: list[tuple[int, int]]) -> None:
    starts, counts = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    assert ragged(starts, counts).tolist() == [start + i for start, count in rows for i in range(count)]


def test_pick_stays_inside_its_row() -> None:
    offsets = np.array([0, 3, 4, 9])
    rows = np.repeat([0, 1, 2], 200)
    picked = pick(stream(0), offsets, rows)
    assert np.all((picked >= offsets[rows]) & (picked < offsets[rows + 1]))
    assert len(np.unique(picked)) == 9
