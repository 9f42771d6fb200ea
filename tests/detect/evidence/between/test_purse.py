"""One purse: members fall silent together while others go on; a night or an outage of all is no pause."""

from __future__ import annotations

import numpy as np
import pytest

from detect.pace.worlds import steady
from detect.worlds import Made, judged, timed
from headwater.detect.evidence.between import purse

PAUSES = ((100, 112), (200, 212))


def paused(seed: int, everybody: bool = False, **more: object) -> Made:
    """20 accounts that stand still together twice, among 60 (others only where `everybody`)."""
    rng = np.random.default_rng(seed)
    ring = steady(rng, 20, 24, 14, PAUSES)
    return timed(ring + steady(rng, 40, 24, 14, PAUSES if everybody else ()), **more)


@pytest.mark.parametrize("seed", range(3))
def test_for_members_that_pause_together_and_not_for_others(seed: int) -> None:
    found = judged(purse.test, paused(seed), range(20), range(30, 50))
    assert found[0].raw > 1
    assert found[0].figures["pauses"] >= 2
    assert found[1].raw < 0.5


def test_an_outage_of_all_is_no_evidence() -> None:
    assert judged(purse.test, paused(1, everybody=True), range(20))[0].raw < 0.5


def test_accounts_of_two_customers_are_no_ring() -> None:
    known = {"organisation": [f"org {i % 2}" if i < 20 else None for i in range(60)]}
    found = judged(purse.test, paused(1, known=known), range(20))
    assert 0 not in found or found[0].raw < 1
