"""What holds for every kind of evidence that is installed, and for all of them together."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.evidence import conformance
from headwater.detect.fold import Fold
from headwater.detect.installed import load
from headwater.detect.sight import coverage

EVIDENCE = load()
NAMES = [f"{e.card.name}-{e.stage}" for e in EVIDENCE]


@pytest.mark.parametrize("evidence", EVIDENCE, ids=NAMES)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**31), parts=st.integers(2, 6))
def test_any_split_and_any_order_give_the_same_answer(evidence: Fold, seed: int, parts: int) -> None:
    conformance.any_split_and_any_order_give_one_answer(evidence, seed, parts)


@pytest.mark.parametrize("evidence", EVIDENCE, ids=NAMES)
@pytest.mark.parametrize("check", conformance.EVERY[1:], ids=lambda check: check.__name__)
def test_it_holds_what_every_kind_must_hold(check: Callable[[Fold], None], evidence: Fold) -> None:
    check(evidence)


def test_what_is_ruled_out_stays_on_the_list() -> None:
    able = {c.evidence: c for c in coverage(EVIDENCE, frozenset())}
    assert not able["turns"].available
    assert able["turns"].missing == ("model",)
    assert able["pool"].available
    assert len(able) == len({e.card.name for e in EVIDENCE})


def test_no_two_files_give_one_name_to_different_cards() -> None:
    cards = {e.card.name: e.card for e in EVIDENCE}
    assert all(cards[e.card.name] is e.card for e in EVIDENCE)


def test_no_two_kinds_have_one_title() -> None:
    titles = {e.card.name: e.card.title for e in EVIDENCE}
    assert len(set(titles.values())) == len(titles)
