"""Rows that lie together are found as a loop would find them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.spans import rows_of, spans


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5))))
def test_places_of_spans(wanted: list[tuple[int, int]]) -> None:
    begin = np.array([first for first, _ in wanted], np.int64)
    size = np.array([size for _, size in wanted], np.int64)
    expected = [place for first, count in wanted for place in range(first, first + count)]
    assert spans(begin, begin + size).tolist() == expected


@given(st.lists(st.integers(0, 9)), st.sets(st.integers(0, 12)))
def test_rows_of_codes(codes: list[int], wanted: set[int]) -> None:
    codes.sort()
    found = rows_of(np.array(codes, np.int32), np.array(sorted(wanted), np.int64))
    assert found.tolist() == [at for at, code in enumerate(codes) if code in wanted]
