"""Counts grow by what is added, also where a place comes twice; rows spread over threads are each worked on once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect import counting
from headwater.detect.ordering import ByCode
from headwater.detect.pairs import pairs
from headwater.detect.spread import LEAST, spread

PLACES = st.lists(st.integers(0, 9), max_size=40)


@given(PLACES, PLACES)
def test_ones_are_added_where_they_stand(first: list[int], second: list[int]) -> None:
    total = np.zeros(10, np.int64)
    for places in (first, second):
        counting.count(total, np.array(places, np.int32))
    assert total.tolist() == np.bincount([*first, *second], minlength=10).tolist()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2**40)), max_size=40))
def test_amounts_are_added_as_whole_numbers(rows: list[tuple[int, int]]) -> None:
    total = np.zeros(10, np.int64)
    places, amounts = np.array([row[0] for row in rows], np.int32), np.array([row[1] for row in rows], float)
    counting.add(total, places, amounts)
    assert total.tolist() == [sum(n for place, n in rows if place == k) for k in range(10)]


@given(st.lists(st.integers(-1, 6), max_size=60))
def test_rows_of_a_code_are_found_in_order(codes: list[int]) -> None:
    found = ByCode(np.array(codes, np.int32))
    for code in range(-2, 9):
        wanted = [row for row, each in enumerate(codes) if each == code >= 0]
        assert found.of(code).tolist() == wanted


@pytest.mark.parametrize("rows", [0, 1, LEAST - 1, LEAST, 3 * LEAST + 5])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_rows_are_spread_once(rows: int, workers: int) -> None:
    seen = np.zeros(rows, np.int64)

    def work(part: slice) -> None:
        seen[part] += 1

    spread(work, rows, workers)
    assert (seen == 1).all()


def test_a_thread_that_fails_says_so() -> None:
    def work(part: slice) -> None:
        if part.start:
            raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        spread(work, 4 * LEAST, 2)


@given(st.lists(st.tuples(st.integers(-1, 5), st.integers(-9, 9), st.integers(-9, 9)), max_size=40))
def test_rows_are_added_to_the_rows_that_are_theirs(rows: list[tuple[int, int, int]]) -> None:
    total = np.zeros((6, 2), np.int64)
    places = np.array([row[0] for row in rows], np.int32)
    counting.add_rows(total, places, np.array([row[1:] for row in rows], np.int16).reshape(-1, 2))
    wanted = [[sum(row[k] for row in rows if row[0] == at) for k in (1, 2)] for at in range(6)]
    assert total.tolist() == wanted


@given(st.lists(st.integers(0, 6), max_size=40), st.sets(st.integers(0, 9)))
def test_rows_of_several_codes_come_in_their_order(codes: list[int], asked: set[int]) -> None:
    found = ByCode(np.array(codes, np.int32), 10).among(np.array(sorted(asked), np.int64))
    assert found.tolist() == [row for row, code in enumerate(codes) if code in asked]


@given(st.lists(st.tuples(st.integers(-2, 4), st.integers(0, 2**31 - 1) | st.integers(0, 3)), max_size=40))
def test_distinct_pairs_are_those_of_a_set(rows: list[tuple[int, int]]) -> None:
    first, second = (np.array([row[k] for row in rows], np.int32) for k in (0, 1))
    found = pairs(first, second)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == sorted(set(rows))
    assert [(found.first[at], found.second[at]) for at in found.place.tolist()] == rows
    assert found.times.tolist() == [rows.count(pair) for pair in sorted(set(rows))]
