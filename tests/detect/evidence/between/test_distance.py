"""Distance of content: accounts with companions of other customers as near as one author's."""

from __future__ import annotations

import numpy as np

from detect.worlds import dealt_log, folded
from headwater.detect.evidence.between import distance, nearness
from headwater.detect.fold import Reading


def read(effect: float, *, customer: np.ndarray | None = None) -> Reading:
    log = dealt_log(1, members=20, size=300, effect=effect)
    world = log.world()
    if customer is not None:
        world.customer[:] = customer
    batch = log.batch(world)
    folded(nearness.propose, world, [batch])
    return folded(distance.trait, world, [batch])


def test_accounts_of_one_queue_are_near() -> None:
    reading = read(0.3)
    assert (reading.value[:20] >= reading.notable).mean() > 0.9
    assert np.median(reading.value[:20]) > np.quantile(reading.value[20:], 0.95)


def test_accounts_of_one_customer_are_no_companions() -> None:
    customer = np.where(np.arange(300) < 20, 0, np.arange(300))
    reading = read(0.3, customer=customer)
    assert not (np.nan_to_num(reading.value[:20], nan=-np.inf) >= reading.notable).any()


def test_where_nothing_was_compared_nothing_is_known() -> None:
    log = dealt_log(1)
    world = log.world()
    assert np.isnan(folded(distance.trait, world, [log.batch(world)]).value).all()
