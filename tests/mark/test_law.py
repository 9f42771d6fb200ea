"""Tails of sums against exact rational arithmetic, and against laws whose tails are known in closed form."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.mark.law import Law, Part, log_chernoff, log_tail, log_tails, moments

FAIR = Law(0, np.array([0.5, 0.5]))


def exact(parts: list[Part]) -> dict[int, Fraction]:
    """The law of the sum, in whole numbers."""
    found = {0: Fraction(1)}
    for part in parts:
        whole = sum(map(Fraction, part.law.chance.tolist()))
        one: dict[int, Fraction] = {}
        for value, chance in enumerate(part.law.chance.tolist(), part.law.first):
            if chance:
                one[value * part.times] = one.get(value * part.times, 0) + Fraction(chance) / whole
        for _ in range(part.count):
            added: dict[int, Fraction] = {}
            for value, chance in found.items():
                for more, weight in one.items():
                    added[value + more] = added.get(value + more, 0) + chance * weight
            found = added
    return found


def log_of(chance: Fraction) -> float:
    """ln of a positive fraction, however small."""
    if 2 * chance.numerator > chance.denominator:
        return math.log1p(-float(1 - chance))
    return math.log(chance.numerator) - math.log(chance.denominator)


def holds(found: float, true: float) -> bool:
    """Rounded up, and by no more than is promised."""
    return true - 1e-9 <= found <= true + 1e-6 if true > -math.inf else found == true


chances = st.one_of(st.just(0.0), st.floats(1e-12, 1.0), st.sampled_from([1e-300, 1e-30, 1.0]))
laws = st.builds(
    lambda first, given: Law(first, np.array(given) / sum(given)),
    st.integers(-5, 5),
    st.lists(chances, min_size=1, max_size=6).filter(lambda given: sum(given) > 1e-3),
)
many_parts = st.lists(st.builds(Part, laws, st.integers(0, 9), st.integers(0, 3)), max_size=4)


@settings(max_examples=60, deadline=None)
@given(many_parts)
def test_small_sums_are_what_exact_arithmetic_says(parts: list[Part]) -> None:
    law = exact(parts)
    totals = np.arange(min(law) - 2, max(law) + 3)[::-1]
    chance, last = Fraction(0), -math.inf
    for total, tail in zip(totals.tolist(), log_tails(parts, totals).tolist(), strict=True):
        chance += law.get(total, 0)
        true = log_of(chance) if chance else -math.inf
        assert holds(tail, true), (total, tail, true)
        if true != last:
            assert holds(log_tail(parts, total), true)
            assert log_chernoff(parts, total) >= true - 1e-9
        last = true


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.builds(Part, laws, st.integers(1, 400), st.integers(1, 2)), min_size=2, max_size=4),
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_sums_on_wide_grids_are_what_exact_arithmetic_says(parts: list[Part], places: list[float]) -> None:
    # A part with a top of its own far away makes the grid wider than plain convolution takes.
    parts = [*parts, Part(Law(0, np.array([0.5, 0.25, 0.0, 0.25])), 997, 2)]
    law = exact(parts)
    for place in places:
        total = round(min(law) + place * (max(law) - min(law)))
        true = log_of(sum((c for value, c in law.items() if value >= total), Fraction(0)))
        assert holds(log_tail(parts, total), true)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.builds(Part, laws, st.integers(0, 300), st.integers(0, 2000)), max_size=3), st.data())
def test_tails_fall_with_the_total_and_are_chances(parts: list[Part], data: st.DataObject) -> None:
    mean, variance = moments(parts)
    reach = 3 + 20 * math.sqrt(variance)
    totals = sorted(data.draw(st.lists(st.integers(round(mean - reach), round(mean + reach)), min_size=2)))
    at_once = log_tails(parts, np.array(totals))
    alone = np.array([log_tail(parts, total) for total in totals])
    for found in (at_once, alone):
        assert np.all(found <= 0)
        with np.errstate(invalid="ignore"):
            assert not np.any(np.diff(found) > 1e-6)
    ends = np.isinf(alone)
    assert np.array_equal(ends, np.isinf(at_once))
    assert np.all(np.abs(alone[~ends] - at_once[~ends]) <= 1e-6)
    # A part that can't vary moves the sum, and nothing else.
    moved = log_tails([*parts, Part(Law(-3, np.array([0.0, 0.0, 1.0])), 5, 2)], np.array(totals) - 10)
    assert np.array_equal(moved, at_once)


def test_a_sum_of_nothing_is_0() -> None:
    assert (log_tail([], 0), log_tail([], 1), log_tail([Part(FAIR, 1, 0)], 1)) == (0.0, -math.inf, -math.inf)
    assert log_tails([], np.array([-1, 0, 1])).tolist() == [0.0, 0.0, -math.inf]
    assert log_tails([Part(FAIR)], np.zeros(0, np.int64)).tolist() == []
    assert moments([]) == (0.0, 0.0)


def test_totals_beyond_the_ends_are_sure_or_impossible_however_far() -> None:
    parts = [Part(FAIR, 3, 1000)]
    assert log_tail(parts, -(10**30)) == 0.0
    assert log_tail(parts, 10**30) == log_tail(parts, 3001) == -math.inf
    assert log_tail(parts, 3000) == pytest.approx(1000 * math.log(0.5), rel=1e-12)
    ends = np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max])
    assert log_tails(parts, ends).tolist() == [0.0, -math.inf]


@pytest.mark.parametrize(
    "part",
    [
        Part(Law(0, np.array([0.5, -0.5, 1.0]))),
        Part(Law(0, np.array([0.5, math.nan]))),
        Part(Law(0, np.array([0.0, 0.0]))),
        Part(Law(0, np.zeros(0))),
        Part(FAIR, -1),
        Part(FAIR, 1, -1),
        Part(FAIR, 2**40, 2**40),
        Part(Law(2**62, np.array([1.0]))),
    ],
)
def test_what_is_no_law_is_refused(part: Part) -> None:
    with pytest.raises(ValueError, match=r"chances|times|bits"):
        log_tail([part], 1)
