"""Hashes among others: the same as by sorting, whatever bits they share."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.hashed import among, before, first_of

HASHES = st.lists(
    st.integers(0, 2**64 - 1) | st.integers(0, 9) | st.sampled_from([2**63, 2**63 + 1, 2**64 - 1]),
    max_size=60,
)
TIMES = st.lists(st.integers(-3, 3), min_size=60, max_size=60)


@given(HASHES, HASHES)
def test_among_others(values: list[int], others: list[int]) -> None:
    held = set(others)
    found = among(np.array(values, np.uint64), np.array(others, np.uint64))
    assert found.tolist() == [value in held for value in values]


@given(HASHES, TIMES, HASHES, TIMES)
def test_met_before(values: list[int], at: list[int], others: list[int], when: list[int]) -> None:
    first: dict[int, int] = {}
    for other, time in zip(others, when, strict=False):
        first[other] = min(time, first.get(other, time))
    found = before(
        np.array(values, np.uint64),
        np.array(at[: len(values)], np.int64),
        np.array(others, np.uint64),
        np.array(when[: len(others)], np.int64),
    )
    assert found.tolist() == [v in first and first[v] < t for v, t in zip(values, at, strict=False)]


@given(HASHES)
def test_where_each_is_met_first(values: list[int]) -> None:
    expected = [at for at, value in enumerate(values) if value not in values[:at]]
    assert first_of(np.array(values, np.uint64)).tolist() == expected
