"""The bars of a waterfall are the verdict's own arithmetic."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explain.builders import campaign, coverage, logistic, piece, pieces
from headwater.detect import TOGETHER
from headwater.explain import waterfall
from headwater.report import Bar

nats = st.floats(min_value=-30, max_value=30)


@given(nats, st.lists(st.tuples(nats, st.booleans()), max_size=12))
def test_bars_join_and_sum_to_the_verdict(prior: float, parts: list[tuple[float, bool]]) -> None:
    made = tuple(
        piece(f"e{i}", llr, "It was seen", counted=counted, raw=llr) for i, (llr, counted) in enumerate(parts)
    )
    total = prior + sum(p.llr for p in made)
    ring = campaign(
        n=3,
        pieces=made or (piece("none", 0.0, "Nothing"),),
        prior_log_odds=prior,
        log_odds=total,
        probability=logistic(total),
    )
    steps = waterfall.steps(ring)
    bars = steps[:-1]
    assert abs(math.fsum(s.adds for s in bars) - ring.log_odds) <= 1e-9
    assert abs(bars[-1].end - ring.log_odds) <= 1e-9
    assert all(before.end == after.start for before, after in itertools.pairwise(bars))
    assert (steps[-1].start, steps[-1].end) == (0.0, ring.log_odds)
    assert sum(s.role == "against" for s in steps) == sum(p.counted and p.raw < 0 for p in made)


def test_pieces_that_miss_the_verdict_are_not_drawn() -> None:
    ring = campaign(n=3)
    with pytest.raises(ValueError, match="miss the verdict"):
        waterfall.steps(dataclasses.replace(ring, log_odds=ring.log_odds + 1e-6))


def test_what_speaks_against_and_what_is_not_counted_are_bars_too() -> None:
    steps = waterfall.steps(campaign(n=3), coverage())
    assert [s.role for s in steps] == [
        "prior",
        "for",
        "for",
        "for",
        "for",
        "against",
        "against",
        "not counted",
        "verdict",
    ]
    assert [s.label for s in steps][1] == "One template, disjoint slots"
    assert "another piece of its group says more once both are weighed" in steps[-2].sentence
    assert "Capped and weighed; +9.81 before" in steps[1].sentence


def test_what_pieces_mean_together_comes_after_them_and_is_no_evidence() -> None:
    """A curve that takes some nats off the sum doesn't speak against the ring."""
    parts = (
        piece("one queue", 4.0, "One queue."),
        piece("own conversations", -1.0, "Conversations."),
        piece(TOGETHER, -0.5, "The pieces sum to +3.00 nats."),
        piece("weak", 0.0, "Weak.", counted=False, raw=0.2),
    )
    ring = campaign(n=3, pieces=parts)
    steps = waterfall.steps(ring)
    roles = [s.role for s in steps]
    assert roles == ["prior", "for", "against", "together", "not counted", "verdict"]
    assert "1 piece speaks against (−1.00 together)" in waterfall.summary(ring, steps)
    ring = campaign(n=3, pieces=(parts[0], parts[2]))
    assert "Nothing that was checked speaks against" in waterfall.summary(ring, waterfall.steps(ring))


def test_the_table_holds_the_chart_s_numbers() -> None:
    ring = campaign(n=3)
    steps = waterfall.steps(ring)
    chart = waterfall.chart(ring, steps, "c1-why")
    rows = chart.records["bars"]
    assert [r["signed"] for r in rows] == [row[1] for row in chart.table.rows]
    assert [r["label"] for r in rows] == [row[0] for row in chart.table.rows]
    for row in chart.table.rows:
        bar = row[2]
        assert isinstance(bar, Bar)
        assert 0 <= bar.start <= bar.end <= 1


def test_the_sentence_names_the_strongest_piece_and_those_against() -> None:
    ring = campaign(n=3)
    told = waterfall.summary(ring, waterfall.steps(ring))
    assert "disjoint slots" in told
    assert "2 pieces speak against (−1.77 together)" in told
    only = tuple(p for p in pieces() if p.raw > 0)
    calm = campaign(n=3, pieces=only)
    assert "Nothing that was checked speaks against" in waterfall.summary(calm, waterfall.steps(calm))


def test_in_a_relay_what_shows_the_relays_hand_says_why_it_is_not_counted() -> None:
    means = piece("infrastructure", 0.0, "Cards in common", group="infrastructure", counted=False, raw=3.0)
    inside = piece("end_users", -0.5, "Many clients", group="customer")
    ring = campaign("elm-ring", 3, pieces=(piece("one queue", 9.0, "Exchangeable"), means, inside))
    told = [s.sentence for s in waterfall.steps(ring) if s.role == "not counted"]
    assert any("this shows the relay's hand" in text for text in told)
