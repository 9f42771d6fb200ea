"""What was measured of evidence stands beside what its card says, and never in place of a rate of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headwater.detect import load
from headwater.detect.rates import MEASURED, Rate, false_positive, read
from headwater.detect.sight import coverage

TEXT = """
[queue]
groups = 2000
reached = [40, 9, 0]
interval = [0.0143, 0.0271]
worst = ["seats", 10, 80]
"""


def test_a_measured_rate_takes_the_place_of_not_knowing() -> None:
    (card,) = [e.card for e in load() if e.card.name == "queue"]
    known = read(TEXT)
    told = false_positive(replace(card, false_positive="not measured yet"), known)
    assert told == (
        "of 2,000 groups of innocents in constructed worlds 40 reached 1 nat (2.00%; 95% interval 1.43% to 2.71%), "
        "9 reached 2 and 0 reached 3; most in `seats`, 10 of 80"
    )
    both = false_positive(replace(card, false_positive="0 of 250 real groups had z < 2"), known)
    assert both == f"{told}. 0 of 250 real groups had z < 2"
    assert (
        false_positive(replace(card, name="other", false_positive="not measured yet"), known)
        == "not measured yet"
    )


@pytest.mark.parametrize("name", sorted(MEASURED))
def test_shipped_rates_are_rates_of_evidence_that_exists(name: str) -> None:
    rate = MEASURED[name]
    assert name in {e.card.name for e in load()}
    assert rate.groups >= rate.reached[0] >= rate.reached[1] >= rate.reached[2] >= 0
    assert rate.interval[0] <= rate.reached[0] / rate.groups <= rate.interval[1]


def test_the_report_s_coverage_has_them() -> None:
    told = {c.evidence: c.false_positive_rate for c in coverage(load(), frozenset())}
    for name, rate in MEASURED.items():
        assert told[name].startswith(rate.told())


def test_no_worst_scenario_where_none_reached_a_nat() -> None:
    assert Rate(100, (0, 0, 0), (0.0, 0.036)).told().endswith("0 reached 3")
