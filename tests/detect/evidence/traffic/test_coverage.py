"""Coverage without end: how much of the input space an account's exchanges occupy."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaln

from detect.evidence.traffic.reading import read
from detect.worlds import DAY, Made, log
from headwater.detect.evidence.traffic import coverage
from headwater.detect.evidence.traffic.coverage import PLANES, WAYS, _occupied


def world(each: int, wide: int = 8, size: int = 60, seed: int = 1, topics: int = 40) -> Made:
    """Accounts with two or three subjects of `topics` each, but the first `wide` draw from all."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(size), each)
    centre = rng.normal(size=(topics, 128))
    own = rng.integers(0, topics, (size, 3))
    subject = own[account, rng.integers(0, 3, len(account))]
    subject = np.where(account < wide, rng.integers(0, topics, len(account)), subject)
    vector = centre[subject] + 0.5 * rng.normal(size=(len(account), 128))
    return log(account, rng.integers(0, 14 * DAY, len(account)), vector=vector)


@pytest.mark.parametrize("each", [30, 100, 300])
def test_who_draws_from_everything_covers_what_everybody_does(each: int) -> None:
    value = read(coverage.trait, world(each)).value
    assert value[:8].mean() > 0.93
    assert (value[:8, None] > value[None, 8:]).mean() > 0.95
    assert (value[8:] >= coverage.NOTABLE).mean() < 0.1


def test_without_such_accounts_nobody_stands_out() -> None:
    value = read(coverage.trait, world(100, wide=0)).value
    assert (value >= coverage.NOTABLE).mean() < 0.05


def test_one_prompt_again_and_again_covers_hardly_anything() -> None:
    rng = np.random.default_rng(2)
    account = np.repeat(np.arange(20), 50)
    vector = np.where((account == 0)[:, None], 1.0, rng.normal(size=(1000, 128)))
    assert read(coverage.trait, log(account, np.arange(1000) * 10**6, vector=vector)).value[0] < 0.1


def test_few_exchanges_say_nothing() -> None:
    assert np.isnan(read(coverage.trait, world(15)).value).all()


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.integers(1, 60), st.integers(0, WAYS - 1))
def test_rarefaction_is_the_mean_over_all_draws(times: list[int], drawn: int, way: int) -> None:
    n = sum(times)
    drawn = 1 << (min(drawn, n).bit_length() - 1)
    side = np.repeat(np.arange(len(times), dtype=np.uint32) << np.uint32(way * PLANES), times)
    held = np.bincount(np.arange(len(times)) % min(2 * drawn, 1 << PLANES), times).astype(int).tolist()
    exact = sum(1 - comb(n - t, drawn) / comb(n, drawn) for t in held)
    factorial = gammaln(np.arange(n + 1) + 1.0)
    weight = np.array([0.0, 0.5, 0.0])
    start, every = np.array([0, 0, n, n]), np.array([1, drawn, 1])
    sent, covered = _occupied(
        np.random.default_rng(n).permutation(side), way, start, every, weight, factorial
    )
    assert covered.tolist() == [0.0, pytest.approx(exact, rel=1e-9), 0.0]
    assert sent[: len(times)].tolist() == [t / 2 for t in times]
    assert sent.sum() == n / 2


def test_rarefied_counts_do_not_grow_with_the_number_of_exchanges() -> None:
    """An account of 64 and one of 250 exchanges of one law are comparable, though the second occupies more cells."""
    rng = np.random.default_rng(3)
    account = np.concatenate([np.repeat(np.arange(40), 64), np.repeat(np.arange(40, 80), 250)])
    made = log(account, rng.integers(0, DAY, len(account)), vector=rng.normal(size=(len(account), 128)))
    value = read(coverage.trait, made).value
    assert value[:40].mean() == pytest.approx(value[40:].mean(), abs=0.02)
