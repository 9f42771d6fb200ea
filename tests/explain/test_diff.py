"""Two findings compared: rings are matched by id, then by their accounts."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from explain.builders import campaign, findings, members
from headwater.detect import Campaign
from headwater.explain import compare


def ring(name: str, first: int, last: int, **more: object) -> Campaign:
    return campaign(
        name,
        3,
        **{"members": members(last, "acct")[first:], "links": (), "bridges": (), "timeline": (), **more},
    )


def test_each_kind_of_change_is_found() -> None:
    old = findings(
        campaigns=(
            ring("same", 0, 10),
            ring("grows", 20, 30),
            ring("shrinks", 40, 60),
            ring("goes", 70, 80),
            ring("turns", 200, 210),
        ),
        considered=(),
    )
    new = findings(
        campaigns=(
            ring("same", 0, 10),
            ring("grows", 20, 35),
            ring("shrinks", 40, 50),
            ring("comes", 90, 99),
            ring("turns", 202, 212),
        ),
        considered=(),
    )
    changes = compare(old, new)
    assert [(c.kind, (c.after or c.before).id) for c in changes.changes] == [  # type: ignore[union-attr]
        ("new", "comes"),
        ("gone", "goes"),
        ("grown", "grows"),
        ("shrunk", "shrinks"),
        ("changed", "turns"),
        ("same", "same"),
    ]
    grown = changes.of("grown")[0]
    assert grown.joined == tuple(f"acct-{i:05d}" for i in range(30, 35))
    assert grown.left == ()
    assert "10 → 15 accounts (5 joined, 0 left)" in grown.sentence
    assert changes.text().startswith("1 new, 1 gone, 1 grown, 1 shrunk, 1 changed, 1 same\n")


def test_a_ring_under_another_name_is_known_by_its_accounts() -> None:
    changes = compare(
        findings(campaigns=(ring("elm", 0, 10),), considered=()),
        findings(campaigns=(ring("oak", 0, 12),), considered=()),
    )
    assert [c.kind for c in changes.changes] == ["grown"]
    assert changes.changes[0].sentence.startswith("oak (was elm): ")


def test_a_ring_that_was_considered_is_not_new_when_it_is_reported() -> None:
    before = ring("elm", 0, 10, word="possible")
    old = findings(campaigns=(), considered=(before,))
    new = findings(campaigns=(dataclasses.replace(before, word="likely"),), considered=())
    change = compare(old, new).changes[0]
    assert change.kind == "changed"
    assert "possible → likely, now reported" in change.sentence
    back = compare(new, old).changes[0]
    assert "no longer reported" in back.sentence


def test_a_ring_that_is_declared_now_is_not_called_gone() -> None:
    known = ring("elm", 0, 10, word="unrelated", declared="red team: Ada")
    change = compare(
        findings(campaigns=(ring("elm", 0, 10),), considered=()), findings(campaigns=(), considered=(known,))
    ).changes[0]
    assert change.kind == "declared"
    assert "no longer reported, now declared (red team: Ada)" in change.sentence


def test_a_split_says_where_the_accounts_were() -> None:
    old = findings(campaigns=(ring("elm", 0, 100),), considered=())
    new = findings(campaigns=(ring("elm", 0, 60), ring("oak", 60, 100)), considered=())
    changes = compare(old, new)
    assert [c.kind for c in changes.changes] == ["new", "shrunk"]
    assert "40 of them were in elm" in changes.of("new")[0].sentence


def test_rings_that_neither_reports_are_left_out() -> None:
    quiet = findings(campaigns=(), considered=(ring("elm", 0, 10, word="possible"),))
    assert compare(quiet, quiet).changes == ()
    assert compare(quiet, quiet).text() == "no campaign in either\n"


spans = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=5)


@settings(max_examples=60)
@given(spans, spans)
def test_every_reported_ring_is_told_once_and_turning_the_two_round_mirrors_it(
    one: list[tuple[int, int]], two: list[tuple[int, int]]
) -> None:
    old = findings(campaigns=tuple(ring(f"o{i}", a, a + n) for i, (a, n) in enumerate(one)), considered=())
    new = findings(campaigns=tuple(ring(f"n{i}", a, a + n) for i, (a, n) in enumerate(two)), considered=())
    there, back = compare(old, new), compare(new, old)
    assert sorted(c.before.id for c in there.changes if c.before) == sorted(c.id for c in old.campaigns)
    assert sorted(c.after.id for c in there.changes if c.after) == sorted(c.id for c in new.campaigns)
    assert len(there.of("new")) == len(back.of("gone"))
    assert len(there.changes) == len(back.changes)
