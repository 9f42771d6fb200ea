"""Bystanders: members whose prompts are not of their ring's queue, told by content, whatever order rows come in."""

from __future__ import annotations

import numpy as np
import pytest

from detect.worlds import DAY, Made, folded, log
from headwater.detect.apart import LEAST_MEMBERS, Apart, outliers
from headwater.detect.fold import CONFIRM, PROPOSE
from headwater.exchange import SKETCH


def queue_with_strangers(seed: int, strangers: int = 2) -> Made:
    """Twenty accounts of one queue; the last of them send something of their own, as do forty others."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(60), 24)
    topic = rng.normal(size=(60, SKETCH)) * 0.6
    topic[: 20 - strangers] = topic[0]
    vector = rng.normal(size=(len(account), SKETCH)) * 0.8 + topic[account]
    at_us = np.sort(rng.integers(0, 14 * DAY, (60, 24)), axis=1).reshape(-1)
    return log(account, at_us, vector=vector)


@pytest.mark.parametrize("half", [PROPOSE, CONFIRM])
@pytest.mark.parametrize("seed", range(3))
def test_strangers_stand_apart_and_dealt_accounts_do_not(seed: int, half: int) -> None:
    made = queue_with_strangers(seed)
    world = made.world(range(20))
    assert folded(Apart(half), world, [made.batch(world)])[0].tolist() == [18, 19]
    none = queue_with_strangers(seed, strangers=0)
    world = none.world(range(20))
    assert not len(folded(Apart(half), world, [none.batch(world)])[0])


def test_a_group_of_different_people_has_no_outliers() -> None:
    """The group's own unevenness is the yardstick: where everybody differs nobody stands apart."""
    made = queue_with_strangers(3)
    world = made.world(range(25, 50))
    assert len(folded(Apart(PROPOSE), world, [made.batch(world)])[0]) <= 1


def test_any_split_and_order_name_the_same_members() -> None:
    made = queue_with_strangers(4)
    world = made.world(range(20))
    rows = np.random.default_rng(1).permutation(made.table.num_rows)
    parts = [made.batch(world, part) for part in np.array_split(rows, 5)]
    assert folded(Apart(PROPOSE), world, parts)[0].tolist() == [18, 19]


def test_small_groups_are_left_as_they_are() -> None:
    few = LEAST_MEMBERS - 1
    assert not len(outliers(np.ones((few, 4)) * np.arange(few)[:, None], np.ones(few), np.full(few, 9)))
