"""How clients are set up: hashes that tell setups apart, effective numbers, and the harvest's own clients."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.worlds import dealt_log
from headwater.detect.setups import SEEN, an_account, effective, of_one_client, relayed

N = 60 * 24


def hashed(**columns: pa.Array) -> np.ndarray:
    log = dealt_log(1, more=columns)
    return log.batch(log.world(range(5))).setup


def test_each_difference_makes_another_setup() -> None:
    odd = np.arange(N) % 2 == 1
    for column in (
        pa.array(np.where(odd, 1, 2).astype(np.int32)),
        pa.array(np.ones(N, np.int32), mask=odd),
    ):
        found = hashed(max_tokens=column)
        assert len(np.unique(found[odd])) == len(np.unique(found[~odd])) == 1
        assert found[odd][0] != found[~odd][0]


def test_a_system_prompt_beyond_the_floats_stays_told_apart() -> None:
    near = np.where(np.arange(N) % 2 == 1, 2**63 + 1, 2**63).astype(np.uint64)
    assert len(np.unique(hashed(system=pa.array(near)))) == 2


def test_a_dictionary_says_what_its_values_say() -> None:
    words = pa.array(["chat", "messages"] * (N // 2))
    assert (hashed(endpoint=words) == hashed(endpoint=words.dictionary_encode())).all()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_the_effective_number_lies_between_one_and_the_number_of_values(values: list[int]) -> None:
    found = effective(np.array(values))
    assert 1 <= found <= len(set(values)) + 1e-9


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=120))
def test_an_accounts_number_is_the_median_of_each(rows: list[tuple[int, int]]) -> None:
    account, setup = (np.array(x) for x in zip(*rows, strict=True))
    each = [effective(setup[account == a]) for a in np.unique(account) if (account == a).sum() >= 5]
    expected = np.median(each) if each else 0.0
    assert an_account(account.astype(np.int32), setup.astype(np.uint64)) == pytest.approx(expected)


def test_the_harvests_client_brings_its_rows_and_leaves_the_others() -> None:
    setup = np.repeat(np.arange(3, dtype=np.uint64), 4 * SEEN)
    attributed = np.zeros(len(setup), bool)
    attributed[: 3 * SEEN] = True  # most of the first client's rows
    attributed[4 * SEEN : 5 * SEEN] = True  # some of the second's
    assert (of_one_client(setup, attributed) == (setup == 0)).all()


def test_without_such_a_client_nothing_changes() -> None:
    setup = np.arange(100, dtype=np.uint64)
    attributed = np.arange(100) % 2 == 0
    assert (of_one_client(setup, attributed) == attributed).all()


def test_several_ways_in_that_all_accounts_share_are_no_relay() -> None:
    account = np.repeat(np.arange(20, dtype=np.int32), 40)
    turn = np.tile(np.arange(40, dtype=np.uint64), 20)
    assert relayed(account, turn % 4) == 0
    assert relayed(account, turn % 20) == pytest.approx(20)
    assert relayed(account, account.astype(np.uint64)) == 0


def test_a_harvest_that_fills_most_of_a_relay_leaves_it_one() -> None:
    account = np.repeat(np.arange(20, dtype=np.int32), 40)
    turn = np.tile(np.arange(40, dtype=np.uint64), 20)
    assert relayed(account, np.where(turn < 20, 99, turn)) > 0
