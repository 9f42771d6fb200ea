"""Likeness of whole accounts: one queue's accounts are proposed without any template, people with topics aren't."""

from __future__ import annotations

import numpy as np
import pytest

from detect.worlds import dealt_log, folded
from headwater.detect.evidence.between import nearness


def proposed(made) -> np.ndarray:
    world = made.world()
    links = folded(nearness.propose, world, [made.batch(world)])
    return np.unique(np.concatenate([links.a, links.b]))


@pytest.mark.parametrize("seed", range(4))
def test_accounts_of_one_queue_are_found_without_a_template(seed: int) -> None:
    found = proposed(dealt_log(seed, form=np.zeros(60 * 24, np.int64)))
    assert len(set(found.tolist()) & set(range(12))) >= 10
    assert len(set(found.tolist()) - set(range(12))) <= 2


@pytest.mark.parametrize("seed", range(4))
def test_people_with_topics_of_their_own_are_not(seed: int) -> None:
    assert not len(proposed(dealt_log(seed, members=1, form=np.zeros(60 * 24, np.int64))))


def test_accounts_with_a_single_session_or_few_of_them_say_nothing() -> None:
    assert not len(proposed(dealt_log(1, size=8, members=8)))
    once = dealt_log(1, each=2)
    assert not len(proposed(once))


def test_it_proposes_and_carries_no_weight() -> None:
    assert nearness.CARD.cap_nats == 0.0
