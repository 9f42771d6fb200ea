"""The ledger adds up, correlated evidence isn't counted twice, and one kind of evidence alone never convicts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.combine import combine, logit, word
from headwater.detect.fold import Card, Finding
from headwater.detect.fusion import FUSED, PLAIN, Curve, Fusion
from headwater.detect.verdict import TOGETHER


def card(name: str, group: str = "content", cap: float = 6.0, against: float = 3.0) -> Card:
    return Card(name, name, group, "", "", "", (), "", cap, against)  # type: ignore[arg-type]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"), st.sampled_from(["content", "time", "purse"]), st.floats(-50, 50)
        )
    )
)
def test_log_odds_are_prior_plus_counted_pieces(rows: list[tuple[str, str, float]]) -> None:
    found = [(card(f"{n}{i}", g), Finding(x, "")) for i, (n, g, x) in enumerate(rows)]
    verdict = combine(found, prior=0.01, threshold=0.99, tested=7)
    assert verdict.log_odds == pytest.approx(logit(0.01) + sum(p.llr for p in verdict.pieces), abs=1e-9)
    assert all(-3 <= p.llr <= 6 for p in verdict.pieces if p.evidence != TOGETHER)
    for group in ("content", "time", "purse"):
        mine = [p for p in verdict.pieces if p.group == group and p.counted]
        assert sum(p.llr > 0 for p in mine) <= 1
        assert sum(p.llr < 0 for p in mine) <= 1
    assert verdict.chance == pytest.approx(max(7 * math.exp(-(verdict.log_odds - logit(0.01))), 0.001))


def test_one_trace_seen_twice_is_one_trace() -> None:
    twice = combine(
        [(card("a"), Finding(4, "")), (card("b"), Finding(3, ""))],
        prior=0.01,
        threshold=0.99,
        tested=1,
        fusion=PLAIN,
    )
    assert [p.llr for p in twice.pieces] == [4, 0]


def test_one_kind_of_evidence_never_rises_above_possible() -> None:
    verdict = combine([(card("a", cap=99), Finding(60, ""))], prior=0.01, threshold=0.99, tested=1)
    assert verdict.probability > 0.999
    assert verdict.word == "possible"


def test_evidence_against_counts_even_beside_stronger_evidence_for() -> None:
    pieces = combine(
        [(card("a"), Finding(5, "")), (card("b"), Finding(-2, ""))],
        prior=0.01,
        threshold=0.99,
        tested=1,
        fusion=PLAIN,
    ).pieces
    assert sorted(p.llr for p in pieces) == [-2, 5]


@pytest.mark.parametrize(
    ("probability", "kinds", "expected"),
    [
        (0.995, 2, "likely"),
        (0.995, 1, "possible"),
        (0.6, 3, "possible"),
        (0.1, 3, "inconclusive"),
        (0.01, 3, "unlikely"),
        (1e-5, 3, "unrelated"),
    ],
)
def test_scale(probability: float, kinds: int, expected: str) -> None:
    assert word(probability, kinds, 0.99) == expected


def test_what_something_innocent_explains_is_shown_and_counts_for_nothing() -> None:
    found = [
        (card("means", "infrastructure"), Finding(4, "")),
        (card("apart", "infrastructure"), Finding(-2, "")),
        (card("queue"), Finding(3, "")),
    ]
    verdict = combine(
        found,
        prior=0.01,
        threshold=0.99,
        tested=1,
        explained=frozenset({"infrastructure"}),
        fusion=PLAIN,
    )
    assert {p.evidence: (p.llr, p.raw, p.counted) for p in verdict.pieces} == {
        "queue": (3, 3, True),
        "means": (0, 4, False),
        "apart": (-2, -2, True),
    }
    assert verdict.kinds == 1


@given(st.lists(st.tuples(st.sampled_from(sorted(FUSED.supports)), st.floats(-20, 20)), max_size=8))
def test_the_sum_means_what_the_curve_says_and_the_ledger_shows_it(rows: list[tuple[str, float]]) -> None:
    found = [(card(name, group=f"{name}{i}"), Finding(x, "")) for i, (name, x) in enumerate(rows)]
    verdict = combine(found, prior=0.02, threshold=0.99, tested=1)
    parts = [p for p in verdict.pieces if p.evidence != TOGETHER]
    total = sum(p.llr for p in parts)
    assert verdict.log_odds - logit(0.02) == pytest.approx(FUSED.meant(total, False), abs=1e-9)
    assert all(abs(p.llr) <= abs(max(-3, min(6, p.raw))) + 1e-12 for p in parts)


@given(st.floats(-60, 60), st.floats(0, 20))
def test_a_greater_sum_never_means_less(total: float, more: float) -> None:
    assert FUSED.meant(total + more, False) >= FUSED.meant(total, False) - 1e-9


def test_weights_only_ever_take_away() -> None:
    assert all(0 <= w <= 1 for w in (*FUSED.supports.values(), *FUSED.against.values()))


@pytest.mark.parametrize(
    ("total", "means"), [(-10.0, -12.0), (-2.0, -4.0), (0.0, -1.0), (1.0, 0.0), (2.0, 1.0), (7.5, 6.5)]
)
def test_between_nodes_the_curve_is_straight_and_beyond_them_a_nat_is_a_nat(
    total: float, means: float
) -> None:
    curve = Curve((-2.0, 0.0, 2.0), (-4.0, -1.0, 1.0))
    assert curve.at(total) == pytest.approx(means)


def test_what_takes_the_sum_down_is_no_kind_of_evidence_and_leaves_one_kind_possible_only() -> None:
    steep = Fusion(bare=Curve((0.0, 1.0), (0.0, 40.0)))
    verdict = combine([(card("a"), Finding(6, ""))], prior=0.01, threshold=0.99, tested=1, fusion=steep)
    assert verdict.kinds == 1
    assert verdict.word == "possible"
