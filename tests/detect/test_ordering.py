"""Rows by account and then by other columns come in the order of a full sort, whatever the columns hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.ordering import SHORT, by_code, by_hash, settled

ROWS = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.integers(0, 2**64 - 1) | st.sampled_from([0, 5, 2**63, 2**64 - 1]),
        st.integers(-3, 3),
        st.booleans(),
    ),
    max_size=80,
)


@given(ROWS)
def test_the_order_of_a_full_sort(rows: list[tuple[int, int, int, bool]]) -> None:
    code = np.array([row[0] for row in rows], np.int32)
    whole = np.array([row[1] for row in rows], np.uint64)
    signed = np.array([row[2] for row in rows], np.int64)
    flag = np.array([row[3] for row in rows], bool)
    assert by_code(code, whole, signed, flag).tolist() == np.lexsort((flag, signed, whole, code)).tolist()
    assert by_code(code, signed, flag).tolist() == np.lexsort((flag, signed, code)).tolist()
    assert by_code(code, flag, whole).tolist() == np.lexsort((whole, flag, code)).tolist()


@pytest.mark.parametrize("kind", [np.int64, np.uint64, np.int16, np.float64])
def test_accounts_with_many_rows(kind: type) -> None:
    rng = np.random.default_rng(0)
    code = rng.integers(0, 3, 40 * SHORT).astype(np.int32)
    first, second = rng.integers(0, SHORT, len(code)).astype(kind), rng.integers(0, 9, len(code))
    assert by_code(code, first, second).tolist() == np.lexsort((second, first, code)).tolist()


@given(ROWS)
def test_hashes_then_another_column(rows: list[tuple[int, int, int, bool]]) -> None:
    hashes = np.array([row[1] for row in rows], np.uint64)
    then = np.array([row[2] for row in rows], np.int64)
    order = by_hash(hashes, then)
    assert sorted(order.tolist()) == list(range(len(rows)))
    assert list(zip(hashes[order].tolist(), then[order].tolist(), strict=True)) == sorted(
        (row[1], row[2]) for row in rows
    )


def test_what_is_not_a_number_comes_last() -> None:
    rng = np.random.default_rng(1)
    code = rng.integers(0, 4, 400).astype(np.int32)
    first = rng.choice([np.nan, -np.nan, -np.inf, np.inf, 0.0, -0.0, 1.5, -1.5, 5e-324], 400)
    assert by_code(code, first).tolist() == np.lexsort((first, code)).tolist()
    assert (
        by_code(code, first.astype(np.float32)).tolist()
        == by_code(code, first.astype(np.float32).astype(float)).tolist()
    )


@given(ROWS)
def test_what_is_equal_in_two_columns_is_put_in_order_by_the_others(
    rows: list[tuple[int, int, int, bool]],
) -> None:
    rows = sorted(rows, key=lambda row: (row[0], row[2]))
    code = np.array([row[0] for row in rows], np.int32)
    first = np.array([row[2] for row in rows], np.int64)
    flag, whole = np.array([row[3] for row in rows], bool), np.array([row[1] for row in rows], np.uint64)
    order = settled(code, first, flag, whole)
    order = np.arange(len(rows)) if order is None else order
    assert order.tolist() == np.lexsort((whole, flag, first, code)).tolist()
