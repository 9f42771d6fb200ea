"""The default pack, case by case: the table is the policy's own documentation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.detect.combine import LEAST_CHANCE
from headwater.detect.verdict import Campaign, Member, Piece
from headwater.errors import ConfigurationError
from headwater.policy import Facts, Rung, decide, default_pack, facts_of, parse_pack
from headwater.policy.rungs import MEANING, RUNGS

#: The ledger states no smaller chance, so no rule may need one.
RAREST = LEAST_CHANCE
STRONG = Facts("likely", 0.9995, RAREST, "extraction ring", 1200, 400_000, 4, firm=1200)

CASES = [
    # word, probability, chance, kind, accounts (all of them firm), groups, declared → rung, rule
    ("likely", 0.9995, RAREST, "extraction ring", 1200, 4, "", "quarantine", "hold"),
    ("likely", 0.9995, RAREST, "extraction ring", 1200, 2, "", "step-up", "prove-identity"),
    ("likely", 0.9995, RAREST, "extraction ring", 2, 4, "", "reduce", "lower-budget"),
    ("likely", 0.995, 0.05, "extraction ring", 40, 3, "", "reduce", "lower-budget"),
    ("likely", 0.95, 0.5, "extraction ring", 40, 2, "", "shape", "slow-down"),
    ("possible", 0.7, 0.5, "undetermined", 5, 1, "", "notice", "ask"),
    ("possible", 0.4, 0.5, "undetermined", 5, 1, "", "observe", "watch"),
    ("inconclusive", 0.9995, RAREST, "extraction ring", 40, 4, "", "observe", "watch"),
    ("confirmed", 0.9995, RAREST, "extraction ring", 40, 4, "", "suspend", "stop"),
    ("confirmed", 0.9995, RAREST, "extraction ring", 40, 4, "evaluator", "observe", "declared-use"),
    ("likely", 0.9995, RAREST, "extraction ring", 40, 4, "red team", "observe", "declared-use"),
    ("unlikely", 0.001, 14.0, "undetermined", 40, 5, "red team", "observe", "declared-use"),
    ("likely", 0.9995, RAREST, "relay or reseller", 20_000, 4, "", "notice", "reseller"),
    ("likely", 0.9995, RAREST, "legitimate fleet", 40, 4, "", "observe", "fleet"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}-{case[-1]}")
def test_the_default_pack(case: tuple[object, ...]) -> None:
    word, probability, chance, kind, accounts, groups, declared, rung, rule = case
    facts = Facts(word, probability, chance, kind, accounts, 1000, groups, declared, accounts)  # type: ignore[arg-type]
    proposal = decide(facts, default_pack())
    assert (proposal.rung, proposal.rule) == (rung, rule)
    assert proposal.pack == "default"
    assert proposal.pack_sha256 == default_pack().sha256
    assert len(proposal.pack_sha256) == 64


def test_accounts_that_only_write_what_others_write_are_not_held() -> None:
    """Twelve hundred copies of a form, by accounts that nothing else ties: their identity isn't asked for either."""
    assert decide(STRONG, default_pack()).rung == "quarantine"
    assert decide(replace(STRONG, firm=2), default_pack()).rung == "reduce"


def test_every_rule_and_limit_of_the_default_pack_decides_some_case() -> None:
    written = {rule.id for rule in (*default_pack().rules, *default_pack().limits)}
    assert {case[-1] for case in CASES} == written


FACTS = st.builds(
    Facts,
    word=st.sampled_from(
        ["confirmed", "likely", "possible", "inconclusive", "unlikely", "unrelated", "stale"]
    ),
    probability=st.floats(0, 1),
    chance=st.floats(0, 100),
    kind=st.sampled_from(["extraction ring", "relay or reseller", "legitimate fleet", "undetermined"]),
    accounts=st.integers(0, 30_000),
    exchanges=st.integers(0, 10**9),
    groups=st.integers(0, 8),
    declared=st.sampled_from(["", "partner", "red team", "evaluator"]),
)


@given(FACTS, st.floats(0, 1))
def test_more_probable_is_never_treated_more_mildly(facts: Facts, other: float) -> None:
    low, high = sorted((facts.probability, other))
    below = decide(replace(facts, probability=low), default_pack())
    above = decide(replace(facts, probability=high), default_pack())
    assert RUNGS[below.rung] <= RUNGS[above.rung]


@given(FACTS, st.floats(0, 100))
def test_more_likely_by_chance_is_never_treated_more_harshly(facts: Facts, other: float) -> None:
    low, high = sorted((facts.chance, other))
    rarer = decide(replace(facts, chance=low), default_pack())
    commoner = decide(replace(facts, chance=high), default_pack())
    assert RUNGS[commoner.rung] <= RUNGS[rarer.rung]


@given(FACTS)
def test_the_default_pack_never_closes_an_account_and_asks_for_a_person(facts: Facts) -> None:
    proposal = decide(facts, default_pack())
    assert RUNGS[proposal.rung] <= Rung.SUSPEND
    assert proposal.person_required or proposal.rung == "observe"
    if facts.declared:
        assert proposal.rung == "observe"


def test_the_first_of_two_equal_rungs_decides() -> None:
    pack = parse_pack(
        b"""
name: two
rules:
  - {id: one, rung: notice, when: "true", reason: first}
  - {id: two, rung: notice, when: "true", reason: second}
""",
        "two.yaml",
    )
    assert decide(STRONG, pack).rule == "one"


def test_a_rule_that_has_no_answer_names_pack_rule_and_condition() -> None:
    text = """
name: mine
rules:
  - {id: hold, rung: quarantine, when: "exchanges / accounts > 30", reason: r}
limits:
  - {id: cap, at_most: observe, when: "true", reason: r}
"""
    pack = parse_pack(text.encode(), "mine.yaml")
    assert decide(STRONG, pack).rule == "cap"
    with pytest.raises(ConfigurationError) as caught:
        decide(replace(STRONG, accounts=0), pack)
    assert str(caught.value) == (
        "mine.yaml, field rules.hold.when: the condition “exchanges / accounts > 30” cannot be evaluated "
        "where accounts = 0, exchanges = 400000: division by zero"
    )


def test_no_rule_that_holds_means_observe() -> None:
    pack = parse_pack(b'name: none\nrules: [{id: a, rung: ban, when: "false", reason: r}]', "none.yaml")
    proposal = decide(STRONG, pack)
    assert (proposal.rung, proposal.rule, proposal.person_required) == ("observe", "no-rule", False)


def test_facts_count_groups_that_carry_a_nat_and_accounts_that_act() -> None:
    def piece(group: str, llr: float, counted: bool = True) -> Piece:
        return Piece(evidence=group, group=group, llr=llr, raw=llr, counted=counted, sentence="")

    campaign = Campaign(
        id="birch-harvest",
        kind="extraction ring",
        word="likely",
        probability=0.9,
        log_odds=2.2,
        prior_log_odds=-7.0,
        chance=0.5,
        null_model="",
        sentence="",
        pieces=(
            piece("content", 3.0),
            piece("content", 0.0, counted=False),
            piece("time", 2.0),
            piece("pool", 0.9),
            piece("purse", -1.0),
        ),
        members=(
            Member("a", None, 10, 5, 1.0, 0, 1, ("template", "nearness")),
            Member("b", None, 10, 5, 1.0, 0, 1, ("template",), hours=1.2),
            Member("c", None, 10, 5, 1.0, 0, 1, ("template", "infrastructure")),
        ),
        exchanges=10,
        first_at_us=0,
        last_at_us=1,
        declared="evaluator",
    )
    facts = facts_of(campaign)
    assert (facts.groups, facts.accounts, facts.exchanges, facts.declared) == (2, 3, 10, "evaluator")
    assert facts.firm == 2, "one only writes what the others write"


def test_every_rung_says_what_it_means() -> None:
    assert set(MEANING) == set(Rung)
    assert list(Rung) == sorted(Rung)
