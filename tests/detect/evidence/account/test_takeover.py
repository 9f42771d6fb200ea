"""A key in other hands: everything changes at one moment, once, and stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.evidence.account.people import EACH, SIZE, networks, people, read, shown
from detect.worlds import Made
from headwater.detect.evidence.account import takeover

BEFORE = ("python/1", "tls-a", "10.1.0.1")
AFTER = ("go/2", "tls-b", "192.0.2.1")


def keys(*lives: list[tuple[str, str, str]], size: int = SIZE, **more: Any) -> Made:
    """The first accounts with these exchanges, everybody else with always the same."""
    rows = [row for life in lives for row in life] + [BEFORE] * (EACH * (size - len(lives)))
    agent, tls, ip = zip(*rows, strict=True)
    return people(size, user_agent=agent, tls=tls, ip=ip, **more)


def test_all_three_change_and_stay_changed() -> None:
    made = keys([BEFORE] * 15 + [AFTER] * 25, [BEFORE] * 30 + [AFTER] * 10)
    reading = read(takeover.trait, made)
    assert shown(reading) == [0, 1]
    assert (reading.value[2:] == 0).all()


@pytest.mark.parametrize(
    "life",
    [
        pytest.param([BEFORE] * 15 + [("go/2", "tls-b", "10.1.9.9")] * 25, id="the network stays"),
        pytest.param([BEFORE] * 15 + [("python/9", "tls-b", "192.0.2.1")] * 25, id="a new version elsewhere"),
        pytest.param([BEFORE] * 15 + [AFTER] * 15 + [BEFORE] * 10, id="it comes back"),
        pytest.param([BEFORE, AFTER] * 20, id="two clients side by side"),
        pytest.param([BEFORE] * 35 + [AFTER] * 5, id="a test"),
        pytest.param(
            [BEFORE] * 13 + [AFTER] * 13 + [("c/1", "tls-c", "203.0.113.1")] * 14, id="it changes often"
        ),
        pytest.param(
            [BEFORE] * 15 + [("go/2", "tls-a", "10.1.0.1")] * 3 + [AFTER] * 22, id="one after the other"
        ),
    ],
)
def test_what_is_no_change_of_hands(life: list[tuple[str, str, str]]) -> None:
    assert shown(read(takeover.trait, keys(life))) == []


def test_rows_that_show_too_little_are_passed_over() -> None:
    life: Any = [BEFORE] * 14 + [(None, "tls-a", None)] * 2 + [AFTER] * 24
    assert shown(read(takeover.trait, keys(life))) == [0]


def test_one_network_by_the_operators_table() -> None:
    one = networks("10.1.0.0/16,hosting,7", "192.0.2.0/24,hosting,7")
    assert shown(read(takeover.trait, keys([BEFORE] * 15 + [AFTER] * 25), networks=one)) == []


def test_exchanges_of_one_moment_are_no_sequence() -> None:
    at = np.zeros(SIZE * EACH, np.int64)
    assert shown(read(takeover.trait, keys([BEFORE] * 15 + [AFTER] * 25, at_us=at))) == []


def test_nulls_and_too_few_exchanges_are_unknown() -> None:
    nothing: Any = people(user_agent=[None] * SIZE * EACH, tls=["x"] * SIZE * EACH, ip=["::1"] * SIZE * EACH)
    assert np.isnan(read(takeover.trait, nothing).value).all()
    short = people(each=19, user_agent=["x"] * 19 * SIZE, tls=["x"] * 19 * SIZE, ip=["::1"] * 19 * SIZE)
    assert np.isnan(read(takeover.trait, short).value).all()


@given(life=st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=EACH, max_size=EACH))
def test_it_is_what_the_plain_definition_says(life: list[tuple[int, int, int]]) -> None:
    lives = [(f"p{a}/1", f"t{b}", f"10.{c}.0.1") for a, b, c in sorted(life)]
    cuts = [
        at
        for at in range(takeover.LEAST, EACH - takeover.LEAST + 1)
        if all(not set(kind[:at]) & set(kind[at:]) for kind in zip(*lives, strict=True))
    ]
    assert (shown(read(takeover.trait, keys(lives, size=1))) == [0]) == (len(cuts) == 1)
