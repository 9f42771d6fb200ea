"""Counts of own traffic as a proxy: chances that sum to one, and what was seen often is expected."""

from __future__ import annotations

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.mark.proxy import counted


def test_token_counts_are_chances_that_sum_to_one() -> None:
    counts = counted([np.array([0, 0, 0, 1, 2])], 5)
    chance = np.exp(counts.read(np.arange(5)).log_chance)
    assert chance.sum() == pytest.approx(1)
    assert chance[0] > chance[1] == chance[2] > chance[3] == chance[4] > 0


@pytest.mark.parametrize("order", [2, 3])
def test_what_follows_a_context_sums_to_one(order: int) -> None:
    text = np.random.default_rng(1).integers(0, 6, 400)
    counts = counted([text], 6, order=order)
    before = list(text[:2])
    every = [np.exp(counts.read(np.array([*before, token])).log_chance[-1]) for token in range(6)]
    assert sum(every) == pytest.approx(1)


def test_a_longer_context_knows_more() -> None:
    text = np.tile([1, 2, 3, 1, 4, 5], 50)
    alone, three = counted([text], 6), counted([text], 6, order=3)
    assert three.read(text).log_chance[10:].mean() > alone.read(text).log_chance[10:].mean() + 1
    assert three.read(text).entropy[10:].mean() < 0.1 < alone.read(text).entropy[10:].mean()


def test_hostile_ids_get_a_small_chance() -> None:
    counts = counted([np.array([1, 2, 3])], 10, order=3)
    found = counts.read(np.array([2**62, -5, 10**9, 1]))
    assert np.isfinite(found.log_chance).all()
    assert len(counts.read(np.zeros(0, np.int64)).log_chance) == 0
    assert len(counted([], 10, order=2).read(np.array([1, 2])).log_chance) == 2


def test_orders_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError):
        counted([], 10, order=0)
    with pytest.raises(UsageError):
        counted([], 0)
