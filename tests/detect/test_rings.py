"""Ties become rings: dense groups are found whole, bridges between them are cut, order doesn't matter."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.detect.attribution import ring_by_account
from headwater.detect.fold import Links
from headwater.detect.objects import Counts, Sharing, committed, distinct, weave
from headwater.detect.rings import bridges, drawn, graph, member_ties, rings


def sharing(groups: list[list[int]]) -> Sharing:
    sizes = np.array([len(g) for g in groups])
    return Sharing(
        np.arange(len(groups), dtype=np.uint64),
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([np.array(g, np.int32) for g in groups]),
        sizes,
    )


def tied(groups: Sharing, weight: float = 3.0) -> Links:
    return weave("template", groups, np.arange(len(groups)), np.full(len(groups), weight))


def clique(groups: list[list[int]], weight: float = 3.0) -> Links:
    return tied(sharing(groups), weight)


STRANGERS = np.full(6000, -1, np.int32)


def test_accounts_of_one_organisation_are_one_customer() -> None:
    links = clique([list(range(12))])
    one = np.zeros(20, np.int32)
    assert rings(graph([links], one)) == ()
    each_its_own = np.arange(20, dtype=np.int32)
    assert len(rings(graph([links], each_its_own))) == 1


def test_two_rings_and_a_bridge() -> None:
    groups = sharing([list(range(12)), list(range(20, 50))])
    links = tied(groups)
    bridge = Links("infrastructure", np.array([3], np.int32), np.array([25], np.int32), np.array([2.0]))
    ties = graph([links, bridge], STRANGERS[:100])
    found = rings(ties, [groups])
    assert [r.members.tolist() for r in found] == [list(range(20, 50)), list(range(12))]
    ring_of = ring_by_account(found, 100)
    assert bridges(ties, ring_of, 0) == [(25, 3, 2.0)]
    total, kinds = member_ties(ties, found[1])
    assert (total > 0).all()
    assert kinds[0] == ("template",)
    assert drawn(ties, found[1], 5)[0][2] == 3.0


def test_a_group_of_thousands_hangs_together() -> None:
    group = sharing([list(range(5000))])
    links = tied(group)
    assert len(links.a) < 50_000
    found = rings(graph([links], STRANGERS), [group])
    assert len(found) == 1
    assert len(found[0].members) == 5000


def test_weak_ties_make_no_ring() -> None:
    assert rings(graph([clique([[1, 2, 3]], weight=0.2)], STRANGERS[:10])) == ()
    assert rings(graph([], STRANGERS[:10])) == ()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=200), st.randoms())
def test_counts_add_up_in_any_order_and_any_split(pairs: list[tuple[int, int]], random: object) -> None:
    def counted(rows: list[tuple[int, int]], cut: int) -> Counts:
        left, right = Counts(), Counts()
        for part, some in ((left, rows[:cut]), (right, rows[cut:])):
            part.add(np.array([p[0] for p in some], np.uint64), np.array([p[1] for p in some], np.int32))
        left.absorb(right)
        left.compact()
        return left

    one = counted(pairs, len(pairs) // 3)
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = counted(shuffled, len(pairs) // 2)
    assert one.objects.tolist() == other.objects.tolist()
    assert one.accounts.tolist() == other.accounts.tolist()
    assert one.times.sum() == len(pairs)
    volume = np.full(9, 10)
    shared = committed(one, volume, 2, 0.1)
    for at in range(len(shared)):
        users = {a for o, a in pairs if o == int(shared.objects[at])}
        assert set(shared.of(at).tolist()) == {
            a for a in users if pairs.count((int(shared.objects[at]), a)) >= 2
        }
        assert shared.touched[at] == len(users)


def test_objects_with_the_same_members_are_one_tie() -> None:
    members = np.array([1, 2, 3, 1, 2, 3, 1, 2, 4], np.int32)
    alike = Sharing(np.arange(3, dtype=np.uint64), np.array([0, 3, 6, 9]), members, np.array([3, 3, 3]))
    assert len(distinct(alike)) == 2


def test_a_form_that_the_whole_log_is_wrapped_in_hides_no_ring() -> None:
    # objects: a wrapper that 60 of 120 use, and two forms of 14 accounts each among them
    everybody, one, two = list(range(60)), list(range(14)), list(range(20, 34))
    groups = sharing([everybody, one, two])
    wrapped = Sharing(groups.objects, groups.start, groups.members, np.array([70, 14, 14]))
    links = [
        weave("template", wrapped, np.array([0]), np.array([1.8])),
        weave("content", wrapped, np.array([1, 2]), np.array([12.0, 12.0])),
    ]
    found = rings(graph(links, STRANGERS[:120]), [wrapped])
    assert {len(set(ring.members.tolist()) & set(form)) for ring in found for form in (one, two)} == {0, 14}
