"""Whom a policy would have hit: counts that add up, known parties first, and files that are somebody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect import Campaign, Findings, LogSummary, Member, Undecided
from headwater.errors import HeadwaterError, UnreadableInput
from headwater.policy import (
    RUNGS,
    AccountFacts,
    Decider,
    Subject,
    compare_packs,
    read_facts,
    read_outcomes,
    replay,
    shipped,
    subjects_of,
    upper_bound,
)
from policy.making import ANY_FACTS, STRONG

BALANCED, STRICT = shipped("balanced"), shipped("strict")
BY_BALANCED, BY_STRICT = Decider(BALANCED), Decider(STRICT)

SUBJECTS = st.lists(
    st.builds(
        Subject,
        account=st.sampled_from([f"acct-{n}" for n in range(12)]),
        campaign=st.sampled_from(["iris-gate", "vale-creek", "gull-spire"]),
        facts=ANY_FACTS,
        exchanges=st.integers(0, 100),
        declared=st.sampled_from(["", "evaluator: a"]),
    ),
    max_size=40,
)


@given(SUBJECTS)
def test_every_account_counts_once_with_the_highest_that_it_met(subjects: list[Subject]) -> None:
    found = replay(BALANCED, subjects, against=STRICT)
    accounts = {subject.account for subject in subjects}
    assert found.decisions == len(subjects)
    assert found.accounts == len(accounts) == len(found.hits) == sum(row.accounts for row in found.rows)
    assert sum(row.exchanges for row in found.rows) == sum(subject.exchanges for subject in subjects)
    for hit in found.hits:
        mine = [subject for subject in subjects if subject.account == hit.account]
        assert RUNGS[hit.rung] == max(BY_BALANCED.decide(subject.facts).rung for subject in mine)
        assert RUNGS[hit.was] == max(BY_STRICT.decide(subject.facts).rung for subject in mine)
    assert [row.rung for row in found.rows] == sorted(
        {hit.rung for hit in found.hits}, key=lambda word: -RUNGS[word]
    )
    assert sum(moved.accounts for moved in found.moved) == sum(hit.was != hit.rung for hit in found.hits)
    assert all(len(row.examples) <= 10 for row in found.rows)
    assert found == replay(BALANCED, subjects, against=STRICT), "the same again"


def member(account: str, **more: Any) -> Member:
    """A member that its means tie."""
    return Member(account, None, 10, 9, 1.0, 0, 1, **{"ties": ("infrastructure",), **more})


def campaign(name: str, members: tuple[Member, ...], **more: Any) -> Campaign:
    """A campaign that a pack would hold."""
    given_: dict[str, Any] = {
        "id": name,
        "kind": "extraction ring",
        "word": "likely",
        "probability": 0.9995,
        "log_odds": 8.0,
        "prior_log_odds": -3.0,
        "chance": 0.001,
        "null_model": "",
        "sentence": "",
        "pieces": (),
        "members": members,
        "exchanges": 27,
        "first_at_us": 0,
        "last_at_us": 1,
        **more,
    }
    return Campaign(**given_)


FINDINGS = Findings(
    log=LogSummary(30, 4, 0, 0, 1, 0, 0),
    campaigns=(
        campaign(
            "iris-gate",
            (member("a"), member("b"), member("c")),
            undecided=(Undecided("partner: p", (1,), 1, 3),),
        ),
        campaign("vale-creek", (member("d"),), declared="evaluator: e"),
    ),
    considered=(campaign("gull-spire", (member("a"),), word="possible", probability=0.4),),
    coverage=(),
    chance_total=0.0,
    settings={},
    version="0",
    imprint_key_id="",
)


def test_accounts_of_campaigns_and_groups_with_who_is_declared() -> None:
    known = {"c": AccountFacts(tier=3)}
    assert {each.campaign for each in subjects_of(FINDINGS, known)} == {"iris-gate", "vale-creek"}
    subjects = list(subjects_of(FINDINGS, known, considered=True))
    assert [(each.account, each.campaign, each.declared) for each in subjects] == [
        ("a", "iris-gate", ""),
        ("b", "iris-gate", "partner: p"),
        ("c", "iris-gate", ""),
        ("d", "vale-creek", "evaluator: e"),
        ("a", "gull-spire", ""),
    ]
    assert [each.facts.tier for each in subjects] == [0, 0, 3, 0, 0]
    found = replay(BALANCED, subjects)
    assert [(hit.account, hit.declared) for hit in found.known] == [
        ("b", "partner: p"),
        ("d", "evaluator: e"),
    ]


def test_right_and_wrong_hits() -> None:
    outcomes = {"a": frozenset({"upheld"}), "b": frozenset({"reversed"}), "x": frozenset({"reversed"})}
    subjects = [Subject(name, "iris-gate", STRONG) for name in "abc"]
    (row,) = replay(BALANCED, subjects, outcomes=outcomes).rows
    assert (row.rung, row.upheld, row.reversed) == ("quarantine", 1, 1)
    assert row.wrong_at_most == pytest.approx(0.9747, abs=1e-4)  # 1 of 2, one-sided
    assert (upper_bound(0, 0), upper_bound(3, 3)) == (1.0, 1.0)
    assert upper_bound(0, 59) == pytest.approx(0.0495, abs=1e-4)  # the rule of three


def written(path: Path, *records: object) -> Path:
    """JSON lines at `path`."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_facts_that_were_recorded_are_replayed(tmp_path: Path) -> None:
    facts = [replace(STRONG, tier=at % 4, account_share=at / 8) for at in range(8)]
    path = written(
        tmp_path / "facts.jsonl",
        *(
            {"account": f"a{at}", "campaign": "c", "exchanges": at, "facts": asdict(each)}
            for at, each in enumerate(facts)
        ),
    )
    assert [subject.facts for subject in read_facts(path)] == facts
    few = {
        "word": "likely",
        "probability": 1,
        "chance": 0,
        "kind": "undetermined",
        "accounts": 1,
        "exchanges": 0,
    }
    path = written(tmp_path / "few.jsonl", {"account": "a", "facts": few | {"groups": 0}})
    (subject,) = read_facts(path)
    assert (subject.facts.customer, subject.facts.false_positive_rate) == ("unknown", 1.0)


GOOD = {"account": "a", "facts": asdict(STRONG)}


def bad_records() -> Iterator[tuple[bytes, str, str]]:
    """What stands in row 2, the field that is named, and what is said."""
    facts = GOOD["facts"]
    assert isinstance(facts, dict)

    def line(**changed: object) -> bytes:
        return json.dumps(GOOD | {"facts": {**facts, **changed}}).encode()

    yield line(tier="2"), "facts.tier", "expected `int`"
    yield line(tier=7), "facts.tier", "a value that it never has"
    yield line(region="UK"), "facts.region", "a value that it never has"
    yield line(teir=2), "facts", "teir"
    yield line(probability=10**400), "facts.probability", "is no record of facts"
    yield b'{"account": "a"}', "", "facts"
    yield b"{", "", "is not JSON"
    yield b"[" * 5000, "", "is no"
    yield b"\xff\xfe", "", "is not JSON"
    yield b'{"account": "' + b"x" * 70_000 + b'"}', "", "is longer than 64 KiB"


@pytest.mark.parametrize("record", list(bad_records()), ids=lambda record: record[2])
def test_a_record_that_cannot_be_used_is_named(record: tuple[bytes, str, str], tmp_path: Path) -> None:
    data, at, says = record
    path = tmp_path / "facts.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b"\n" + data + b"\n")
    with pytest.raises(HeadwaterError, match=says) as caught:
        replay(BALANCED, read_facts(path))
    assert (caught.value.where.file, caught.value.where.row) == (str(path), 2)
    assert (caught.value.where.field or "") == at
    assert caught.value.hint


def test_outcomes_are_one_of_two(tmp_path: Path) -> None:
    path = written(
        tmp_path / "o.jsonl",
        {"account": "a", "outcome": "upheld"},
        {"account": "a", "outcome": "reversed"},
        {"account": "b", "outcome": "upheld"},
    )
    assert read_outcomes(path) == {"a": frozenset({"upheld", "reversed"}), "b": frozenset({"upheld"})}
    path = written(tmp_path / "p.jsonl", {"account": "a", "outcome": "unknown"})
    with pytest.raises(UnreadableInput, match="no known outcome") as caught:
        read_outcomes(path)
    assert (caught.value.where.row, caught.value.where.field) == (1, "outcome")


def test_what_changed_between_two_packs() -> None:
    told = {(change.line, change.what) for change in compare_packs(BALANCED, STRICT)}
    assert ("rules.hold", "asks a person: was yes, is no") in told
    assert ("limits.reseller", "caps at: was notice, is shape") in told
    assert ("overlays.eu-statement", "a person decides from: was reduce, is quarantine") in told
    assert any(line == "rules.close" and what.startswith("is new: raises to ban;") for line, what in told)
    assert any(line == "rules.terms" and what.startswith("is gone: raises to notice;") for line, what in told)
    assert compare_packs(STRICT, STRICT) == ()
