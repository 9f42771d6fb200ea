"""One queue: it speaks for accounts dealt from one, against people with topics, and looks at fresh sessions only."""

from __future__ import annotations

import numpy as np
import pytest

from detect.worlds import DAY, dealt_log, judged, log
from headwater.detect.evidence.between import queue
from headwater.exchange import SKETCH


@pytest.mark.parametrize("seed", range(5))
def test_for_a_ring_and_against_people(seed: int) -> None:
    found = judged(queue.test, dealt_log(seed), range(12), range(20, 40))
    assert found[0].raw > 1.5
    assert abs(found[0].figures["z"]) < 4
    assert found[1].raw == -queue.CAP_AGAINST
    assert found[1].figures["z"] > 5


def test_only_the_confirming_half_counts() -> None:
    """Content that is one queue's in the proposing half and people's own in the other is refused."""
    rng = np.random.default_rng(3)
    plain = dealt_log(3)
    account, half = plain.index.account, plain.index.half
    topic = rng.normal(size=(60, SKETCH)) * 0.6
    noise = rng.normal(size=(len(account), SKETCH)) * 0.8

    def weight(dealt: int) -> float:
        vector = noise + np.where(half[:, None] == dealt, topic[0], topic[account])
        made = log(account, plain.index.at_us, vector=vector)
        return judged(queue.test, made, range(12))[0].raw

    assert weight(dealt=0) < 0
    assert weight(dealt=1) > 1


def test_accounts_of_two_customers_are_no_ring() -> None:
    made = dealt_log(1, known={"organisation": [f"org {i % 2}" for i in range(60)]})
    assert judged(queue.test, made, range(12)) == {}


def test_one_customers_keys_do_not_hide_that_customers_differ() -> None:
    """Six organisations with two keys each: likeness within an organisation is what separate authors show."""
    rng = np.random.default_rng(4)
    account = np.repeat(np.arange(60), 24)
    topic = rng.normal(size=(30, SKETCH)) * 0.55
    vector = rng.normal(size=(len(account), SKETCH)) * 0.8 + topic[account // 2]
    at_us = rng.integers(0, 14 * DAY, len(account))
    known = {"organisation": [f"org {i // 2}" for i in range(60)]}
    made = log(account, at_us, vector=vector, known=known)
    found = judged(queue.test, made, range(12))[0]
    assert found.raw < 0
    assert found.figures["accounts"] == 6


def test_cover_is_left_out_where_a_share_of_rows_fills_the_template() -> None:
    """Members with business of their own still show one queue in what fills the ring's form."""
    rng = np.random.default_rng(6)
    account = np.repeat(np.arange(60), 60)
    member = account < 12
    harvest = member & (rng.random(len(account)) < 0.5)
    topic = rng.normal(size=(60, SKETCH)) * 0.6
    topic = np.where(harvest[:, None], topic[0], topic[account])
    made = log(
        account,
        rng.integers(0, 14 * DAY, len(account)),
        vector=rng.normal(size=(len(account), SKETCH)) * 0.8 + topic,
        form=np.where(harvest, 5, 0),
    )
    assert judged(queue.test, made, range(12))[0].raw > 1


def test_too_few_sessions_say_nothing() -> None:
    assert judged(queue.test, dealt_log(1, each=1), range(12)) == {}
