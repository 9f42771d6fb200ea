"""Who belongs to a ring by what it fills of its templates: members, bystanders, and those that nothing had tied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.worlds import DAY, HOUR, dealt_log, folded, timed
from headwater.detect.fillings import Filling, Fillings, bar, late, standing
from headwater.detect.fold import World

SIZE, EACH = 1_000, 20


@pytest.fixture(scope="module")
def world() -> World:
    """A thousand accounts of twenty exchanges each, at all hours of two weeks."""
    rng = np.random.default_rng(3)
    return timed([np.sort(rng.integers(0, 14 * DAY, EACH)) for _ in range(SIZE)]).world()


def filled(*uses: Sequence[int], hours: Sequence[int] | None = None) -> Fillings:
    """Rows of accounts 0, 1, …: for each the objects that it filled, one a day at the hour given (or at 0)."""
    account = np.repeat(np.arange(len(uses)), [len(u) for u in uses]).astype(np.int32)
    start = np.zeros(len(uses), int) if hours is None else np.array(hours)
    at_us = np.concatenate([(start[i] + np.arange(len(u)) * 24) * HOUR for i, u in enumerate(uses)])
    key = np.concatenate([np.array(u, np.uint64) for u in uses])
    order = np.lexsort((key, at_us, account))
    return Fillings(account[order], at_us[order].astype(np.int64), key[order], np.zeros(len(key), np.int32))


MANY = [list(range(i % 5, 12, 2)) for i in range(30)]  # thirty members, forms 0 to 11 in turns


def joins(world: World, *others: Sequence[int], hours: Sequence[int] | None = None) -> list[int]:
    rows = filled(*MANY, *others, hours=None if hours is None else [0] * 30 + list(hours))
    return late(rows, np.arange(30, dtype=np.int32), np.zeros(world.size, bool), world).tolist()


def test_an_account_that_does_as_the_ring_does_joins_it(world: World) -> None:
    found = joins(world, [0, 2, 4, 6, 8], [1, 3], hours=[0, 12])
    assert found == [30], "two fillings are too few for a stranger"


def test_many_who_are_as_varied_and_keep_other_hours_do_not_join(world: World) -> None:
    """Half a topic's forms are a ring's own; forty strangers fill five of them each, a few by chance at its hours."""
    topic = [[0, 2, 4, 6, 8]] * 40
    assert joins(world, *topic, hours=[9, 13, 17, 20] * 10) == []
    assert joins(world, *topic, hours=[0] * 4 + [9, 13, 17, 20] * 9) == []
    often = list(range(12))
    assert joins(world, often, *topic, hours=[0] + [9, 13, 17, 20] * 10) == [30]


def test_a_habit_in_common_is_no_part_in_a_ring(world: World) -> None:
    """One of the ring's many forms, again and again; and forms that hundreds of strangers use."""
    assert joins(world, [3] * 8) == []
    fond = [[0, 2, 4, 6, 8]] * 300
    assert joins(world, *fond) == []


def test_an_account_of_much_other_business_does_not_join_for_little(world: World) -> None:
    rows = filled(*MANY, [0, 2, 4, 6])
    busy = World(**{**vars(world), "volume": world.volume.copy()})
    busy.volume[30] = 2_000
    assert late(rows, np.arange(30, dtype=np.int32), np.zeros(world.size, bool), busy).tolist() == []


def test_whoever_another_ring_holds_stays_there(world: World) -> None:
    taken = np.zeros(world.size, bool)
    taken[30] = True
    rows = filled(*MANY, [0, 2, 4, 6, 8])
    assert late(rows, np.arange(30, dtype=np.int32), taken, world).tolist() == []


def test_hours_of_its_own_keep_an_account_out(world: World) -> None:
    """The ring works in the first hours of each day; the forms alone would do."""
    ring = [list(range(12))] * 30
    rows = filled(*ring, list(range(12)), list(range(12)), hours=[0] * 30 + [0, 12])
    found = standing(rows, np.arange(30, dtype=np.int32), world)
    assert found.hours[30] > 0 > found.hours[31]
    assert found.nats[30] == pytest.approx(found.nats[31])
    assert late(rows, np.arange(30, dtype=np.int32), np.zeros(world.size, bool), world).tolist() == [30]


def test_an_accounts_own_use_says_nothing_for_it(world: World) -> None:
    """A form that it alone fills is worth less than one that all other members fill."""
    found = standing(filled(*[[0, 1]] * 10, [7, 8, 9]), np.arange(11, dtype=np.int32), world)
    assert found.nats[10] < 0.2 * found.nats[0]


def test_what_members_in_general_fill_is_what_is_usual(world: World) -> None:
    found = standing(filled(*MANY), np.arange(30, dtype=np.int32), world)
    assert np.median(found.nats / found.usual) == pytest.approx(1.0, abs=0.25)


def test_who_filled_nothing_stands_at_nothing(world: World) -> None:
    found = standing(filled(*MANY), np.arange(30, dtype=np.int32), world).at(np.array([3, 500, 999]))
    assert found.account.tolist() == [3, 500, 999]
    assert found.times.tolist()[1:] == [0, 0]
    assert not np.any(found.nats[1:])
    assert not np.any(found.hours[1:])


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(30)), st.integers(1, 5))
def test_the_order_of_rows_and_how_they_are_dealt_change_nothing(order: list[int], parts: int) -> None:
    made = dealt_log(1, size=30, each=6)
    world = made.world(range(12))
    whole = folded(Filling(), world, [made.batch(world)])
    rows = np.repeat(np.array(order) * 6, 6) + np.tile(np.arange(6), 30)
    dealt = folded(Filling(), world, [made.batch(world, part) for part in np.array_split(rows, parts)])
    for name in ("account", "at_us", "key", "ring"):
        assert np.array_equal(getattr(whole, name), getattr(dealt, name))
    assert set(whole.account.tolist()) == set(range(12))


def test_the_bar_rises_with_the_number_of_others() -> None:
    assert bar(10, 1_000) == pytest.approx(np.log(19 * 100))
    assert bar(100, 1_000) < bar(10, 1_000) < bar(10, 100_000)
