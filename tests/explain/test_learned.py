"""What casework has taught stands on the card that it is of, and on no other."""

from __future__ import annotations

from explain.builders import findings
from headwater.casework import Ended, Outcome, rates
from headwater.explain import dumps, loads, page, with_outcomes
from headwater.report import html


def test_a_rate_stands_on_its_card_and_in_the_report() -> None:
    ended = [Ended("hold", "quarantine", ("one queue",), Outcome.CONFIRMED)] * 3
    ended.append(Ended("hold", "quarantine", ("one queue", "unknown"), Outcome.REVERSED))
    before = findings()
    after = with_outcomes(before, rates(ended))
    said = {card.evidence: card.false_positive_rate for card in after.coverage}
    assert said["one queue"] == (
        "5% of groups of 5 at 5 prompts; in your own casework 1 of 4 ended steps that rested on it, among "
        "others, were taken back (0.6% to 80.6% at 95%)"
    )
    changed = [a.evidence for a, b in zip(after.coverage, before.coverage, strict=True) if a != b]
    assert changed == ["one queue"]
    assert "1 of 4 ended steps" in html(page(after)).decode()
    assert loads(dumps(after)).coverage == after.coverage


def test_without_outcomes_nothing_changes() -> None:
    assert with_outcomes(findings(), []) == findings()
    declined = rates([Ended("hold", "quarantine", ("one queue",), Outcome.DECLINED)])
    assert with_outcomes(findings(), declined) == findings()
