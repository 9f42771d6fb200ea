"""What is said of a pack's fault, word for word: the texts are kept in tests/messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.errors import HeadwaterError
from headwater.policy import parse_pack, read_cases

MESSAGES = Path(__file__).parents[1] / "messages"

PACK = """\
name: mine
about: A pack.
defaults:
  clause: Acceptable use
  appeal_within: 30d
  for: {notice: 14d}
without_a_person: [suspend]
programmes:
  - {name: evaluation, purpose: Evaluating models.}
rules:
  - id: ask
    rung: notice
    when: probability > 0.5 && purpose != 'evaluation'
    reason: Ask first.
    for: 10d
    reason_class: volume
limits:
  - {id: eu, at_most: shape, when: "region in ['DE', 'FR']", reason: For now.}
overlays:
  - {id: statement, when: "region == 'DE'", person_from: shape}
"""

FAULTS = {
    # what changes in PACK, to what
    "region-in-a-rule": ("probability > 0.5", "region == 'DE'"),
    "region-not-there": ("region == 'DE'\"", "region != 'US'\""),
    "region-turned-around": ("region == 'DE'\"", "!(region == 'US')\""),
    "region-by-choice": ("region == 'DE'\"", "region == 'US' ? false : true\""),
    "region-of-no-code": ("region == 'DE'", "region == 'EU'"),
    "region-called-otherwise": ("region == 'DE'", "region == 'UK'"),
    "region-in-small-letters": ("region == 'DE'", "region == 'de'"),
    "region-without-a-place": ("region == 'DE'", "region.startsWith('D')"),
    "region-beside-a-fact": ("region == 'DE'", "region == declared"),
    "no-such-programme": ("purpose != 'evaluation'", "purpose == 'evaluations'"),
    "flag-that-is-a-number": ("probability > 0.5", "account_firm == 1"),
    "number-that-is-a-flag": ("probability > 0.5", "tier == true"),
    "no-such-customer": ("probability > 0.5", "customer == 'vip'"),
    "no-duration": ("for: 10d", "for: ten days"),
    "no-end": ("for: 10d", "for: 0h"),
    "no-end-in-sight": ("for: 10d", "for: 99999d"),
    "not-in-days": ("appeal_within: 30d", "appeal_within: 36h"),
    "no-such-class": ("reason_class: volume", "reason_class: volumes"),
    "class-of-a-person": ("reason_class: volume", "reason_class: person-decided\n    person_required: false"),
    "ban-without-a-person": ("rung: notice", "rung: ban\n    person_required: false"),
    "refer-without-a-person": ("rung: notice", "rung: refer\n    person_required: false"),
    "refer-listed": ("without_a_person: [suspend]", "without_a_person: [refer]"),
    "notice-listed": ("without_a_person: [suspend]", "without_a_person: [suspend, notice]"),
    "overlay-of-nothing": (", person_from: shape}", "}"),
    "overlay-that-takes": ("person_from: shape}", "statement: false}"),
    "overlay-that-decides": ("person_from: shape}", "rung: shape}"),
    "observe-lasts": ("for: {notice: 14d}", "for: {observe: 14d}"),
    "two-of-one-name": ("id: eu,", "id: ask,"),
    "programme-without-purpose": (", purpose: Evaluating models.", ""),
}


def worded(error: HeadwaterError) -> str:
    """An error as the command line writes it."""
    return f"error: {error}\nhint: {error.hint}\n"


def expected(name: str) -> str:
    """The text that is kept for an error."""
    return (MESSAGES / f"policy-{name}.txt").read_text(encoding="utf-8")


def test_the_pack_is_well() -> None:
    parse_pack(PACK.encode(), "mine.yaml")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_in_these_words(name: str) -> None:
    old, new = FAULTS[name]
    if old not in PACK:
        pytest.fail(f"{old} isn't in the pack")
    with pytest.raises(HeadwaterError) as caught:
        parse_pack(PACK.replace(old, new, 1).encode(), "mine.yaml")
    assert worded(caught.value) == expected(name)


TESTS = """\
given: {word: likely, probability: 0.9, chance: 0.1, kind: extraction ring, accounts: 3, exchanges: 9, groups: 2}
tests:
  - name: A test
    facts: {tier: 2, account_firm: true}
    expect: {rung: notice, for: 10d}
"""

TEST_FAULTS = {
    "test-without-a-fact": (", groups: 2", ""),
    "test-of-no-fact": ("tier: 2", "teir: 2"),
    "test-of-a-word": ("tier: 2", "tier: second"),
    "test-of-no-flag": ("account_firm: true", "account_firm: 1"),
    "test-of-no-rung": ("rung: notice", "rung: notise"),
    "test-without-a-rung": ("rung: notice, ", ""),
    "test-of-no-field": ("for: 10d", "lasts: 10d"),
    "test-of-no-duration": ("for: 10d", "for: soon"),
}


@pytest.mark.parametrize("name", TEST_FAULTS)
def test_a_fault_in_a_test_is_told_in_these_words(name: str) -> None:
    old, new = TEST_FAULTS[name]
    read_cases(TESTS.encode(), "mine.tests.yaml")
    with pytest.raises(HeadwaterError) as caught:
        read_cases(TESTS.replace(old, new, 1).encode(), "mine.tests.yaml")
    assert worded(caught.value) == expected(name)


def test_every_text_that_is_kept_is_said() -> None:
    kept = {path.stem.removeprefix("policy-") for path in MESSAGES.glob("policy-*.txt")}
    assert kept == {*FAULTS, *TEST_FAULTS}
