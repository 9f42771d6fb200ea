"""What a pack that loads may still get wrong is found, and what is well isn't called odd."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from headwater.errors import ConfigurationError
from headwater.policy import Decider, Facts, examine, parse_pack, read_cases, run_cases, untested
from headwater.policy.condition import Condition
from headwater.policy.tokens import words_in
from policy.making import ANY_FACTS

RULE = {"id": "ask", "rung": "notice", "when": "probability > 0.5", "reason": "r", "reason_class": "volume"}
DECLARED = {"id": "declared", "at_most": "observe", "when": "declared != ''", "reason": "r"}


def remarks(*rules: dict[str, Any], **more: Any) -> dict[str, str]:
    """What is remarked on a pack of these rules, by line."""
    written = {
        "name": "p",
        "rules": [{"reason": "r", "reason_class": "volume"} | rule for rule in rules],
        "limits": [DECLARED],
        "defaults": {"clause": "c"},
        **more,
    }
    return {each.line: each.what for each in examine(parse_pack(json.dumps(written).encode(), "p.yaml"))}


def test_a_pack_that_is_well_has_no_remark() -> None:
    assert remarks(RULE) == {}


@pytest.mark.parametrize(
    "when",
    [
        "probability > 0.5 && probability < 0.6",
        "notices >= 2 && reversals == 7 && tier == 3 && account_share > 0.123 && groups == 5 && chance < 0.02",
        "word == 'likely' && kind == 'extraction ring' && customer == 'consumer' && terms_accepted_days > 1000",
        "account_firm && !(tier > 1) && (outcomes >= 20 && false_positive_rate < 0.1)",
        "exchanges > 12345 && declared == ''",
    ],
)
def test_a_rule_that_is_hard_to_meet_is_met(when: str) -> None:
    assert remarks(RULE, {"id": "hold", "rung": "quarantine", "when": when}) == {}


@pytest.mark.parametrize(
    "when",
    [
        "probability > 0.9 && probability < 0.5",
        "false",
        "groups > 3 && groups < 2",
        "purpose != '' && tier > 1",
    ],
)
def test_a_rule_that_never_holds(when: str) -> None:
    found = remarks(RULE, {"id": "hold", "rung": "quarantine", "when": when})
    assert found == {"rules.hold": "holds for nothing that was tried"}


def test_a_rule_behind_another() -> None:
    found = remarks(RULE, {"id": "later", "rung": "notice", "when": "probability > 0.8"})
    assert found == {"rules.later": "never decides where it holds: ask always does"}
    found = remarks({"id": "hold", "rung": "quarantine", "when": "probability > 0.4"}, RULE)
    assert found == {"rules.ask": "never decides where it holds: hold always does"}


def test_a_rule_that_is_always_capped() -> None:
    limits = [DECLARED, {"id": "cap", "at_most": "observe", "when": "true", "reason": "r"}]
    assert remarks(RULE, limits=limits) == {"rules.ask": "is always capped, by cap, declared"}


def test_declared_parties_without_a_limit() -> None:
    found = remarks(RULE | {"rung": "reduce"}, limits=[])
    assert found == {"limits": "declared parties are met by ask"}


def test_accounts_closed_without_a_person() -> None:
    ban = {"id": "close", "rung": "ban", "when": "groups > 7", "person_required": False}
    found = remarks(RULE, ban, without_a_person=["ban", "suspend"])
    assert found["rules.close"] == "closes accounts without a person"
    assert found["without_a_person"] == "lists suspend, and every such rule asks for a person"


def test_rules_that_tell_too_little() -> None:
    written = {
        "name": "p",
        "rules": [{k: v for k, v in RULE.items() if k != "reason_class"}],
        "limits": [DECLARED],
    }
    found = [each.what for each in examine(parse_pack(json.dumps(written).encode(), "p.yaml"))]
    assert found == [
        "names no reason class; the customer is told what is usual for the rung: automated-collection",
        "names no clause of the contract",
    ]


PACK = parse_pack(json.dumps({"name": "p", "rules": [RULE], "limits": [DECLARED]}).encode(), "p.yaml")


@settings(max_examples=50)
@given(ANY_FACTS)
def test_a_test_says_what_came_instead(facts: Facts) -> None:
    decision = Decider(PACK).decide(facts)
    given_ = {name: getattr(facts, name) for name in ("word", "probability", "chance", "kind", "declared")}
    given_ |= {"accounts": facts.accounts, "exchanges": facts.exchanges, "groups": facts.groups}
    texts = {name: str(value) for name, value in given_.items()}
    written = {
        "given": texts,
        "tests": [
            {"name": "right", "expect": {"rung": decision.rung.word, "rule": decision.rule}},
            {"name": "wrong", "expect": {"rung": "refer", "limited": not decision.limited}},
        ],
    }
    right, wrong = run_cases(PACK, read_cases(json.dumps(written).encode(), "p.tests.yaml"))
    assert right.passed
    assert wrong.differs[0] == f"rung is {decision.rung.word}, not refer"
    assert len(wrong.differs) == 2
    assert set(untested(PACK, (right,))) == {"ask", "declared"} - {decision.rule}


LONGEST = {
    "many rules": [f"exchanges >= {at * 13} || groups >= {at % 5} || notices >= {at}" for at in range(199)],
    "that all hold": [f"exchanges >= 0 && tier >= 0 && firm < {10**9 + at}" for at in range(199)],
    "long ones": [" && ".join(f"accounts != {at * 100 + part}" for part in range(37)) for at in range(19)],
    "a figure each": [f"exchanges >= {at * 13} && chance < 0.{at:04} && firm > {at}" for at in range(199)],
}


@pytest.mark.parametrize("name", LONGEST)
def test_the_longest_pack_is_tried_a_bounded_number_of_times(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, int] = {"alone": 0, "together": 0}

    def counted(of: type, method: str, key: str) -> None:
        real = getattr(of, method)

        def count(self: Any, *given: Any) -> Any:
            asked[key] += 1
            return real(self, *given)

        monkeypatch.setattr(of, method, count)

    rules = [RULE | {"id": f"r{at}", "when": when} for at, when in enumerate(LONGEST[name])]
    words = sum(words_in(when) for when in LONGEST[name])
    counted(Condition, "answer", "alone")
    counted(Decider, "answers", "together")
    pack = parse_pack(json.dumps({"name": "p", "rules": rules, "limits": [DECLARED]}).encode(), "p.yaml")
    loading = asked["alone"]
    examine(pack)
    assert loading <= 60_000
    assert asked["alone"] - loading <= 600_000
    assert asked["together"] * words <= 15_000_000


def test_a_pack_that_is_too_long_is_refused_with_its_limits() -> None:
    with pytest.raises(ConfigurationError, match="202 rules, limits and overlays are too many") as raised:
        remarks(*(RULE | {"id": f"r{at}"} for at in range(201)))
    assert "at most 200" in str(raised.value.hint)
    long = " || ".join(["accounts > 1"] * 60)
    with pytest.raises(ConfigurationError, match="3,349 words and signs together") as raised:
        remarks(*(RULE | {"id": f"r{at}", "when": long} for at in range(14)))
    assert "at most 3,000" in str(raised.value.hint)
