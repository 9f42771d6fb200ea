"""The ledger adds up, correlated evidence isn't counted twice, and one kind of evidence alone never convicts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.combine import combine, logit, word
from headwater.detect.fold import Card, Finding


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
    assert all(-3 <= p.llr <= 6 for p in verdict.pieces)
    for group in ("content", "time", "purse"):
        mine = [p for p in verdict.pieces if p.group == group and p.counted]
        assert sum(p.llr > 0 for p in mine) <= 1
        assert sum(p.llr < 0 for p in mine) <= 1
    assert verdict.chance == pytest.approx(max(7 * math.exp(-(verdict.log_odds - logit(0.01))), 0.001))


def test_one_trace_seen_twice_is_one_trace() -> None:
    twice = combine(
        [(card("a"), Finding(4, "")), (card("b"), Finding(3, ""))], prior=0.01, threshold=0.99, tested=1
    )
    assert [p.llr for p in twice.pieces] == [4, 0]


def test_one_kind_of_evidence_never_rises_above_possible() -> None:
    verdict = combine([(card("a", cap=99), Finding(60, ""))], prior=0.01, threshold=0.99, tested=1)
    assert verdict.probability > 0.999
    assert verdict.word == "possible"


def test_evidence_against_counts_even_beside_stronger_evidence_for() -> None:
    pieces = combine(
        [(card("a"), Finding(5, "")), (card("b"), Finding(-2, ""))], prior=0.01, threshold=0.99, tested=1
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
    verdict = combine(found, prior=0.01, threshold=0.99, tested=1, explained=frozenset({"infrastructure"}))
    assert {p.evidence: (p.llr, p.raw, p.counted) for p in verdict.pieces} == {
        "queue": (3, 3, True),
        "means": (0, 4, False),
        "apart": (-2, -2, True),
    }
    assert verdict.kinds == 1
