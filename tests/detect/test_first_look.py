"""Of many proposed groups those are tested that a first look says most of, and no more than were asked for."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from detect.worlds import DAY, HOUR, Made, log
from headwater.detect import DetectSettings, passes
from headwater.detect.evidence.between import infrastructure, queue
from headwater.detect.first_look import SEEN, SHARE, SHOWS, likeliest, pieced, too_many
from headwater.detect.fold import Fold, Links, Ring, World
from headwater.detect.rings import Graph, graph
from headwater.exchange import SKETCH

SIZE, GROUP, DAYS = 60, 12, 8
#: A dozen accounts that are dealt one queue's prompts; all others have a subject each.
DEALT = range(24, 36)


def made(cards: bool = False) -> Made:
    rng = np.random.default_rng(3)
    account = np.repeat(np.arange(SIZE), 2 * DAYS)
    at = np.tile(np.repeat(np.arange(DAYS), 2) * DAY, SIZE) + rng.integers(0, 20, len(account)) * HOUR
    subject = rng.normal(size=(SIZE, SKETCH)) * 0.6
    own = np.where(np.isin(account, DEALT), 0.0, 1.0)
    vector = subject[account] * own[:, None] + rng.normal(size=(len(account), SKETCH)) * 0.8
    payment = [f"card-{c}" if c not in DEALT else f"card-{24 + c % 2}" for c in range(SIZE)]
    return log(account, at, vector=vector, known={"payment": payment} if cards else None)


def groups(*sizes: int) -> tuple[Ring, ...]:
    """Neighbours by their codes, so many at a time."""
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    return tuple(Ring(np.arange(a, b, dtype=np.int32), (), 1.0) for a, b in pairwise(bounds))


def untied() -> Graph:
    return graph([], np.full(SIZE, -1, np.int32))


def nobody() -> np.ndarray:
    return np.zeros(SIZE, bool)


def unread(folds: Any, few: World) -> list[Any]:
    raise AssertionError("rows were read")


def looked(log: Made, proposed: tuple[Ring, ...], evidence: tuple[Fold, ...], **changes: Any) -> list[int]:
    """The first accounts of the groups that are chosen."""
    world = log.world()
    seen: list[int] = []

    def fold(folds: Any, few: World) -> list[Any]:
        seen.extend(len(ring.members) for ring in few.rings)
        states = [each.update(each.init(few), passes.of(log.indexed(), few)) for each in folds]
        return [each.finish(state, few) for each, state in zip(folds, states, strict=True)]

    settings = replace(DetectSettings(), **changes)
    chosen = likeliest(proposed, untied(), nobody(), evidence, world, settings, fold)
    assert all(
        size <= max(SEEN, SHARE * len(ring.members)) for size, ring in zip(seen, proposed, strict=False)
    )
    return [int(ring.members[0]) for ring in chosen]


def test_one_queue_shows_in_a_few_accounts() -> None:
    proposed = groups(*[GROUP] * (SIZE // GROUP))
    assert looked(made(), proposed, (queue.test,), most_rings=1) == [DEALT[0]]
    assert looked(made(), proposed, (queue.test,), most_rings=3)[:2].count(DEALT[0]) <= 1
    assert DEALT[0] in looked(made(), proposed, (queue.test,), most_rings=3)


def test_what_stands_in_a_table_counts_without_a_look_at_any_row() -> None:
    log = made(cards=True)
    world = log.world()
    infrastructure.links.finish(infrastructure.links.init(world), world)
    proposed = groups(*[GROUP] * (SIZE // GROUP))
    settings = replace(DetectSettings(), most_rings=1)
    chosen = likeliest(proposed, untied(), nobody(), (infrastructure.test,), world, settings, unread)
    assert chosen == (proposed[DEALT[0] // GROUP],)


def test_the_order_of_groups_stays_and_none_comes_twice() -> None:
    proposed = groups(20, 20, 10, 5, 5)
    assert looked(made(), proposed, (queue.test,)) == [0, 20, 40, 50, 55]


def test_exchanges_bound_what_is_tested_but_never_the_first_group() -> None:
    proposed = groups(*[GROUP] * (SIZE // GROUP))
    one = GROUP * 2 * DAYS
    assert looked(made(), proposed, (queue.test,), most_exchanges=1) == [DEALT[0]]
    assert looked(made(), proposed, (queue.test,), most_exchanges=one) == [DEALT[0]]
    assert len(looked(made(), proposed, (queue.test,), most_exchanges=one + 1)) == 2


def test_of_equal_groups_the_larger_one_is_worth_more() -> None:
    assert looked(made(), groups(10, 40, 10), (), most_rings=1) == [10]


def test_a_first_look_is_taken_only_where_some_must_go_without_a_test() -> None:
    world, proposed = made().world(), groups(30, 30)
    rows = SIZE * 2 * DAYS
    assert not too_many(proposed, world, replace(DetectSettings(), most_rings=2, most_exchanges=rows))
    assert too_many(proposed, world, replace(DetectSettings(), most_rings=1))
    assert too_many(proposed, world, replace(DetectSettings(), most_exchanges=rows - 1))


def tied(*pairs: tuple[int, int, float]) -> Graph:
    a, b, weight = (np.array(column) for column in zip(*pairs, strict=True))
    links = Links("infrastructure", a.astype(np.int32), b.astype(np.int32), weight.astype(np.float64))
    return graph([links], np.full(SIZE, -1, np.int32))


def parts(ties: Graph, odds: list[float], whole: np.ndarray | None = None) -> list[tuple[int, float]]:
    """(accounts, log odds) of each group that ten groups of six accounts come to."""
    nowhere = np.zeros(SIZE, bool) if whole is None else whole
    found, nats = pieced(groups(*[6] * 10), np.array(odds), ties, nowhere)
    assert sorted(m for ring in found for m in ring.members.tolist()) == list(range(SIZE))
    return [(len(ring.members), float(x)) for ring, x in zip(found, nats, strict=True)]


SHOWN = [SHOWS + at for at in range(3)] + [SHOWS - 1.0] * 7


def test_pieces_that_show_something_and_are_tied_to_each_other_are_one_group() -> None:
    ties = tied((0, 6, 2.0), (7, 12, 2.0), (13, 20, 1.0))
    assert parts(ties, SHOWN)[0] == (18, SHOWS + 2)
    assert len(parts(ties, SHOWN)) == 8


def test_groups_that_show_nothing_stay_as_they_are() -> None:
    assert len(parts(tied((0, 6, 2.0), (7, 12, 2.0)), [SHOWS - 0.1] * 10)) == 10


def test_a_group_most_of_whose_ties_go_elsewhere_is_no_piece() -> None:
    ties = tied((0, 6, 2.0), (1, 30, 1.5), (2, 40, 1.5), (8, 12, 9.0))
    assert [size for size, _ in parts(ties, SHOWN)] == [12, *[6] * 8]


def test_what_was_proposed_whole_is_no_piece_but_a_tie_to_it_counts() -> None:
    whole = np.arange(SIZE) < 6
    ties = tied((0, 6, 9.0), (7, 12, 1.0), (13, 20, 0.5))
    assert [size for size, _ in parts(ties, SHOWN, whole)] == [12, *[6] * 8]
