"""Which exchanges are a ring's: what its members send by its templates, and nothing that everybody sends."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.worlds import dealt_log
from headwater.detect.attribution import RingObjects, filled, keys, ring_by_account, ring_objects
from headwater.detect.fold import NO_KEY, Ring
from headwater.detect.objects import LEAST_WORDS, PARTS, Counts, objects_of

VOLUME = np.full(100, 50)


def counts(uses: dict[int, dict[int, int]]) -> Counts:
    """Object → account → times."""
    made = Counts()
    for what, accounts in uses.items():
        for account, times in accounts.items():
            made.add(np.full(times, what << 32, np.uint64), np.full(times, account, np.int32))
    return made.shared()


def ring(*members: int) -> Ring:
    return Ring(np.array(members, np.int32), ("template",), 3.0)


def owned(uses: dict[int, dict[int, int]], *rings: Ring) -> dict[int, int]:
    found = ring_objects(counts(uses), rings, VOLUME)
    return dict(zip((found.objects >> 32).tolist(), found.ring.tolist(), strict=True))


def test_a_ring_owns_what_its_members_use_and_hardly_anybody_else() -> None:
    mine = dict.fromkeys(range(10), 10)
    assert owned({9: {**mine, 50: 1}}, ring(*range(10))) == {9: 0}


def test_a_greeting_belongs_to_nobody() -> None:
    assert owned({9: dict.fromkeys(range(100), 10)}, ring(*range(70))) == {}


def test_two_members_make_no_template() -> None:
    assert owned({9: {0: 10, 1: 10}}, ring(*range(10))) == {}


def test_each_ring_owns_its_own() -> None:
    uses = {9: dict.fromkeys(range(10), 10), 8: dict.fromkeys(range(20, 30), 10)}
    assert owned(uses, ring(*range(10)), ring(*range(20, 30))) == {9: 0, 8: 1}


def test_no_rings_and_no_objects_own_nothing() -> None:
    assert owned({9: {0: 1, 1: 1}}) == {}
    assert not len(ring_objects(Counts(), [ring(0, 1, 2)], VOLUME).objects)


USES = st.dictionaries(
    st.integers(1, 30),
    st.dictionaries(st.integers(0, 39), st.integers(1, 12), min_size=2, max_size=30),
    max_size=12,
)


@settings(max_examples=60)
@given(USES, st.sets(st.integers(0, 39)))
def test_who_stands_aside_is_counted_as_if_it_had_sent_nothing(
    uses: dict[int, dict[int, int]], aside: set[int]
) -> None:
    """Its uses speak neither for a ring, be it its own or another's, nor against one."""
    rings = (ring(*range(12)), ring(*range(20, 31)))
    out = np.zeros(len(VOLUME), bool)
    out[list(aside)] = True
    made = counts(uses)
    keep = ~out[made.accounts]
    without = Counts(made.objects[keep], made.accounts[keep], made.times[keep])
    found, wanted = ring_objects(made, rings, VOLUME, out), ring_objects(without, rings, VOLUME)
    assert found.objects.tolist() == wanted.objects.tolist()
    assert found.ring.tolist() == wanted.ring.tolist()
    assert found.nats.tolist() == wanted.nats.tolist()


@settings(max_examples=60)
@given(USES, st.integers(2, 9))
def test_no_number_of_threads_changes_what_a_ring_owns(uses: dict[int, dict[int, int]], workers: int) -> None:
    rings, made = (ring(*range(12)), ring(*range(20, 31))), counts(uses)
    found, wanted = ring_objects(made, rings, VOLUME, workers=workers), ring_objects(made, rings, VOLUME)
    assert found.objects.tolist() == wanted.objects.tolist()
    assert found.ring.tolist() == wanted.ring.tolist()
    assert found.nats.tolist() == wanted.nats.tolist()


@settings(max_examples=50)
@given(st.lists(st.integers(0, 2**64 - 2), unique=True), st.lists(st.integers(0, 2**64 - 2)))
def test_owners_are_looked_up_exactly(objects: list[int], asked: list[int]) -> None:
    known = np.sort(np.array(objects, np.uint64))
    table = RingObjects(known, np.arange(len(known), dtype=np.int32), np.ones(len(known)))
    place = {int(o): at for at, o in enumerate(known)}
    values = np.array([*asked, *objects], np.uint64)
    assert table.owner(values).tolist() == [place.get(int(v), -1) for v in values]


class Texts:
    """A batch of which only imprints and rings are asked."""

    def __init__(self, rng: np.random.Generator, pool: np.ndarray, rows: int) -> None:
        self.ring = rng.integers(-1, 4, rows).astype(np.int32)
        self.held = {part: rng.choice(pool, rows) for part in PARTS}
        self.held["imprint.words"] = rng.integers(0, 2 * LEAST_WORDS, rows).astype(np.uint16)
        self.held["imprint.minimisers"] = rng.choice(pool, (rows, 8))

    def column(self, name: str) -> np.ndarray:
        return self.held[name]

    def __len__(self) -> int:
        return len(self.ring)


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.sampled_from([0, 20, 25]), st.integers(0, 60))
def test_the_first_object_that_a_ring_owns_decides(seed: int, bits: int, rows: int) -> None:
    """Whatever ring it is, or the account's own: one object of a row after another, as a few lines of Python do."""
    rng = np.random.default_rng(seed)
    pool = rng.integers(0, 1 << 62, 60).astype(np.uint64) << np.uint64(2)
    pool[:3], pool[3:6] = 0, NO_KEY
    batch: Any = Texts(rng, pool, rows)
    owned = np.unique(rng.choice(pool, 20) >> np.uint64(bits) << np.uint64(bits))
    owned = owned[(owned > 0) & (owned < NO_KEY >> np.uint64(bits) << np.uint64(bits))]
    table = RingObjects(owned, rng.integers(0, 4, len(owned)).astype(np.int32), np.ones(len(owned)), bits)
    whose = dict(zip(owned.tolist(), table.ring.tolist(), strict=True))
    any_ring, any_key, own_key = [], [], []
    for row in range(rows):
        held = [int(values[row]) for values in objects_of(batch)]
        found = [(whose[v >> bits << bits], v) for v in held if v >> bits << bits in whose]
        mine = [v for ring_, v in found if ring_ == batch.ring[row]]
        first = found[0] if found else (-1, int(NO_KEY))
        any_ring.append(first[0])
        any_key.append(first[1])
        own_key.append(mine[0] if mine else int(NO_KEY))
    ring_, key = filled(table, batch)
    assert (ring_.tolist(), key.tolist()) == (any_ring, any_key)
    assert keys(table, batch).tolist() == own_key
    assert filled(RingObjects.none(), batch)[0].tolist() == [-1] * rows


def test_only_a_members_own_ring_attributes_its_exchanges() -> None:
    made = dealt_log(1)
    world = made.world(range(12))
    batch = made.batch(world)
    assert (batch.attributed == (batch.account < 12)).all()
    world.context["ring_of"][0] = -1
    assert not made.batch(world).attributed[batch.account == 0].any()


def test_ring_by_account() -> None:
    assert ring_by_account([ring(1, 2), ring(4)], 6).tolist() == [-1, 0, 0, -1, 1, -1]


def test_topics_of_a_ring_are_no_templates_of_its_own() -> None:
    """Of eleven accounts that used the words seven are the ring's: too few to call them its own."""
    uses = dict.fromkeys((*range(7), *range(20, 24)), 3)
    assert owned({9: uses}, ring(*range(10))) == {}
    assert owned({9: dict.fromkeys(range(7), 3)}, ring(*range(10))) == {9: 0}
