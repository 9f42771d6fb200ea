"""Figures as they are said: never more certain than they are, never with an exponent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.explain import words


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.0, "> 0.999"),
        (0.99951, "> 0.999"),
        (0.9984, "0.998"),
        (0.5, "0.500"),
        (0.0002, "< 0.001"),
        (0.0, "< 0.001"),
    ],
)
def test_a_probability_is_never_certain(value: float, said: str) -> None:
    assert words.probability(value) == said


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (1 / 9000, "at most 1 in 9,000"),
        (0.016, "at most 1 in 62"),
        (1.73, "about 1.7"),
        (0.0, "not measured"),
        (2e-9, "at most 1 in 500,000,000"),
    ],
)
def test_chance_is_one_in_so_many_or_about_how_many(expected: float, said: str) -> None:
    assert words.chance(expected) == said


@given(st.floats(min_value=1e-9, max_value=1e12))
def test_significant_digits_keep_the_value_and_show_no_exponent(value: float) -> None:
    said = words.significant(value, 3)
    assert "e" not in said
    assert float(said.replace(",", "")) == pytest.approx(value, rel=6e-3)


@pytest.mark.parametrize(
    ("part", "said"), [(0.0, "0%"), (0.004, "under 1%"), (0.965, "96%"), (0.9991, "over 99%"), (1.0, "100%")]
)
def test_a_share_never_rounds_to_nothing_or_all(part: float, said: str) -> None:
    assert words.share(part) == said


def test_a_p_value_is_not_told_beyond_what_can_be_known() -> None:
    assert words.p_value(7e-12) == "p < 0.0001"
    assert words.p_value(0.0123) == "p = 0.012"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("likeness is z = -1.0 (-0.5 before)", "likeness is z = −1.0 (−0.5 before)"),
        ("-3", "−3"),
        ("account-1 of 2026-03-02, acct -x, 9-15, e-5", "account-1 of 2026-03-02, acct -x, 9-15, e-5"),
    ],
)
def test_negative_figures_have_a_true_minus(given: str, said: str) -> None:
    assert words.minus(given) == said


def test_nats_have_their_sign() -> None:
    assert [words.nats(v) for v in (6.2, -1.15, 0.0)] == ["+6.20", "−1.15", "+0.00"]


def test_odds_are_multiplied_or_divided() -> None:
    assert words.times(6.2) == "multiplies the odds by 490"
    assert words.times(-1.15) == "divides the odds by 3.2"
    assert words.times(0.01) == "leaves the odds as they were"


def test_times_are_in_utc_and_spans_are_rounded_up() -> None:
    at = 1_772_409_600_000_000
    assert words.when(at) == "2026-03-02 00:00 UTC"
    assert words.day(at) == "2 Mar 2026"
    assert words.span(at, at + 336 * 3_600_000_000 - 1) == "14 days"
    assert words.span(at, at + 5 * 3_600_000_000) == "5 hours"
    assert words.span(at, at) == "1 minute"


def test_lists_are_counted_beyond_their_limit() -> None:
    assert words.joined([]) == ""
    assert words.joined(["a"]) == "a"
    assert words.joined(["a", "b", "c"]) == "a, b and c"
    assert words.joined(["a", "b"], last="or") == "a or b"
    assert words.joined(list("abcdef"), limit=2) == "a, b and 4 more"


def test_long_texts_say_what_was_cut() -> None:
    assert words.short("x" * 1_000_000, 10) == "x" * 10 + "… (999,990 more characters)"
    assert words.clip("abcdef", 4) == "abc…"
    assert words.short("abc", 10) == words.clip("abc", 10) == "abc"
