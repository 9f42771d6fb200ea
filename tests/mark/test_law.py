"""Tails of sums against exact rational arithmetic, and against laws whose tails are known in closed form."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.mark.law import Law, Part, log_chernoff, log_tail, log_tails

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
    if chance > Fraction(1, 2):
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


@settings(max_examples=150, deadline=None)
@given(many_parts)
def test_small_sums_are_what_exact_arithmetic_says(parts: list[Part]) -> None:
    law = exact(parts)
    totals = np.arange(min(law) - 2, max(law) + 3)
    at_once = log_tails(parts, totals)
    for total, tail in zip(totals.tolist(), at_once.tolist(), strict=True):
        chance = sum((c for value, c in law.items() if value >= total), Fraction(0))
        true = log_of(chance) if chance else -math.inf
        assert holds(tail, true), (total, tail, true)
        assert holds(log_tail(parts, total), true)
        assert log_chernoff(parts, total) >= true - 1e-9


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.builds(Part, laws, st.integers(1, 400), st.integers(1, 3)), min_size=2, max_size=4),
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
