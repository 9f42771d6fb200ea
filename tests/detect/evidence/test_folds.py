"""What holds for every kind of evidence: any split and order of rows gives one answer, missing columns rule it out."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.evidence.busy import RING, busy
from detect.worlds import dealt_log, folded
from headwater.detect.fold import Finding, Fold, Links, Reading, missing, usable
from headwater.detect.installed import load
from headwater.detect.sight import coverage

EVIDENCE = load()
NAMES = [f"{e.card.name}-{e.stage}" for e in EVIDENCE]


def comparable(outcome: Any) -> Any:
    """Links, readings and findings as values that `==` compares exactly."""
    if isinstance(outcome, Reading):
        return outcome.value.tobytes(), outcome.notable, outcome.phrase
    if isinstance(outcome, Links):
        return outcome.a.tolist(), outcome.b.tolist(), outcome.weight.tolist()
    return {at: (f.raw, f.p_value, dict(f.figures), f.sentence) for at, f in outcome.items()}


@cache
def whole(at: int) -> Any:
    made, world = busy()
    return comparable(folded(EVIDENCE[at], world, [made.batch(world)]))


@pytest.mark.parametrize("at", range(len(EVIDENCE)), ids=NAMES)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**31), parts=st.integers(2, 6))
def test_any_split_and_any_order_give_the_same_answer(at: int, seed: int, parts: int) -> None:
    made, world = busy()
    rows = np.random.default_rng(seed).permutation(made.table.num_rows)
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(rows), parts - 1))
    batches = [made.batch(world, part) for part in np.split(rows, cuts)]
    assert comparable(folded(EVIDENCE[at], world, batches)) == whole(at)


@pytest.mark.parametrize("at", range(len(EVIDENCE)), ids=NAMES)
def test_it_has_something_to_say_about_a_ring_with_every_trace(at: int) -> None:
    if EVIDENCE[at].stage == "trait":
        made, world = busy()
        reading = folded(EVIDENCE[at], world, [made.batch(world)])
        assert len(reading.value) == world.size
        assert (reading.value[:RING] >= reading.notable).any()
        return
    outcome = whole(at)
    if EVIDENCE[at].card.group == "customer":  # the second group under test is of innocents
        assert outcome[1][0] < 0
        return
    assert outcome[0] if EVIDENCE[at].stage == "propose" else outcome[0][0] != 0


@pytest.mark.parametrize("evidence", EVIDENCE, ids=NAMES)
def test_a_missing_column_rules_it_out(evidence: Fold) -> None:
    card = evidence.card
    every = frozenset({*card.needs, *card.any_of})
    assert usable([evidence], every) == (evidence,)
    for lost in card.needs:
        assert usable([evidence], every - {lost}) == ()
    if card.any_of:
        assert usable([evidence], every - set(card.any_of)) == ()
        assert missing(card, every - set(card.any_of))[-1] == " or ".join(card.any_of)
        assert usable([evidence], every - {card.any_of[0]}) == (evidence,)


def test_what_is_ruled_out_stays_on_the_list() -> None:
    able = {c.evidence: c for c in coverage(EVIDENCE, frozenset())}
    assert not able["turns"].available
    assert able["turns"].missing == ("model",)
    assert able["pool"].available
    assert len(able) == len({e.card.name for e in EVIDENCE})


def test_no_two_files_give_one_name_to_different_cards() -> None:
    cards = {e.card.name: e.card for e in EVIDENCE}
    assert all(cards[e.card.name] is e.card for e in EVIDENCE)


@pytest.mark.parametrize("evidence", EVIDENCE, ids=NAMES)
def test_an_empty_log_and_no_rings_are_no_error(evidence: Fold) -> None:
    made = dealt_log(1)
    world = made.world()
    outcome = folded(evidence, world, [made.batch(world, np.empty(0, np.int64))])
    if isinstance(outcome, Reading):
        assert not (np.nan_to_num(outcome.value, nan=-np.inf) >= outcome.notable).any()
        return
    assert not (len(outcome.a) if isinstance(outcome, Links) else outcome)


@pytest.mark.parametrize("evidence", [e for e in EVIDENCE if e.stage == "confirm"], ids=lambda e: e.card.name)
def test_a_finding_says_a_sentence_and_finite_figures(evidence: Fold) -> None:
    made, world = busy()
    for finding in folded(evidence, world, [made.batch(world)]).values():
        assert isinstance(finding, Finding)
        assert finding.sentence.endswith(".")
        assert np.isfinite([finding.raw, *finding.figures.values()]).all()
        assert finding.p_value is None or 0 < finding.p_value <= 1


def test_no_two_kinds_have_one_title() -> None:
    titles = {e.card.name: e.card.title for e in EVIDENCE}
    assert len(set(titles.values())) == len(titles)
