"""One pool: accounts fed by one set of workers are steadier together than apart; strangers' scripts aren't."""

from __future__ import annotations

import numpy as np
import pytest

from detect.pace.worlds import scripts, workers
from detect.worlds import EVERY, Made, judged, timed
from headwater.detect.evidence.between import pool


def mixed(seed: int, **more: object) -> Made:
    """24 accounts of one pool of eight workers, then 24 scripts of strangers that are as busy."""
    rng = np.random.default_rng(seed)
    ring, strangers = workers(rng, 8, 24), scripts(rng, 24, 1 / 3)
    return timed(ring[0] + strangers[0], ring[1] + strangers[1], **more)


@pytest.mark.parametrize("seed", range(3))
def test_for_a_pool_and_not_for_strangers(seed: int) -> None:
    found = judged(pool.test, mixed(seed), range(24), range(24, 48))
    assert found[0].raw > 3
    assert found[0].figures["share_in_view"] > 0.8
    assert found[1].raw < 0.5
    assert found[1].raw >= -pool.CAP_AGAINST


def test_half_a_pool_in_view_is_said_to_be_half() -> None:
    found = judged(pool.test, mixed(4), range(12))[0]
    assert 0.3 < found.figures["share_in_view"] < 0.7


def test_it_does_without_durations() -> None:
    assert judged(pool.test, mixed(1, columns=EVERY - {"latency_ms"}), range(24))[0].raw > 1


def test_accounts_of_two_customers_are_no_ring() -> None:
    """A customer's own load balancer over its own keys is one pool, honestly."""
    known = {"organisation": [f"org {i % 2}" if i < 24 else None for i in range(48)]}
    found = judged(pool.test, mixed(1, known=known), range(24))
    assert 0 not in found or found[0].raw < 1
