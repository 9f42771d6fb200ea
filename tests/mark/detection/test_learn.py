"""Detectors learned from own texts: exact for what they weren't learned from, and refused to who has no marked text."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headwater.errors import UsageError
from headwater.mark import Mark, MarkKey, Verdict, detect, learned
from headwater.mark.proxy import counted
from headwater.mark.tokenizer import Ids
from mark.detection.toy import Toy

VOCABULARY = 4000
BOILERPLATE = 150
RANDOM = np.random.default_rng(11)
#: Stands in every text, and no key had a part in it.
SHARED = RANDOM.integers(0, VOCABULARY, BOILERPLATE)


def marks(key: MarkKey) -> Mark:
    return Mark(key.name, Toy(), key, (Ids(),))  # type: ignore[arg-type]


def text(tokens: np.ndarray) -> str:
    return " ".join(map(str, tokens))


def served(key: MarkKey, random: np.random.Generator, count: int = 40, size: int = 60) -> list[str]:
    """Texts with the boilerplate, then tokens that are each the better of two under the key."""
    toy = Toy()
    rows = np.column_stack([np.tile(SHARED, (count, 1)), random.integers(0, VOCABULARY, (count, 2))])
    for _ in range(size):
        offered = random.integers(0, VOCABULARY, (count, 2))
        drawn = [toy.drawn(key, rows[:, -2:], offered[:, at]) for at in (0, 1)]
        rows = np.column_stack([rows, np.where(drawn[0] > drawn[1], offered[:, 0], offered[:, 1])])
    return [text(row) for row in rows]


def plain_texts(random: np.random.Generator, count: int, size: int) -> list[str]:
    return [text(random.integers(0, VOCABULARY, size)) for _ in range(count)]


@pytest.mark.parametrize("with_proxy", [False, True])
def test_what_the_texts_share_with_others_accuses_nobody(with_proxy: bool) -> None:
    """The boilerplate's values are in the tables fitted to them; new unmarked texts with it must show nothing."""
    proxy = counted([SHARED], VOCABULARY, order=2) if with_proxy else None
    low = []
    for number in range(10):
        random = np.random.default_rng(number)
        key = MarkKey("k", (1000 + number,))
        evidence = learned(marks(key), served(key, random), proxy=proxy).evidence
        for _ in range(6):
            given = text(np.append(SHARED, random.integers(0, VOCABULARY, 60)))
            found = detect(given, [marks(key)], evidence_of=lambda _, one=evidence: one)
            assert found.readings[0].units <= 62
            low.append(found.readings[0].whole)
    # Of 60 fair p-values 3 are expected below 1/20, and 12 or more once in 40,000.
    assert sum(each <= math.log(0.05) for each in low) < 12
    assert sum(each <= math.log(0.001) for each in low) < 3


def test_it_finds_marks_in_texts_that_it_was_not_learned_from() -> None:
    key, random = MarkKey("k", (5,)), np.random.default_rng(5)
    made = learned(marks(key), served(key, random, 60))
    assert made.units < 60 * 62 + BOILERPLATE
    assert made.gain > 1.1
    new = served(key, random, 1, 400)[0]
    found = detect(new, [marks(key)], evidence_of=lambda _: made.evidence)
    assert found.verdict is Verdict.MARKED
    other = detect(new, [marks(MarkKey("other", (6,)))], evidence_of=lambda _: made.evidence)
    assert other.verdict is not Verdict.MARKED


def test_a_text_that_it_was_learned_from_says_nothing() -> None:
    key, random = MarkKey("k", (7,)), np.random.default_rng(7)
    texts = served(key, random)
    evidence = learned(marks(key), texts).evidence
    found = detect(texts[3], [marks(key)], evidence_of=lambda _: evidence)
    assert (found.verdict, found.readings[0].units) == (Verdict.NOT_ENOUGH, 0)


@pytest.mark.parametrize("seed", range(6))
def test_texts_without_the_mark_teach_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    with pytest.raises(UsageError, match="don't show the mark"):
        learned(marks(MarkKey("k", (seed,))), plain_texts(random, 40, 100))


def test_a_text_that_is_named_twice_is_one_text() -> None:
    key, random = MarkKey("k", (8,)), np.random.default_rng(8)
    with pytest.raises(UsageError, match="too few"):
        learned(marks(key), served(key, random, 20) * 3)
    long = served(key, random, 1, 2500)
    with pytest.raises(UsageError, match="nearly all the same"):
        learned(marks(key), long * 2)


@pytest.mark.parametrize("texts", [[], [""], ["5"], ["1 2 3", "4 5 6"]])
def test_too_little_is_told_so(texts: list[str]) -> None:
    with pytest.raises(UsageError):
        learned(marks(MarkKey("k", (9,))), texts)
