"""A test by answers that may stop at any time: never shown without a part more often than its level says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from headwater.errors import UnreadableInput, UsageError
from headwater.mark import MarkKey, Verdict, scheme
from headwater.mark.student import (
    Answer,
    Reader,
    Rule,
    Sequential,
    answer_line,
    answers_of,
    listen,
    prompts_digest,
    prompts_of,
)
from headwater.mark.tokenizer import Bytes, Ids

GUMBEL = scheme("headwater-gumbel", {"width": 2})
TILT = scheme("headwater-tilt", {"width": 1})


def said(key: MarkKey | None, count: int, seed: int, *, often: float = 0.3) -> np.ndarray:
    """An answer whose tokens are, so often, those that the key takes."""
    random = np.random.default_rng(seed)
    tokens = list(random.integers(0, 300, 2))
    while len(tokens) < count:
        logits = random.normal(size=300)
        if key is not None and random.random() < often:
            tokens.append(GUMBEL.choose(key, tokens, logits))  # type: ignore[attr-defined]
        else:
            chance = np.exp(logits)
            tokens.append(int(random.choice(300, p=chance / chance.sum())))
    return np.array(tokens)


@pytest.mark.parametrize("made", [GUMBEL, TILT], ids=["gumbel", "tilt"])
def test_wealth_reaches_1_over_alpha_no_more_often_than_alpha(made) -> None:
    random = np.random.default_rng(11)
    runs, reached = 800, {0.2: 0, 0.05: 0, 0.01: 0}
    for _ in range(runs):
        test = Sequential(made, made.random_key(random))
        for _ in range(6):
            test.read(random.integers(0, 40, 60))
        for level in reached:
            reached[level] += test.log_p() <= math.log(level)
    for level, count in reached.items():
        # Ville's bound, and five standard deviations of a count.
        assert count <= runs * level + 5 * math.sqrt(runs * level)
    assert reached[0.2] > 0


def test_evidence_grows_where_the_key_had_a_part_and_repetition_adds_nothing() -> None:
    key = GUMBEL.random_key(np.random.default_rng(1))
    test = Sequential(GUMBEL, key)
    for seed in range(6):
        test.read(said(key, 150, seed))
    once = test.wealth()
    assert once.log_p < math.log(1e-6)
    assert once.log_p_exact <= once.log_p
    for seed in range(6):
        test.read(said(key, 150, seed))
    assert test.wealth() == once


def test_asking_stops_at_the_evidence_and_asks_for_nothing_more() -> None:
    key = GUMBEL.random_key(np.random.default_rng(1))
    asked = []

    def answers():
        for seed in range(50):
            asked.append(seed)
            yield Answer("", " ".join(map(str, said(key, 150, seed))))

    other = Reader("other", GUMBEL, GUMBEL.random_key(np.random.default_rng(2)), Ids())
    found = listen([Reader("ours", GUMBEL, key, Ids()), other], answers(), Rule(1e-6, 2, 50, 10**6))
    assert found.stopped == "evidence"
    assert found.queries == len(asked) < 20
    assert [each.name for each in found.found] == ["ours"]
    assert found.heard[0].log_adjusted == pytest.approx(found.heard[0].wealth.log_p + math.log(2))
    assert found.heard[1].verdict is Verdict.NOT_ENOUGH


@pytest.mark.parametrize(
    ("queries", "tokens", "why"), [(3, 10**6, "queries spent"), (50, 300, "tokens spent")]
)
def test_the_budget_ends_it(queries: int, tokens: int, why: str) -> None:
    answers = (Answer("", " ".join(map(str, said(None, 150, seed))), 150) for seed in range(50))
    key = GUMBEL.random_key(np.random.default_rng(1))
    found = listen([Reader("ours", GUMBEL, key, Ids())], answers, Rule(1e-6, 1, queries, tokens))
    assert (found.stopped, found.verdict) == (why, Verdict.NOT_ENOUGH)
    assert found.queries <= 3


def test_an_answer_that_cannot_be_read_is_counted_and_the_others_are_read() -> None:
    key = GUMBEL.random_key(np.random.default_rng(1))
    answers = [Answer("", "no ids"), Answer("", " ".join(map(str, said(None, 150, 1))))]
    found = listen([Reader("ours", GUMBEL, key, Ids())], answers, Rule(1e-6, 1, 9, 10**6))
    assert (found.unread, found.queries, found.stopped) == (1, 2, "no more answers")
    assert found.heard[0].wealth.units > 100


def test_the_prompt_is_context_and_no_evidence() -> None:
    key = GUMBEL.random_key(np.random.default_rng(1))
    text = said(key, 200, 1, often=1.0)
    test = Sequential(GUMBEL, key)
    test.read(text, prompt=198)
    # The first token's context stands in the prompt.
    assert test.wealth().units == 1


@pytest.mark.parametrize("every", [1000, 7, 3], ids=["as it is", "long lines", "short lines"])
@pytest.mark.parametrize("made", [GUMBEL, TILT], ids=["gumbel", "tilt"])
def test_a_model_that_repeats_its_prompt_shows_nothing(made, every: int) -> None:
    """Also where it was asked to mend the line ends, so that contexts of the answer don't stand in the prompt."""
    key = made.random_key(np.random.default_rng(1))
    test, plain = Sequential(made, key), Sequential(made, key)
    for seed in range(6):
        random = np.random.default_rng(seed)
        text = list(map(int, random.integers(0, 300, 2)))
        while len(text) < 120:
            logits = random.normal(size=300)
            chosen = (
                made.choose(key, text, logits) if made is GUMBEL else made.choose(key, text, logits, random)
            )
            text.append(int(chosen))
        prompt = [
            one for at, token in enumerate(text) for one in ((300, token) if at % every == 0 else (token,))
        ]
        test.read(np.array([*prompt, 301, *text]), prompt=len(prompt) + 1)
        plain.read(np.array(text))
    assert plain.log_p() < math.log(1e-6)
    assert test.wealth().units == 0


def test_contexts_of_any_prompt_count_in_no_answer() -> None:
    key = GUMBEL.random_key(np.random.default_rng(1))
    text = said(key, 200, 1, often=1.0)
    test = Sequential(GUMBEL, key)
    test.asked(text)
    test.read(text)
    assert test.wealth().units == 0


def test_a_prompt_that_carries_the_mark_is_refused_before_anything_is_asked() -> None:
    key = GUMBEL.random_key(np.random.default_rng(1))
    prompts = [" ".join(map(str, said(one, 200, 1, often=1.0))) for one in (None, key)]

    def answers():
        raise AssertionError("asked")
        yield

    readers = [Reader("ours", GUMBEL, key, Ids())]
    with pytest.raises(UsageError, match="the prompt carries the mark ours") as error:
        listen(readers, answers(), Rule(1e-6, 1, 9, 10**6), prompts=prompts)
    assert error.value.where.row == 2
    with pytest.raises(UsageError, match="the prompt carries the mark ours"):
        listen(readers, [Answer(prompts[1], "1 2 3")], Rule(1e-6, 1, 9, 10**6))
    assert listen(readers, [Answer(prompts[0], "1 2 3")], Rule(1e-6, 1, 9, 10**6)).queries == 1


def test_rules_that_cannot_be_are_refused() -> None:
    key = GUMBEL.random_key(np.random.default_rng(1))
    with pytest.raises(UsageError, match="budget"):
        Rule(1e-6, 1, 0, 10)
    readers = [Reader(name, GUMBEL, key, Bytes()) for name in "ab"]
    with pytest.raises(UsageError, match="fewer keys"):
        listen(readers, [], Rule(1e-6, 1, 5, 5))
    with pytest.raises(UsageError, match="no key"):
        listen([], [], Rule(1e-6, 1, 5, 5))


def test_answers_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    every = [Answer("a\nb", "ünter “x”", 7), Answer("c", "", 0)]
    path.write_text("".join(map(answer_line, every)), encoding="utf-8")
    assert answers_of(path) == every
    path.write_text('"what is it?"\n{"prompt": "and this?"}\n')
    assert prompts_of(path) == ["what is it?", "and this?"]
    assert prompts_digest(["a", "b"]) != prompts_digest(["ab"])


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"prompt": "a"}', "not a text"),
        ('{"prompt": "a", "answer": "b", "tokens": -1}', "not a number of tokens"),
        ('{"prompt": "a", "answer"', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('"a"', "not a JSON object"),
    ],
)
def test_broken_answers_are_named_by_their_row(line: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"prompt": "a", "answer": "b"}\n' + line + "\n")
    with pytest.raises(UnreadableInput, match=what) as error:
        answers_of(path)
    assert error.value.where.row == 2
