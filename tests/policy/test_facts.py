"""Facts of an account: what an investigation says of it, what is known besides, and what neither says."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from headwater.detect import Campaign, Member
from headwater.policy import FACTS, AccountFacts, Facts, facts_of, facts_of_member
from headwater.policy.regions import MEANT, REGIONS
from policy.making import STRONG


def member(account: str, attributed: int, sent: int, **more: object) -> Member:
    """A member that content alone ties, where nothing else is said."""
    given: dict[str, object] = {"ties": ("template",), **more}
    return Member(account, None, sent, attributed, 1.0, 0, 1, **given)  # type: ignore[arg-type]


CAMPAIGN = Campaign(
    id="birch-harvest",
    kind="extraction ring",
    word="likely",
    probability=0.9,
    log_odds=2.2,
    prior_log_odds=-7.0,
    chance=0.5,
    null_model="",
    sentence="",
    pieces=(),
    members=(member("a", 9, 10, ties=("template", "infrastructure")), member("b", 3, 10), member("c", 0, 0)),
    exchanges=12,
    first_at_us=0,
    last_at_us=1,
)


def test_the_table_of_facts_is_that_of_the_record() -> None:
    assert tuple(field.name for field in fields(Facts)) == tuple(FACTS)
    assert {name for name, fact in FACTS.items() if fact.protects_only} == {"region"}
    known = {field.name for field in fields(AccountFacts)}
    assert known | {"account_firm", "account_share"} == {name for name, fact in FACTS.items() if fact.account}
    assert all(fact.says and not fact.says.endswith(".") for fact in FACTS.values())


def test_an_account_has_its_own_tie_and_share() -> None:
    base = facts_of(CAMPAIGN)
    told = {each.account: facts_of_member(base, each) for each in CAMPAIGN.members}
    assert [(facts.account_firm, facts.account_share) for facts in told.values()] == [
        (True, 0.9),
        (False, 0.3),
        (False, 0.0),
    ]
    assert (base.account_firm, base.account_share) == (True, 0.6)
    assert told["a"].word == "likely"
    assert told["a"].accounts == 3


def test_nothing_that_is_unknown_speaks_for_or_against_an_account() -> None:
    facts = facts_of_member(facts_of(CAMPAIGN), CAMPAIGN.members[0])
    unknown = AccountFacts()
    for field in fields(AccountFacts):
        assert getattr(facts, field.name) == getattr(unknown, field.name)
    assert (unknown.false_positive_rate, unknown.outcomes) == (1.0, 0), "0 wrong of 0 may be wrong always"
    assert (unknown.tier, unknown.purpose, unknown.region, unknown.terms_accepted_days) == (0, "", "", -1)


def test_what_is_known_of_an_account_is_its_own() -> None:
    known = AccountFacts(3, "enterprise", "evaluation", "DE", 12, 1, 0.04, 60, 2)
    facts = facts_of_member(facts_of(CAMPAIGN), CAMPAIGN.members[1], known)
    for field in fields(AccountFacts):
        assert getattr(facts, field.name) == getattr(known, field.name)


def test_numbers_of_numpy_are_numbers() -> None:
    facts = replace(STRONG, probability=np.float64(0.5), accounts=np.int32(7), chance=np.float32(0.5))
    assert (type(facts.probability), type(facts.accounts), type(facts.chance)) == (float, int, float)
    assert facts == replace(STRONG, probability=0.5, accounts=7, chance=0.5)


def test_places_are_those_of_the_standard() -> None:
    assert len(REGIONS) == len(set(REGIONS)) == 249
    assert all(len(code) == 2 and code.isupper() for code in REGIONS)
    assert not set(MEANT) & set(REGIONS)
