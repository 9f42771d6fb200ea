"""Content in cells: what a ring has in common is told from its accounts' own business, each member by the others."""

from __future__ import annotations

import numpy as np
import pytest

from detect.worlds import DAY, Made, folded, log
from headwater.detect.attribution import RingObjects, ring_by_account
from headwater.detect.cells import (
    NAMED,
    Cells,
    Division,
    Excess,
    Placed,
    Placing,
    by_cell,
    by_ring,
    excess,
    mixture,
)
from headwater.detect.fold import CONFIRM, PROPOSE, Ring, World
from headwater.detect.shares import joined, learned, taking_part

SIZE, RING, EACH = 240, 40, 24
NO_TEMPLATE = RingObjects.none()


def mixed(cover: float, *, impostors: int = 0, seed: int = 3) -> tuple[Made, World, np.ndarray]:
    """Accounts with topics of their own, of which the first RING take `1 - cover` of their exchanges from one queue.

    The next `impostors` accounts are put into the ring without taking part. Returns which rows are the queue's.
    """
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(SIZE), EACH)
    at_us = np.sort(rng.integers(0, 14 * DAY, (SIZE, EACH)), axis=1).reshape(-1)
    topics = rng.normal(size=(60, 128))
    own = topics[rng.integers(20, 60, (SIZE, 3))][np.arange(SIZE)[account], rng.integers(0, 3, len(account))]
    queue = topics[rng.integers(0, 20, len(account))]
    ours = (account < RING) & (rng.random(len(account)) >= cover)
    vector = np.where(ours[:, None], queue, own) + rng.normal(size=(len(account), 128)) * 0.4
    made = log(account, at_us, vector=vector)
    world = made.world(range(RING + impostors))
    world.context["cells"] = folded(Division(), world, [made.batch(world)])
    return made, world, ours


def both(made: Made, world: World) -> tuple[Placed, Placed]:
    batch = [made.batch(world)]
    return folded(Placing(PROPOSE), world, batch), folded(Placing(CONFIRM, members_only=True), world, batch)


def known(made: Made, world: World) -> tuple[Excess, Placed, Placed]:
    first, second = both(made, world)
    cells: Cells = world.context["cells"]
    part = by_ring(first, world.context["ring_of"], 1)[0]
    return excess(world.rings[0], part, by_cell(first, cells.count, world), world), first, second


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_mixture_is_told_apart_as_its_share_allows(share: float) -> None:
    """Two normal laws three deviations apart: where hardly a row is the ring's, hardly one is attributed."""
    rng = np.random.default_rng(4)
    ours = rng.random(20_000) < share
    ratio = np.exp(3 * (rng.normal(size=len(ours)) + 3 * ours) - 4.5)
    chance = mixture(ratio)
    assert chance.mean() == pytest.approx(share, abs=0.02)
    assert ((chance > 0.5) != ours).mean() < 0.08
    assert chance[ours].mean() > chance[~ours].mean() + 0.4


def test_a_mixture_of_nothing_is_nothing() -> None:
    assert len(mixture(np.empty(0))) == 0
    assert mixture(np.zeros(5)).tolist() == [0.0] * 5


@pytest.mark.parametrize("cover", [0.0, 0.3, 0.6])
def test_exchanges_of_the_queue_are_told_from_cover(cover: float) -> None:
    made, world, ours = mixed(cover)
    found, _, _ = known(made, world)
    batch = made.batch(world)
    mine = batch.account < RING
    cell = world.context["cells"].of(batch.column("imprint.sketch")[mine]).astype(np.int64)
    chance = found.chance(batch.account[mine], cell)
    assert ((chance > 0.7) == ours[mine]).mean() > 0.85
    # Beside other topics' cells the share of their own business is seen, too.
    assert found.usual == pytest.approx(cover, abs=0.2)


def test_members_are_named_on_the_other_half_and_impostors_are_not() -> None:
    made, world, _ = mixed(0.4, impostors=12)
    first, second = both(made, world)
    world.context["excess"] = learned(world.rings, first, world)
    (found,) = taking_part(world, first, second).values()
    named = found.account[found.nats >= NAMED]
    assert np.isin(np.arange(RING), named).mean() > 0.95
    assert not np.isin(np.arange(RING, RING + 12), named).any()


def test_accounts_left_outside_join_and_strangers_do_not() -> None:
    made, world, _ = mixed(0.3)
    first, _ = both(made, world)
    part = (Ring(np.arange(RING - 10, dtype=np.int32), ("nearness",), 2.0),)
    (ring,) = joined(part, first, NO_TEMPLATE, world)
    assert np.isin(np.arange(RING - 10, RING), ring.members).mean() > 0.7
    assert (ring.members < RING).all()


def test_a_ring_with_templates_takes_nobody_in_by_content() -> None:
    made, world, _ = mixed(0.3)
    first, _ = both(made, world)
    part = (Ring(np.arange(RING - 10, dtype=np.int32), ("template",), 2.0),)
    owned = RingObjects(np.array([5], np.uint64), np.array([0], np.int32), np.ones(1))
    assert joined(part, first, owned, world)[0].members.tolist() == list(range(RING - 10))


def test_a_group_without_anything_in_common_names_nobody_by_content() -> None:
    made, world, _ = mixed(1.0)
    first, second = both(made, world)
    world.context["excess"] = learned(world.rings, first, world)
    assert taking_part(world, first, second) == {}


def test_a_members_own_topic_does_not_speak_for_it() -> None:
    """Alone in its topic it gains nothing, though the ring as a whole sends that topic more than others do."""
    made, world, _ = mixed(0.0, impostors=1)
    found, first, _ = known(made, world)
    nats, _ = found.gain(by_ring(first, ring_by_account(world.rings, world.size), 1)[0], world.size)
    assert nats[RING] < 1 < np.median(nats[:RING])


def test_any_split_of_rows_gives_the_same_cells_and_counts() -> None:
    made, world, _ = mixed(0.3)
    rows = np.random.default_rng(0).permutation(made.table.num_rows)
    parts = [made.batch(world, part) for part in np.array_split(rows, 3)]
    cells: Cells = folded(Division(), world, parts)
    assert np.array_equal(cells.map, world.context["cells"].map)
    again = folded(Placing(PROPOSE), world, parts)
    whole, _ = both(made, world)
    assert np.array_equal(again.times, whole.times)
    assert np.array_equal(again.cell, whole.cell)


def test_a_tiny_log_has_no_cells_and_nothing_breaks() -> None:
    made = log(np.array([0, 0, 1]), np.array([0, DAY, 2 * DAY]))
    world = made.world()
    world.context["cells"] = folded(Division(), world, [made.batch(world)])
    assert world.context["cells"] is None
    first, second = both(made, world)
    assert learned(world.rings, first, world) == {}
    assert taking_part(world, first, second) == {}
