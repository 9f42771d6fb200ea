"""The test of weights: p-values of keys without a part, power where a student leans, what is never looked at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import UsageError
from headwater.mark import MarkKey, scheme
from headwater.mark.student import Differences, coefficients, joined, sparse
from headwater.mark.student.places import places
from headwater.mark.student.statistic import STEPS, grid
from mark.student.worlds import LENGTH, PROMPT, VOCABULARY, texts, world

GUMBEL = scheme("headwater-gumbel", {"width": 2})
SCHEMES = {
    "gumbel": (GUMBEL, 0.02),
    "vllm": (scheme("vllm-gumbel", {"width": 4}), 0.02),
    "tilt": (scheme("headwater-tilt", {"width": 1}), 0.4),
    "synthid": (scheme("synthid", {"layers": 4}), 0.6),
    "unigram": (scheme("unigram", {"vocab_size": VOCABULARY}), 0.4),
    "layered": (scheme("headwater-layered", {"coin": [3, 5]}), 0.04),
}


def keys(of: str, count: int, seed: int = 5) -> list[MarkKey]:
    random = np.random.default_rng(seed)
    return [SCHEMES[of][0].random_key(random) for _ in range(count)]


@pytest.mark.parametrize("name", SCHEMES)
def test_a_student_that_leans_is_shown_and_one_that_does_not_is_not(name: str) -> None:
    made, lean = SCHEMES[name]
    (key,) = keys(name, 1)
    read = coefficients(made, world(made, leans={key: lean}), served=False)
    assert read.log_p(read.totals([key]))[0] < np.log(1e-6)
    assert read.z(read.totals([key]))[0] > 4
    without = coefficients(made, world(made), served=False)
    assert without.log_p(without.totals([key]))[0] > np.log(1e-3)


@pytest.mark.parametrize("name", ["gumbel", "vllm", "tilt", "synthid", "layered"])
def test_keys_without_a_part_have_uniform_p_values(name: str) -> None:
    made, lean = SCHEMES[name]
    read = coefficients(made, world(made, count=6, leans={keys(name, 1)[0]: lean}), served=False)
    p = np.sort(np.exp(read.log_p(read.totals(keys(name, 1500, seed=9)))))
    apart = np.abs(p - np.arange(1, len(p) + 1) / len(p)).max()
    assert apart < 2.2 / np.sqrt(len(p))  # Kolmogorov and Smirnov at 1e-4
    assert (p < 0.01).sum() < 35


def test_the_bound_for_served_texts_is_above_the_exact_tail_and_still_finds() -> None:
    (key,) = keys("vllm", 1)
    made, lean = SCHEMES["vllm"]
    read = coefficients(made, world(made, leans={key: lean}), served=True)
    total = read.totals([key])
    assert read.log_p(total)[0] <= read.log_p_served(total)[0] < np.log(1e-6)
    others = read.log_p_served(read.totals(keys("vllm", 400, seed=3)))
    assert (others < np.log(0.1)).mean() < 0.1


def test_texts_written_under_the_key_do_not_show_a_student_that_never_saw_them() -> None:
    """The trap of served logs: the key wrote what the models read. Sums stay fair, for each context is fresh."""
    found = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        key = GUMBEL.random_key(random)
        written = texts(4, seed)
        for text in written:
            for at in range(PROMPT, LENGTH):
                text[at] = GUMBEL.choose(key, text[:at], np.log(1 / np.arange(1.0, VOCABULARY + 1)))
        read = coefficients(GUMBEL, world(GUMBEL, count=4, seed=seed, given=written), served=True)
        found.append(float(read.z(read.totals([key]))[0]))
    assert abs(np.mean(found)) < 4 / np.sqrt(len(found))
    assert max(found) < 4


def test_a_context_counts_at_its_first_place_of_what_a_model_sees() -> None:
    text = np.array([1, 2, 3, 1, 2, 4, 5, 1, 2, 3, 9, 9, 9])
    where, context = places(GUMBEL, text)
    assert list(where) == [2, 3, 4, 6, 7, 8, 11, 12]
    assert len({tuple(each) for each in context}) == len(context)
    behind, _ = places(GUMBEL, text, prompt=5)
    # After (1, 2) of the prompt the key's choice may be read off, so neither place of it counts behind.
    assert 5 not in behind
    assert 9 not in behind


def test_places_of_one_context_are_averaged() -> None:
    law = np.full((2, 4), 0.25)
    first = np.array([[0.55, 0.15, 0.15, 0.15], [0.25, 0.45, 0.15, 0.15]])
    rows = joined([sparse(first[:1], law[:1]), sparse(first[1:], law[1:])])
    read = np.array([7, 8, 0, 7, 8, 1])
    made = Differences(
        read, np.array([0, 3, 6]), np.array([2, 2]), np.array([2, 5]), rows, np.array([-1, -1]), ()
    )
    both = coefficients(GUMBEL, made, served=False, matched=False)
    assert (both.places, both.contexts) == (2, 1)
    sign = np.where(both.classes % 2 == 0, 1, -1)
    size = dict(zip(both.units.token.tolist(), (sign * both.units.times).tolist(), strict=True))
    assert size[0] == grid(np.array([0.15 / np.sqrt(0.17)]))[0]
    assert size[2] == grid(np.array([-0.10 / np.sqrt(0.17)]))[0]
    once = coefficients(GUMBEL, made, served=True, matched=False)
    assert once.places == once.contexts == 1


@given(st.lists(st.floats(-2, 2, allow_nan=False), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_the_grid_keeps_signs_and_loses_a_sixth_at_most(values: list[float]) -> None:
    value = np.array(values)
    size = grid(value)
    kept = np.abs(value) * STEPS >= 0.5
    assert (np.sign(size[kept]) == np.sign(value[kept])).all()
    assert (size[~kept] == 0).all()
    large = np.abs(value) * STEPS >= 1
    assert (np.abs(size[large] / STEPS - value[large]) <= np.abs(value[large]) / 3).all()
    assert (grid(-value) == -size).all()


@given(st.integers(0, 2**32), st.integers(0, 2**32))
@settings(max_examples=8, deadline=None)
def test_nothing_but_the_sum_depends_on_the_key(seed: int, other: int) -> None:
    """Coefficients are made without a key, and whatever key is asked about first changes nothing in them."""
    made = world(GUMBEL, count=2, seed=3)
    one, two = (GUMBEL.random_key(np.random.default_rng(each)) for each in (seed, other))
    first = coefficients(GUMBEL, made, served=False)
    totals = first.totals([one, two])
    second = coefficients(GUMBEL, made, served=False)
    assert (second.totals([two, one]) == totals[::-1]).all()
    assert (first.units.times == second.units.times).all()
    assert (first.classes == second.classes).all()


def test_a_mark_without_context_needs_texts_without_it() -> None:
    made = SCHEMES["unigram"][0]
    with pytest.raises(UsageError, match="without context"):
        coefficients(made, world(made, count=1), served=True)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.5, 0.5])
def test_what_is_no_law_is_refused(wrong: float) -> None:
    law = np.full((2, 4), 0.25)
    student = law.copy()
    student[1, 2] = wrong
    with pytest.raises(UsageError, match="law isn't one"):
        sparse(student, law)
    with pytest.raises(UsageError, match="same places"):
        sparse(law, np.full((2, 5), 0.2))
