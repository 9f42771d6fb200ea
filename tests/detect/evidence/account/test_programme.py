"""One programme of entry: counts only where its other customers send less."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from detect.evidence.account.people import found
from detect.worlds import DAY, Made, log
from headwater.detect.evidence.account import programme


def made(entry: list[str | None], each: list[int]) -> Made:
    account = np.repeat(np.arange(len(each)), each)
    at_us = np.random.default_rng(1).integers(0, 9 * DAY, len(account))
    return log(account, at_us, known={"programme": entry})


ENTRY = ["education"] * 30 + [None] * 70


def test_a_ring_from_one_programme_that_sends_more() -> None:
    out = found(programme.test, made(ENTRY, [90] * 10 + [10 + i % 5 for i in range(90)]), range(10))[0]
    assert out.raw > 0.5
    assert out.figures["others"] == 20
    assert "more than" in out.sentence


def test_a_class_that_uses_it_as_others_do_is_slightly_cleared() -> None:
    out = found(programme.test, made(ENTRY, [10 + i % 5 for i in range(100)]), range(10))[0]
    assert out.raw == -0.2
    assert "no more than" in out.sentence


def test_a_programme_that_everybody_comes_by_says_little() -> None:
    out = found(programme.test, made(["education"] * 100, [90] * 10 + [10] * 90), range(10))[0]
    assert out.raw <= 0


def test_where_nobody_else_came_there_is_nothing_to_compare() -> None:
    entry = ["research"] * 10 + [None] * 90
    out = found(programme.test, made(entry, [90] * 10 + [10] * 90), range(10))[0]
    assert (out.raw, out.p_value) == (0, None)
    assert "too few" in out.sentence


def test_no_programme_is_no_finding() -> None:
    assert found(programme.test, made([None] * 100, [10] * 100), range(10)) == {}
    assert found(programme.test, made([None] * 100, [10] * 100), range(3)) == {}
    assert found(programme.test, made(["a"], [3]), range(1)) == {}


@given(
    ours=st.lists(st.integers(0, 6), min_size=5, max_size=30),
    others=st.lists(st.integers(0, 6), min_size=10, max_size=30),
)
def test_the_rank_sum_is_that_of_the_textbook(ours: list[int], others: list[int]) -> None:
    p_value = programme.rank_sum(np.array(ours, float), np.array(others, float))
    if np.mean([np.sign(a - b) for a in ours for b in others]) <= 0:
        assert p_value == 1.0
        return
    told = mannwhitneyu(ours, others, alternative="greater", method="asymptotic").pvalue
    assert p_value == pytest.approx(told)
