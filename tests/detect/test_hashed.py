"""Hashes among others: the same as by sorting, whatever bits they share."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.hashed import among, before, first_of, previous

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


@given(
    HASHES,
    st.lists(st.integers(0, 3), min_size=60, max_size=60),
    st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_the_last_one_of_an_owner_before(values: list[int], owners: list[int], counts: list[bool]) -> None:
    owners = sorted(owners[: len(values)])
    expected = []
    for at, one in enumerate(zip(owners, values, strict=True)):
        earlier = [j for j in range(at) if counts[j] and (owners[j], values[j]) == one]
        expected.append(earlier[-1] if counts[at] and earlier else -1)
    found = previous(
        np.array(owners, np.int32), np.array(values, np.uint64), np.array(counts[: len(values)], bool)
    )
    assert found.tolist() == expected


def test_one_owner_after_another_of_very_different_sizes() -> None:
    sizes = [1, 5_000, 2, 40_000, 3, 900]
    owner = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
    value = (np.arange(len(owner)) % 7).astype(np.uint64)
    found = previous(owner, value, np.ones(len(owner), bool))
    place = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    assert np.array_equal(found, np.where(place < 7, -1, np.arange(len(owner)) - 7))
