"""Many customers behind one router: what is attributed comes from as many clients as the rest."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from detect.worlds import Made, dealt_log, judged
from headwater.detect.evidence.customer import end_users
from headwater.detect.setups import RELAYS

SIZE, EACH, RING = 60, 24, 12
N, ACCOUNT = SIZE * EACH, np.repeat(np.arange(SIZE), EACH)
TURN = np.arange(N) % EACH


def made(limit: np.ndarray, filled: np.ndarray) -> Made:
    """A log in which each row asks for `limit` tokens, and `filled` rows of the ring fill its form."""
    form = np.where((ACCOUNT < RING) & filled, 5, 0)
    return dealt_log(1, form=form, more={"max_tokens": pa.array(limit.astype(np.int32))})


def test_a_router_whose_many_customers_send_what_is_attributed_is_no_ring() -> None:
    finding = judged(end_users.test, made(TURN % 12, TURN % 3 == 0), range(RING))[0]
    assert finding.raw == -end_users.MOST
    assert finding.figures["clients_an_account"] == pytest.approx(12)
    assert finding.figures["clients_attributed"] == pytest.approx(4)


def test_one_clients_harvest_behind_a_router_is_not_excused() -> None:
    harvest = TURN % 3 == 0
    finding = judged(end_users.test, made(np.where(harvest, 99, TURN % 12), harvest), range(RING))[0]
    assert finding.raw == -end_users.LEAST
    assert finding.figures["clients_attributed"] == 1


def test_accounts_with_one_client_each_are_no_relay() -> None:
    assert judged(end_users.test, made(ACCOUNT, TURN % 3 == 0), range(RING)) == {}


def test_a_log_without_these_columns_makes_nobody_a_relay() -> None:
    log = dealt_log(1, form=np.where(ACCOUNT < RING, 5, 0))
    assert judged(end_users.test, log, range(RING)) == {}


def test_relays_are_left_behind_for_the_ledger() -> None:
    log = made(TURN % 12, TURN % 3 == 0)
    world = log.world(range(RING), range(20, 32))
    test = end_users.test
    test.finish(test.update(test.init(world), log.batch(world)), world)
    assert world.context[RELAYS] == {0, 1}
