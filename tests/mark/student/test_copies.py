"""Served logs in which users ask for a clean copy of marked text: a model that copies well is no student."""

from __future__ import annotations

import numpy as np
import pytest

from headwater.mark import MarkKey, Scheme, scheme
from headwater.mark.student import Differences, coefficients, joined, sparse
from headwater.mark.student.copies import copied, without_copies

VOCABULARY, LINE_END = 256, 255
GUMBEL = scheme("headwater-gumbel", {"width": 2})


def pasted(made: Scheme, key: MarkKey, random: np.random.Generator, *, likely: int) -> tuple[list[int], ...]:
    """A marked answer (each token one of `likely`), as a user pastes it (a line end each third token), and the
    tokens that were likely at each place."""
    answer, choices = list(map(int, random.integers(0, LINE_END, made.width))), []
    for _ in range(80):
        some = random.choice(LINE_END, likely, replace=False)
        logits = np.full(VOCABULARY, -50.0)
        logits[some] = 0
        answer.append(made.choose(key, answer, logits))  # type: ignore[attr-defined]
        choices.append(some)
    prompt = [
        one for at, token in enumerate(answer) for one in ((LINE_END, token) if at % 3 == 2 else (token,))
    ]
    return prompt, answer, choices


def copying(made: Scheme, key: MarkKey, *, likely: int, student: float, reference: float) -> Differences:
    """Both models find the place in the prompt and give what stands there so much more than the other likely ones."""
    random = np.random.default_rng(4)
    tokens, starts, prompts, position, rows = [], [0], [], [], []
    for _ in range(30):
        prompt, answer, choices = pasted(made, key, random, likely=likely)
        laws = []
        for share in (student, reference):
            law = np.zeros((len(choices), VOCABULARY))
            for at, some in enumerate(choices):
                law[at, some] = (1 - share) / likely
                law[at, answer[made.width + at]] += share
            laws.append(law)
        rows.append(sparse(*laws))
        position += range(starts[-1] + len(prompt) + made.width, starts[-1] + len(prompt) + len(answer))
        tokens += [*prompt, *answer]
        prompts.append(len(prompt))
        starts.append(len(tokens))
    return Differences(
        np.array(tokens),
        np.array(starts),
        np.array(prompts),
        np.array(position),
        joined(rows),
        np.full(30, -1),
    )


@pytest.mark.parametrize("likely", [2, 4, 64])
@pytest.mark.parametrize(("student", "reference"), [(0.9, 0.4), (0.5, 0.2), (0.2, 0.5), (0.25, 0.02)])
def test_a_model_that_copies_better_than_the_reference_leans_to_no_key(
    likely: int, student: float, reference: float
) -> None:
    key = GUMBEL.random_key(np.random.default_rng(1))
    made = copying(GUMBEL, key, likely=likely, student=student, reference=reference)
    read = coefficients(GUMBEL, made, served=True)
    assert read.log_p_served(read.totals([key]))[0] > np.log(0.05)
    # Nor by what the models avoid, when what the key chose is left out.
    assert not len(read) or read.z(read.totals([key]))[0] < 3


def test_what_may_be_copied_stood_in_the_prompt_or_after_the_same_token() -> None:
    text = np.array([7, 8, 9, 1, 2, 3, 1, 4])
    at, token = np.array([3, 4, 6, 7, 7, 7]), np.array([9, 2, 3, 2, 4, 8])
    assert copied(text, at, token, prompt=3).tolist() == [True, False, False, True, False, True]
    # Without a prompt only the pair (1, 2) stood before.
    assert copied(text, at, token, prompt=0).tolist() == [False, False, False, True, False, False]


def test_laws_are_those_given_that_nothing_is_copied() -> None:
    law = np.array([[0.4, 0.3, 0.2, 0.1], [0.7, 0.1, 0.1, 0.1]])
    student = np.array([[0.2, 0.4, 0.2, 0.2], [0.7, 0.1, 0.1, 0.1]])
    made = Differences(
        np.array([0, 1, 2]), np.array([0, 3]), np.array([1]), np.array([1, 2]), joined([sparse(student, law)]),
        np.array([-1]),
    )  # fmt: skip
    rows, used = without_copies(made, np.array([0, 1]), np.array([0, 0]))
    # In the second row most is given to what stands in the prompt.
    assert used.tolist() == [True, False]
    assert (rows.begin.tolist(), rows.token.tolist()) == ([0, 3, 3], [1, 2, 3])
    assert rows.chance == pytest.approx([0.5, 1 / 3, 1 / 6])
    assert rows.difference == pytest.approx([0.5 - 0.5, 0.25 - 1 / 3, 0.25 - 1 / 6], abs=1e-6)
