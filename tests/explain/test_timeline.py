"""A timeline loses no exchange and stays countable, however long the log."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from explain.builders import HOUR, START, campaign, log
from headwater.explain import timeline

hours = st.lists(
    st.tuples(st.integers(0, 30_000), st.integers(0, 500), st.integers(0, 500)),
    min_size=1,
    max_size=60,
    unique_by=lambda r: r[0],
)


@given(hours)
def test_bins_keep_every_exchange_and_are_few(rows: list[tuple[int, int, int]]) -> None:
    ring = campaign(
        n=3, timeline=tuple((START + hour * HOUR, part, part + more) for hour, part, more in rows)
    )
    found = timeline.bins(ring)
    assert len(found) <= 172
    assert sum(b.attributed for b in found) == sum(part for _, part, _ in rows)
    assert sum(b.total for b in found) == sum(part + more for _, part, more in rows)
    steps = {b.at_us - a.at_us for a, b in itertools.pairwise(found)}
    assert steps <= {found[0].hours * HOUR}


def test_hours_without_requests_are_shown_as_empty() -> None:
    ring = campaign(n=3, timeline=((START, 5, 5), (START + 9 * HOUR, 7, 8)))
    found = timeline.bins(ring)
    assert [b.attributed for b in found] == [5, 0, 0, 0, 0, 0, 0, 0, 0, 7]


def test_a_model_s_first_day_and_the_ring_s_move_are_marked() -> None:
    told = [e.text for e in timeline.events(campaign(n=3), log())]
    assert told == ["model-b first seen in this log", "ring takes up model-b: 96% of its users within 24 h"]


def test_chart_and_table_agree_and_the_sentence_gives_the_sums() -> None:
    ring = campaign(n=3)
    chart = timeline.chart(ring, log(), "c1-time")
    assert chart is not None
    assert [row[1] for row in chart.table.rows] == [r["attributed"] for r in chart.records["bins"]]
    assert [row[2] for row in chart.table.rows] == [r["total"] for r in chart.records["bins"]]
    assert f"{sum(part for _, part, _ in ring.timeline):,} of" in chart.sentence
    assert [e["crowded"] for e in chart.records["events"]] == [True, False]


def test_a_campaign_without_a_timeline_has_no_chart() -> None:
    ring = campaign(n=3, timeline=())
    assert timeline.chart(ring, log(), "c1-time") is None
    assert timeline.pulse(ring, log()) is None
