"""Joint turns: members move to a model within the hour while others don't; a release day is no evidence."""

from __future__ import annotations

import numpy as np
import pytest

from detect.worlds import DAY, HOUR, Made, folded, judged, log
from headwater.detect.evidence.between import turns

SIZE, EACH = 80, 40


def moved(seed: int, when: np.ndarray, **more: object) -> Made:
    """80 accounts over three weeks; account i uses the second model from `when[i]` (µs) on."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(SIZE), EACH)
    at_us = np.sort(rng.integers(0, 21 * DAY, (SIZE, EACH)), axis=1)
    # Each account asks right after it moved, so that its first use is where the test put it.
    at_us[:, EACH // 2] = np.where(when < 21 * DAY, when, at_us[:, EACH // 2])
    at_us = np.sort(at_us, axis=1).reshape(-1)
    return log(account, at_us, model=(at_us >= when[account]).astype(np.int32), **more)


def scattered(seed: int) -> np.ndarray:
    """Moves over the whole log; one in three never moves."""
    rng = np.random.default_rng([seed, 1])
    return np.where(rng.random(SIZE) < 0.33, 99 * DAY, rng.integers(2 * DAY, 20 * DAY, SIZE))


def together(seed: int) -> np.ndarray:
    """The same, but the first twenty accounts move within three quarters of an hour."""
    when = scattered(seed)
    when[:20] = 10 * DAY + np.random.default_rng(seed).integers(0, 3 * HOUR // 4, 20)
    return when


@pytest.mark.parametrize("seed", range(4))
def test_for_members_that_move_together_and_not_for_others(seed: int) -> None:
    found = judged(turns.test, moved(seed, together(seed)), range(20), range(40, 60))
    assert found[0].raw > 1.5
    assert found[0].figures["members"] == 20
    assert found[0].figures["window_s"] == 3600
    assert "model large-2 within an hour" in found[0].sentence
    assert found[1].raw < 1
    assert found[1].raw >= -turns.CAP_AGAINST


def test_chance_is_paid_no_more_than_it_costs() -> None:
    """Over many groups of strangers the mean of exp(nats) stays near 1 at most."""
    pay = []
    for seed in range(5):
        made = moved(seed, scattered(seed))
        found = judged(turns.test, made, range(16), range(16, 32), range(32, 48), range(48, 64))
        pay += [np.exp(min(f.raw, turns.CAP)) for f in found.values()]
    assert len(pay) == 20
    assert np.mean(pay) < 1.3


def test_a_release_day_on_which_everybody_turns_is_no_evidence() -> None:
    when = 10 * DAY + np.random.default_rng(3).integers(0, HOUR // 2, SIZE)
    assert judged(turns.test, moved(3, when), range(20))[0].raw < 0.3


def test_a_joint_beginning_is_no_turn() -> None:
    """Accounts that begin together, and with the new model within their first day, turned to nothing."""
    made = moved(5, np.full(SIZE, 99 * DAY))
    customer = np.repeat(np.arange(20, dtype=np.int32), 10)
    at_us = np.tile(np.arange(10) * 2 * HOUR, 20) + 5 * DAY
    uses = turns.turned(customer, at_us, np.tile([0, 1] * 5, 20).astype(np.int32), 3)
    assert set(uses) == set(range(20))
    assert all(not one for one in uses.values())
    assert judged(turns.test, made, range(20)) == {}


def test_a_first_use_after_the_first_day_is_a_turn_and_the_earliest_counts() -> None:
    at_us = np.array([0, DAY, 3 * DAY, 4 * DAY])
    uses = turns.turned(np.zeros(4, np.int32), at_us, np.array([0, 0, 1, 1], np.int32), 3)
    assert uses == {0: {1: 3 * DAY}}
    nameless = turns.turned(np.zeros(4, np.int32), at_us, np.array([-1, -1, -1, 1], np.int32), 3)
    assert nameless == {0: {1: 4 * DAY}}


def test_a_jump_in_volume_is_a_turn() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.integers(0, 10 * DAY, 30), rng.integers(10 * DAY, 15 * DAY, 300)
    at_us = np.sort(np.concatenate([before, after]))
    uses = turns.turned(np.zeros(330, np.int32), at_us, np.zeros(330, np.int32), 3)
    assert set(uses[0]) == {3}
    assert abs(uses[0][3] - 10 * DAY) < DAY


def test_what_is_usual_comes_from_others_alike_in_volume() -> None:
    made = moved(1, together(1))
    world = made.world(range(20))
    ((members, others),) = turns.sides(world)
    assert members.tolist() == list(range(20))
    assert set(others.tolist()) == set(range(20, 80))
    rng = np.random.default_rng(2)
    account = np.concatenate([np.repeat(np.arange(20), 200), np.repeat(np.arange(20, 80), 5)])
    busy = log(account, rng.integers(0, 21 * DAY, len(account)))
    ((_, others),) = turns.sides(busy.world(range(20)))
    assert not len(others)


def test_without_enough_others_nothing_is_said() -> None:
    made = moved(1, together(1))
    world = made.world(range(60))
    assert folded(turns.test, world, [made.batch(world)]) == {}


def test_accounts_of_two_customers_are_no_ring() -> None:
    known = {"organisation": [f"org {i % 2}" if i < 20 else None for i in range(SIZE)]}
    assert judged(turns.test, moved(1, together(1), known=known), range(20)) == {}
