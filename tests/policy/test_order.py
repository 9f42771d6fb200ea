"""A Decider says what a slow and readable reading of the order says; what protects is never loosened."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, UsageError
from headwater.policy import (
    LASTS_H,
    REASON_CLASSES,
    RUNGS,
    Decider,
    Decision,
    Facts,
    Pack,
    Rung,
    decide,
    inputs_sha256,
    parse_pack,
    shipped,
)
from headwater.proof import canonical_json
from policy.making import ANY_FACTS, STRONG, any_pack


def pack_of(written: dict[str, Any]) -> Pack:
    """A pack written as JSON, which is YAML."""
    return parse_pack(json.dumps(written).encode(), "any.yaml")


def hours(text: str) -> int:
    """A duration, read once more."""
    return int(text[:-1]) * {"h": 1, "d": 24, "w": 168}[text[-1]]


def reference(written: dict[str, Any], facts: Facts) -> dict[str, Any]:
    """What the documentation says, step by step, with no thought of speed."""
    listed = {each["name"]: each for each in written["programmes"]}
    values = asdict(facts)
    if values["purpose"] not in listed:
        values["purpose"] = ""

    def holds(line: dict[str, Any]) -> bool:
        return bool(cel.evaluate(line["when"], values))

    rung, rule, by, raised = 0, "no-rule", None, None
    for line in written["rules"]:
        if holds(line) and (raised is None or RUNGS[line["rung"]] > rung):
            rung, rule, raised = RUNGS[line["rung"]], line["id"], line
    overlays = [line for line in written["overlays"] if holds(line)]
    caps = [line for line in written["limits"] if holds(line)]
    caps += [listed[values["purpose"]]] if values["purpose"] else []
    for line in [*caps, *overlays]:
        if "at_most" not in line:
            continue
        most = RUNGS[line["at_most"]]
        if most < rung or (most == rung and by is None):
            rung, rule, by = most, line.get("id", line.get("name")), line
    asked = raised is not None and raised.get("person_required", True)
    person = asked or any("person_from" in each and rung >= RUNGS[each["person_from"]] for each in overlays)
    word = Rung(rung).word
    alone = not person and (rung < RUNGS["suspend"] or word in written["without_a_person"])
    persons = 0 if rung == 0 or alone else 2 if rung >= RUNGS["ban"] else 1
    if rung == 0:
        lasts = 0
    elif by is not None and "for" in by:
        lasts = hours(by["for"])
    elif raised is not None and RUNGS[raised["rung"]] == rung and "for" in raised:
        lasts = hours(raised["for"])
    else:
        lasts = LASTS_H[Rung(rung)]
    appeal = max([30, *(hours(each["appeal_within"]) // 24 for each in overlays if "appeal_within" in each)])
    answer = min([14, *(hours(each["answer_within"]) // 24 for each in overlays if "answer_within" in each)])
    kept = min([180, *(hours(each["retention"]) // 24 for each in overlays if "retention" in each)])
    return {
        "rung": rung,
        "rule": rule,
        "limited": by is not None,
        "persons": persons,
        "expires_after_h": lasts,
        "appeal": appeal,
        "answer": answer,
        "retention": max(kept, appeal + answer),
        "notice": max([0, *(hours(each["notice_before"]) for each in overlays if "notice_before" in each)]),
        "overlays": tuple(each["id"] for each in overlays),
    }


def said(decision: Decision) -> dict[str, Any]:
    """A decision as the reference says it."""
    duties = decision.duties
    return {
        "rung": decision.rung,
        "rule": decision.rule,
        "limited": decision.limited,
        "persons": decision.persons,
        "expires_after_h": decision.expires_after_h,
        "appeal": duties.appeal_within_days,
        "answer": duties.answer_within_days,
        "retention": duties.retention_days,
        "notice": duties.notice_before_h,
        "overlays": duties.overlays,
    }


@settings(max_examples=150)
@given(any_pack(), st.lists(ANY_FACTS, min_size=1, max_size=8))
def test_a_decider_says_what_the_reference_says(written: dict[str, Any], several: list[Facts]) -> None:
    pack = pack_of(written)
    decider = Decider(pack, most=4)  # so small that it forgets
    for facts in [*several, *several]:
        decision = decider.decide(facts)
        assert said(decision) == reference(written, facts)
        proposal = decide(facts, pack)
        assert (proposal.rung, proposal.rule, proposal.reason) == (
            decision.rung.word,
            decision.rule,
            decision.reason,
        )
        assert proposal.person_required or decision.persons == 0
        assert decision.pack_sha256 == pack.sha256
        assert decision.reason_class in REASON_CLASSES
        assert (decision.expires_after_h > 0) == (decision.rung > Rung.OBSERVE), "every step has an end"
        assert decision.rung is not Rung.REFER or decision.persons == 2
        if decision.reason_class == "person-decided" and decision.rung > Rung.OBSERVE:
            assert decision.persons > 0, "nobody is told that a person decided where none did"


@settings(max_examples=100)
@given(any_pack(), ANY_FACTS)
def test_nothing_in_a_pack_loosens_an_overlay(written: dict[str, Any], facts: Facts) -> None:
    bare = Decider(pack_of(written | {"overlays": []})).decide(facts)
    decision = Decider(pack_of(written)).decide(facts)
    held = [each for each in written["overlays"] if each["id"] in decision.duties.overlays]
    assert decision.rung <= bare.rung
    assert decision.duties.appeal_within_days >= bare.duties.appeal_within_days
    assert decision.duties.answer_within_days <= bare.duties.answer_within_days
    for overlay in held:
        assert decision.duties.statement
        assert decision.rung <= RUNGS[overlay.get("at_most", "refer")]
        if decision.rung >= RUNGS[overlay.get("person_from", "refer")] and decision.rung > Rung.OBSERVE:
            assert decision.persons > 0
        assert decision.duties.notice_before_h >= hours(overlay.get("notice_before", "0h"))


@settings(max_examples=100)
@given(any_pack(), ANY_FACTS, st.sampled_from(["DE", "FR", "US", "JP"]))
def test_a_place_never_makes_it_worse(written: dict[str, Any], facts: Facts, region: str) -> None:
    decider = Decider(pack_of(written))
    nowhere, there = (decider.decide(replace(facts, region=each)) for each in ("", region))
    assert there.rung <= nowhere.rung
    assert there.rung < nowhere.rung or there.persons >= nowhere.persons
    assert set(there.duties.overlays) >= set(nowhere.duties.overlays)


@given(ANY_FACTS)
def test_the_inputs_are_hashed_as_canonical_json(facts: Facts) -> None:
    assert inputs_sha256(facts) == hashlib.sha256(canonical_json(asdict(facts))).hexdigest()


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 1e-7, 5e-324, 0.1 + 0.2, 1e-4, 9.999e-5, 1 / 3])
def test_numbers_that_are_written_otherwise_elsewhere(value: float) -> None:
    facts = replace(STRONG, probability=value, declared='é\u2028 "\\ \x00')
    assert inputs_sha256(facts) == hashlib.sha256(canonical_json(asdict(facts))).hexdigest()


def test_equal_facts_are_the_same_facts() -> None:
    decider = Decider(shipped("balanced"))
    again = replace(STRONG, account_share=0.9, chance=0.001)
    assert decider.decide(STRONG) is decider.decide(again)
    # 1, 1.0 and True are equal in Python, and CEL tells them apart.
    assert replace(STRONG, probability=1) == replace(STRONG, probability=1.0)
    assert type(replace(STRONG, probability=1).probability) is float
    for wrong in (
        {"accounts": True},
        {"accounts": 2.0},
        {"account_firm": 1},
        {"word": 3},
        {"probability": "1"},
    ):
        with pytest.raises(UsageError, match="is a value of type") as caught:
            replace(STRONG, **wrong)  # type: ignore[arg-type]
        assert caught.value.where.field == next(iter(wrong))


def test_minus_zero_is_zero() -> None:
    pack = pack_of(
        {"name": "p", "rules": [{"id": "a", "rung": "notice", "when": "1.0 / chance > 5.0", "reason": "r"}]}
    )
    zeros = [replace(STRONG, chance=zero) for zero in (0.0, -0.0)]
    for first, second in (zeros, zeros[::-1]):
        decider = Decider(pack)
        assert decider.decide(first) == decider.decide(second)


@pytest.mark.parametrize(
    "strange",
    [
        {"probability": float("nan")},
        {"probability": 1.5},
        {"chance": float("inf")},
        {"accounts": 0},
        {"exchanges": 2**70},
        {"tier": 4},
        {"region": "EU"},
        {"region": "de"},
        {"customer": "vip"},
        {"word": "certain"},
        {"declared": "x" * 2000},
        {"declared": "\ud800"},
        {"terms_accepted_days": -2},
    ],
    ids=lambda strange: next(iter(strange)),
)
def test_what_no_fact_can_be_is_refused_and_not_decided(strange: dict[str, Any]) -> None:
    decider = Decider(shipped("balanced"))
    for _ in range(2):  # what is refused isn't remembered
        with pytest.raises(UsageError) as caught:
            decider.decide(replace(STRONG, **strange))
        assert caught.value.where.field == next(iter(strange))
        assert caught.value.hint
        assert str(next(iter(strange.values()))) not in str(caught.value)


def test_a_condition_without_an_answer_is_an_error_and_names_itself() -> None:
    rules = [
        {"id": "close", "rung": "ban", "when": "true", "reason": "r"},
        # No trial foresaw as many exchanges; times nine million they are more than 64 bits.
        {"id": "ask", "rung": "notice", "when": "exchanges * 9300000 > 1", "reason": "r"},
    ]
    decider = Decider(pack_of({"name": "p", "rules": rules}))
    assert decider.decide(STRONG).rule == "close"
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="a number of more than 64 bits") as caught:
            decider.decide(replace(STRONG, exchanges=10**12))
        assert caught.value.where.field == "rules.ask.when", "though another rule would have decided"


PERSONS = [
    # rung, person_required, without_a_person, person_from of an overlay → persons
    ("observe", True, [], None, 0),
    ("notice", True, [], None, 1),
    ("notice", False, [], None, 0),
    ("notice", False, [], "notice", 1),
    ("notice", False, [], "shape", 0),
    ("quarantine", False, [], None, 0),
    ("quarantine", False, [], "step-up", 1),
    ("suspend", True, [], None, 1),
    ("suspend", True, ["suspend"], None, 1),
    ("suspend", False, ["suspend"], None, 0),
    ("suspend", False, ["suspend"], "observe", 1),
    ("ban", True, [], None, 2),
    ("ban", True, ["ban"], None, 2),
    ("ban", False, ["ban"], None, 0),
    ("ban", False, ["ban"], "ban", 2),
    ("refer", True, [], None, 2),
    ("refer", True, ["suspend", "ban"], "refer", 2),
]


@pytest.mark.parametrize("case", PERSONS, ids=lambda case: "-".join(map(str, case)))
def test_how_many_persons(case: tuple[str, bool, list[str], str | None, int]) -> None:
    rung, required, without, overlay, persons = case
    written: dict[str, Any] = {
        "name": "p",
        "rules": [{"id": "a", "rung": rung, "when": "true", "reason": "r", "person_required": required}],
        "without_a_person": without,
    }
    if overlay:
        written["overlays"] = [{"id": "o", "when": "true", "person_from": overlay}]
    assert Decider(pack_of(written)).decide(STRONG).persons == persons


def test_a_class_that_says_a_person_decided_is_not_the_default_where_none_does() -> None:
    rules = [{"id": "a", "rung": "suspend", "when": "true", "reason": "r", "person_required": False}]
    pack = pack_of({"name": "p", "rules": rules, "without_a_person": ["suspend"]})
    assert Decider(pack).decide(STRONG).reason_class == "linked-accounts"


def test_a_limit_may_say_how_long_and_why_for_its_own_rung() -> None:
    rule = {
        "id": "a",
        "rung": "quarantine",
        "when": "true",
        "reason": "r",
        "for": "9h",
        "clause": "of the rule",
    }
    limit = {"id": "cap", "at_most": "shape", "when": "true", "reason": "l"}
    lowered = Decider(pack_of({"name": "p", "rules": [rule], "limits": [limit]})).decide(STRONG)
    assert (lowered.expires_after_h, lowered.reason_class) == (LASTS_H[Rung.SHAPE], "linked-accounts")
    own = limit | {"for": "5h", "reason_class": "volume", "clause": "of the limit"}
    lowered = Decider(pack_of({"name": "p", "rules": [rule], "limits": [own]})).decide(STRONG)
    assert (lowered.expires_after_h, lowered.reason_class, lowered.clause) == (5, "volume", "of the limit")
    same = Decider(pack_of({"name": "p", "rules": [rule], "limits": [limit | {"at_most": "quarantine"}]}))
    assert (same.decide(STRONG).expires_after_h, same.decide(STRONG).rule) == (9, "cap")


def test_the_longest_pack_ends_no_process_with_a_small_stack() -> None:
    """All conditions are one list: that makes it long and not deep."""
    long, deep = "accounts" + "+1" * 480 + " > 0", "(" * 20 + "1<1" + ")" * 20
    program = f"""
import json, threading
from headwater.policy import Decider, parse_pack
from policy.making import STRONG

rules = [{{"id": f"r{{at}}", "rung": "notice", "when": when, "reason": "r"}}
         for at, when in enumerate([{long!r}, {deep!r}] * 2 + [{deep!r}] * 20)]
pack = parse_pack(json.dumps({{"name": "p", "rules": rules}}).encode(), "p.yaml")
told = []
threading.stack_size(512 * 1024)
thread = threading.Thread(target=lambda: told.append(Decider(pack).decide(STRONG)))
thread.start()
thread.join()
assert told[0].rule == "r0"
"""
    folder = Path(__file__).parents[1]
    subprocess.run(
        [sys.executable, "-c", program], check=True, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}
    )


def test_threads_share_a_decider() -> None:
    decider = Decider(shipped("strict"), most=8)
    several = [replace(STRONG, groups=at % 5, tier=at % 4, probability=at / 40) for at in range(40)]
    expected = [Decider(shipped("strict")).decide(facts) for facts in several]
    wrong: list[int] = []

    def work() -> None:
        for _ in range(20):
            for at, facts in enumerate(several):
                if decider.decide(facts) != expected[at]:
                    wrong.append(at)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
