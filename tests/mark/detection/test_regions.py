"""Passages inside longer texts, and decoy keys: what is found, where, and what isn't believed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headwater.mark import MarkKey, Units, scheme
from headwater.mark.detection.decoys import decoys
from headwater.mark.detection.regions import best, regions
from headwater.mark.detection.scored import Scored, score
from headwater.mark.evidence import by_class_of_chances, standard
from mark.detection.toy import Language, Toy, engine_sum

LEVEL = math.log(1e-6)
TALK = Language(3.0)
SUM = engine_sum()


def scored(tokens: np.ndarray, scheme: Toy, number: int = 12345) -> Scored:
    return score(scheme, MarkKey("k", (number,)), scheme.units(tokens), SUM)


def mixed(seed: int, parts: list[tuple[int, bool]]) -> np.ndarray:
    """Runs of tokens, marked or not."""
    random = np.random.default_rng(seed)
    scheme, key = Toy(), MarkKey("k", (12345,))
    made = [TALK.text(size, random, *((scheme, key) if marked else ())) for size, marked in parts]
    return np.concatenate(made)


def test_a_marked_passage_is_found_where_it_stands() -> None:
    found = regions(scored(mixed(1, [(600, False), (200, True), (600, False)]), Toy()), LEVEL)
    assert len(found) == 1
    assert abs(found[0].begin - 600) < 40
    assert abs(found[0].end - 800) < 40
    assert found[0].adjusted <= LEVEL


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_edges_hold_where_classes_score_differently(seed: int) -> None:
    """Class 0 says most and is rare: what it scores without a mark isn't what the others do."""
    random = np.random.default_rng(seed)
    chances, shares = np.array([0.01, 0.05, 0.2, 0.5, 0.9]), [0.08, 0.12, 0.2, 0.25, 0.35]
    drawn = random.choice(5, 20_000, p=shares)
    scorer = by_class_of_chances(Toy.null, chances[drawn], drawn, 5)
    classes = random.choice(5, 900, p=shares)
    uniform = random.random(900)
    inside = slice(350, 550)
    uniform[inside] **= chances[classes[inside]]  # what a served token of this chance has
    values = np.minimum(uniform * Toy.null.size, Toy.null.size - 1).astype(np.uint32)
    place = np.arange(900)
    units = Units(place[:, None], place, place, np.ones(900, np.int64), 900)
    held = Scored(Toy(), scorer, units, scorer.scores(values[:, None], classes), classes)
    (found,) = regions(held, LEVEL)
    assert abs(found.begin - 350) < 25
    assert abs(found.end - 550) < 25


def test_two_passages_are_two_and_do_not_overlap() -> None:
    one, two = sorted(
        regions(
            scored(mixed(2, [(300, False), (200, True), (400, False), (200, True), (300, False)]), Toy()),
            LEVEL,
        ),
        key=lambda each: each.begin,
    )
    assert one.end <= two.begin
    assert abs(one.begin - 300) < 60
    assert abs(two.end - 1100) < 60


def test_no_text_without_the_mark_has_a_passage_more_often_than_the_level_says() -> None:
    text = mixed(3, [(700, False)])
    units = Toy().units(text)
    hits = 0
    for number in range(300):
        held = score(Toy(), MarkKey("k", (number,)), units, SUM)
        window, count = best(held)
        hits += window + math.log(count) <= math.log(0.05)
    assert hits <= 24  # 15 expected at most; more than 24 once in 100 runs


def test_a_short_text_has_no_windows() -> None:
    held = scored(mixed(4, [(30, True)]), Toy())
    assert best(held) == (0.0, 1)
    assert regions(held, LEVEL) == []


@pytest.mark.parametrize("size", [0, 1, 2])
def test_nothing_is_said_of_next_to_nothing(size: int) -> None:
    held = scored(np.arange(size, dtype=np.int64), Toy())
    assert held.log_p == 0.0
    assert regions(held, LEVEL) == []


def test_a_text_of_one_repeated_token_is_one_piece_of_evidence() -> None:
    units = Toy().units(np.zeros(10_000, np.int64))
    assert len(units) == 1
    assert scored(np.zeros(10_000, np.int64), Toy()).log_p > math.log(1e-6)


def test_decoys_agree_with_an_honest_function_and_are_the_same_each_time() -> None:
    held = scored(mixed(5, [(300, True)]), Toy())
    found = decoys(held, MarkKey("k", (12345,)))
    assert held.log_p < LEVEL
    assert found.agrees
    assert found.above == 0
    assert found.p_value == 1 / (1 + found.keys)
    assert found == decoys(held, MarkKey("k", (12345,)))


def test_a_function_in_which_the_key_has_no_part_is_not_believed() -> None:
    """Four values of the key make four functions: a quarter of all keys would be accused with the right one."""
    weak, key = Toy(weak=True), MarkKey("k", (4,))
    text = TALK.text(400, np.random.default_rng(6), weak, key)
    held = score(weak, key, weak.units(text), SUM)
    assert held.log_p < LEVEL
    found = decoys(held, key)
    assert not found.agrees
    assert found.why


def test_within_counts_each_unit_once() -> None:
    units = Toy().units(mixed(7, [(200, False)]))
    often = Units(units.context, units.token, units.position, np.full(len(units), 3), units.tokens)
    held = score(Toy(), MarkKey("k", (1,)), often, SUM)
    assert held.total == 3 * held.within(0, 10**6).total


def test_a_passage_of_green_tokens_is_found_too() -> None:
    """Their scores are 0 and 1: windows are bounded in what a score spreads, not in grains."""
    tilt, key = scheme("headwater-tilt", {"width": 1}), MarkKey("k", (1, 2))
    random = np.random.default_rng(8)
    tokens = random.integers(0, 50_000, 2000)
    for at in range(1000, 1080):
        while not tilt.values(key, tilt.units(tokens[at - 1 : at + 1]))[0, 0]:
            tokens[at] = random.integers(0, 50_000)
    held = score(tilt, key, tilt.units(tokens), standard(tilt))
    (found,) = regions(held, LEVEL)
    assert abs(found.begin - 1000) < 20
    assert abs(found.end - 1080) < 20
    assert found.log_p < -50
