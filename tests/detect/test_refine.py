"""Who belongs to a ring: bystanders leave, missed users of its templates join one ring, others stay out."""

from __future__ import annotations

import numpy as np

from detect.worlds import DAY, FORM, Made, folded, log
from headwater.detect.evidence.content import template
from headwater.detect.fold import Links, Ring, World
from headwater.detect.objects import Sharing, weave
from headwater.detect.refine import owned_by, refine
from headwater.detect.rings import Graph, graph

SIZE, EACH = 60, 24


def forms(*users: range) -> Made:
    """A log in which each group of accounts fills a form of its own in every exchange."""
    rng = np.random.default_rng(3)
    account = np.repeat(np.arange(SIZE), EACH)
    at_us = np.sort(rng.integers(0, 14 * DAY, (SIZE, EACH)), axis=1).reshape(-1)
    form, turn = np.zeros(len(account), np.int64), rng.integers(0, 2, len(account))
    for at, group in enumerate(users):
        mine = np.isin(account, list(group)) & (rng.random(len(account)) < 0.8)
        form[mine & (form == 0)] = at + 5
        # An account in two groups fills both forms by turns.
        form[mine & (turn == at)] = at + 5
    return log(account, at_us, form=form)


def ties(*groups: range) -> Graph:
    sizes = np.array([len(g) for g in groups])
    members = np.concatenate([np.array(g, np.int32) for g in groups])
    sharing = Sharing(
        np.arange(len(groups), dtype=np.uint64), np.concatenate([[0], np.cumsum(sizes)]), members, sizes
    )
    links = weave("template", sharing, np.arange(len(groups)), np.full(len(groups), 3.0))
    return graph([links], np.full(SIZE, -1, np.int32))


def seen(made: Made) -> World:
    world = made.world()
    folded(template.links, world, [made.batch(world)])
    return world


def ring(members: range) -> Ring:
    return Ring(np.array(members, np.int32), ("template",), 3.0)


def test_a_bystander_leaves_and_a_missed_user_joins() -> None:
    world = seen(forms(range(14)))
    proposed = [ring(range(2, 16))]  # 14 and 15 don't fill the form; 0 and 1 do
    (refined,), owned = refine(proposed, ties(range(2, 16)), world, 5)
    assert refined.members.tolist() == list(range(14))
    assert owned.owner(np.array([5 * FORM], np.uint64)).tolist() == [0]
    assert owned.objects.tolist() == owned_by(world, [refined]).objects.tolist()


def test_a_ring_without_templates_stays_as_proposed() -> None:
    world = seen(forms())
    (refined,), owned = refine([ring(range(10))], ties(range(10)), world, 5)
    assert refined.members.tolist() == list(range(10))
    assert not len(owned.objects)


def test_a_weakly_tied_member_is_a_bystander() -> None:
    world = seen(forms())
    weak = Links("infrastructure", np.array([0], np.int32), np.array([30], np.int32), np.array([2.0]))
    tied = graph([*ties(range(12)).links, weak], np.full(SIZE, -1, np.int32))
    members = Ring(np.array([*range(12), 30], np.int32), ("template",), 3.0)
    (refined,), _ = refine([members], tied, world, 5)
    assert refined.members.tolist() == list(range(12))


def test_an_account_joins_one_ring_only() -> None:
    """Account 20 fills both rings' forms and was proposed for neither."""
    world = seen(forms([*range(10), 20], [*range(10, 20), 20]))
    refined, _ = refine([ring(range(10)), ring(range(10, 20))], ties(range(10), range(10, 20)), world, 5)
    assert sum(20 in r.members.tolist() for r in refined) == 1


def test_what_shrinks_below_the_fewest_is_dropped() -> None:
    world = seen(forms(range(8)))
    assert refine([ring(range(8))], ties(range(8)), world, 9)[0] == ()


def test_an_account_that_strangers_took_comes_back() -> None:
    """Cover ties it to a community that has no template, or another one, of its own."""
    world = seen(forms(range(14), range(30, 44)))
    groups = [range(12), range(30, 44), range(45, 55)]
    proposed = [ring(groups[0]), ring(groups[1]), ring(groups[2])]
    for taken_by in (1, 2):
        strangers = np.sort(np.append(proposed[taken_by].members, np.array([12, 13], np.int32)))
        rings = [
            Ring(strangers, r.proposed_by, 3.0) if at == taken_by else r for at, r in enumerate(proposed)
        ]
        refined, _ = refine(
            rings, ties(*[range(int(r.members[0]), int(r.members[-1]) + 1) for r in rings]), world, 5
        )
        assert refined[0].members.tolist() == list(range(14))
        assert refined[taken_by].members.tolist() == list(groups[taken_by])


def test_a_few_uses_are_no_reason_to_join() -> None:
    world = seen(forms(range(14)))
    counts = world.context["template_counts"]
    counts.times[:] = 9
    for uses, joins in ((4, False), (6, True)):
        counts.times[counts.accounts == 13] = uses
        (refined,), _ = refine([ring(range(13))], ties(range(13)), world, 5)
        assert (13 in refined.members) is joins
