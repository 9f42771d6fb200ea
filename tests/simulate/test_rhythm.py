"""People's hours and volumes, and a product's load, follow their donors."""

from __future__ import annotations

import numpy as np
import pytest

from headwater.errors import UnreadableInput
from headwater.simulate import Corpora
from headwater.simulate.chance import stream
from headwater.simulate.rhythm import DAY, rhythms, session_sizes, session_starts, volumes
from headwater.simulate.traces import answer_lengths, load_curve


def test_only_accounts_with_enough_events_are_donors(corpora: Corpora) -> None:
    law = rhythms(corpora)
    assert law.donors == 20
    assert len(law.volumes) == 60
    assert np.all(np.diff(law.volumes) >= 0)


def test_volumes_add_up_and_have_a_long_tail(corpora: Corpora) -> None:
    drawn = volumes(stream(0), rhythms(corpora), 500, 10_000)
    assert abs(drawn.sum() - 10_000) < 400
    assert drawn.min() >= 1
    assert np.median(drawn) < drawn.mean() / 2


@pytest.mark.parametrize(
    ("first", "last"), [(0.0, 14 * DAY), (2.5 * DAY, 9.0 * DAY), (13.2 * DAY, 13.9 * DAY)]
)
def test_sessions_start_while_the_person_is_here(corpora: Corpora, first: float, last: float) -> None:
    law = rhythms(corpora)
    donors = stream(1).integers(0, law.donors, 3000)
    here = np.full(3000, first), np.full(3000, last)
    at = session_starts(stream(2), law, donors, here, 0)
    assert at.min() >= first
    assert at.max() <= last
    # nobody piles up on one moment
    assert np.unique(np.round(at)).size > 0.8 * min(3000, last - first)


def test_hours_are_the_donors(corpora: Corpora) -> None:
    law = rhythms(corpora)
    donors = np.repeat(np.arange(law.donors), 300)
    at = session_starts(stream(3), law, donors, (np.zeros(len(donors)), np.full(len(donors), 14.0 * DAY)), 0)
    own = law.moments[law.moment_offsets[donors]] % DAY / 3600
    off = np.abs((at % DAY / 3600 - own + 12) % 24 - 12)
    assert 0.5 < np.mean(off < 3) < 0.95


def test_sessions_hold_what_each_person_wants(corpora: Corpora) -> None:
    law = rhythms(corpora)
    wanted = stream(4).integers(0, 40, 200)
    person, size = session_sizes(stream(5), law, np.arange(200) % law.donors, wanted)
    assert np.bincount(person, weights=size, minlength=200).tolist() == wanted.tolist()
    assert size.min() >= 1


def test_a_load_curve_fills_its_span_in_order(corpora: Corpora) -> None:
    at = load_curve(stream(6), corpora, 2000, 14 * DAY)
    assert np.all(np.diff(at) >= 0)
    assert 0 <= at[0] < at[-1] <= 14 * DAY
    # seven rates take turns: the busiest tenth of the windows has clearly more than a tenth of the requests
    counts = np.sort(np.bincount((at // 3600).astype(int), minlength=336))
    assert counts[-34:].sum() > 0.15 * 2000


def test_answer_lengths_are_the_traces(corpora: Corpora) -> None:
    assert answer_lengths(corpora)[:3].tolist() == [20, 21, 22]


def test_times_of_the_other_side_are_not_used(corpora: Corpora) -> None:
    with pytest.raises(UnreadableInput):
        rhythms(Corpora(corpora.root, "score"))
