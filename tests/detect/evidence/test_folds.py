"""What holds for every kind of evidence: any split and order of rows gives one answer, missing columns rule it out."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.worlds import DAY, HOUR, Made, dealt_log, folded, log
from headwater.detect.fold import Finding, Fold, Links, World, load, missing, usable
from headwater.detect.sight import coverage

EVIDENCE = load()
NAMES = [f"{e.card.name}-{e.stage}" for e in EVIDENCE]


@cache
def busy() -> tuple[Made, World]:
    """A log and a world on which every kind of evidence has something to say about the first ring."""
    rng = np.random.default_rng(5)
    size, each = 50, 60
    account = np.repeat(np.arange(size), each)
    at_us = rng.integers(0, 14 * DAY, len(account))
    member = account < 12
    at_us = np.where(member & (at_us // DAY == 4), at_us + 5 * DAY, at_us)
    later = at_us > 8 * DAY + rng.integers(0, HOUR, size)[account]
    topic = rng.normal(size=(size, 128)) * 0.5
    topic[:12] = topic[0]
    made = log(
        account,
        at_us,
        vector=rng.normal(size=(len(account), 128)) * 0.8 + topic[account],
        form=np.where(member, 5, 0),
        intents=np.where(member, 1, 0),
        model=np.where(member & later, 1, 0),
        ip=[f"10.0.0.{a // 2}" if a < 12 else None for a in account.tolist()],
        known={"payment": [f"card {a // 3}" if a < 12 else None for a in range(size)]},
    )
    return made, made.world(range(12), range(20, 32))


def comparable(outcome: Any) -> Any:
    """Links and findings as values that `==` compares exactly."""
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
    outcome = whole(at)
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
    assert not (len(outcome.a) if isinstance(outcome, Links) else outcome)


@pytest.mark.parametrize("evidence", [e for e in EVIDENCE if e.stage == "confirm"], ids=lambda e: e.card.name)
def test_a_finding_says_a_sentence_and_finite_figures(evidence: Fold) -> None:
    made, world = busy()
    for finding in folded(evidence, world, [made.batch(world)]).values():
        assert isinstance(finding, Finding)
        assert finding.sentence.endswith(".")
        assert np.isfinite([finding.raw, *finding.figures.values()]).all()
        assert finding.p_value is None or 0 < finding.p_value <= 1
