"""Disjoint slots: a list dealt out speaks for a ring, repeats across customers against, retries for neither."""

from __future__ import annotations

import numpy as np
import pytest

from detect.worlds import dealt_log, judged
from headwater.detect.evidence.content import dealt

ROWS = np.arange(60 * 24)


def test_a_list_dealt_out_speaks_for_and_a_shared_source_against() -> None:
    assert judged(dealt.test, dealt_log(1), range(12))[0].raw > 1
    found = judged(dealt.test, dealt_log(1, filling=ROWS % 24), range(12))[0]
    assert found.raw < -1
    assert found.figures["share"] > 0.9


def test_one_accounts_retries_are_no_repeats() -> None:
    found = judged(dealt.test, dealt_log(1, each=48, filling=np.arange(60 * 48) // 2), range(12))[0]
    assert found.figures["repeated"] == 0
    assert found.raw > 1


def test_repeats_inside_one_organisation_are_one_customers() -> None:
    known = {"organisation": [f"org {i // 6}" for i in range(60)]}
    shared = dealt_log(1, filling=ROWS % 24 + ROWS // 144 * 1000)
    assert judged(dealt.test, shared, range(12))[0].figures["repeated"] > 0
    inside = dealt_log(1, filling=ROWS % 24 + ROWS // 144 * 1000, known=known)
    found = judged(dealt.test, inside, range(12))
    assert 0 not in found or found[0].figures["repeated"] == 0


def test_too_few_fillings_say_nothing() -> None:
    assert judged(dealt.test, dealt_log(1, each=6), range(12)) == {}


def test_what_fills_no_template_is_not_looked_at() -> None:
    assert judged(dealt.test, dealt_log(1), range(20, 40)) == {}


@pytest.mark.parametrize(("repeated", "low", "high"), [(0, 1, 9), (5, 0.2, 1), (50, -2, -1), (100, -2, -1.9)])
def test_the_weight_falls_with_the_share_of_repeats(repeated: int, low: float, high: float) -> None:
    assert low <= dealt._finding(repeated, 100).raw <= high


def test_more_fillings_than_the_model_bears_add_nothing() -> None:
    assert dealt._finding(0, 40_000).raw == dealt._finding(0, 400).raw
