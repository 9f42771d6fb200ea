"""Packs that come with Headwater: their own tests pass, cover every line, and a second look finds nothing odd."""

from __future__ import annotations

import pytest
from hypothesis import given

from headwater.policy import (
    SHIPPED,
    Decider,
    Facts,
    Rung,
    cases_beside,
    examine,
    load_pack,
    read_cases,
    run_cases,
    shipped,
    untested,
)
from policy.making import ANY_FACTS


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_pack_does_what_its_tests_say(name: str) -> None:
    pack = load_pack(name)
    assert pack.name == name
    results = run_cases(pack, read_cases(*cases_beside(name)))
    assert [result for result in results if not result.passed] == []
    assert untested(pack, results) == ()


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "default"])
def test_a_second_look_finds_nothing_that_was_not_meant(name: str) -> None:
    meant = {"strict": ["rules.hold"]}  # holds without a person, for a day
    assert [remark.line for remark in examine(shipped(name))] == meant.get(name, [])


DECIDERS = {name: Decider(shipped(name)) for name in SHIPPED}


@pytest.mark.parametrize("name", SHIPPED)
@given(facts=ANY_FACTS)
def test_declared_parties_are_left_alone_and_ends_are_a_persons(name: str, facts: Facts) -> None:
    decision = DECIDERS[name].decide(facts)
    if facts.declared or (facts.customer == "internal" and name != "default"):
        assert decision.rung is Rung.OBSERVE
    if decision.rung >= Rung.SUSPEND:
        assert decision.persons >= (2 if decision.rung >= Rung.BAN else 1)
    if decision.rung > Rung.OBSERVE and name != "default":
        assert decision.clause, "the customer is told a clause"
    assert decision.rung <= (Rung.BAN if name == "strict" else Rung.SUSPEND)


@given(ANY_FACTS)
def test_observing_is_all_that_observe_only_does(facts: Facts) -> None:
    assert DECIDERS["observe-only"].decide(facts).rung is Rung.OBSERVE


@given(ANY_FACTS)
def test_strict_is_never_milder_where_nothing_else_speaks_for_the_account(facts: Facts) -> None:
    """Balanced has limits of its own; where none of them caps, strict goes at least as far."""
    balanced, strict = (DECIDERS[name].decide(facts) for name in ("balanced", "strict"))
    if not strict.limited and balanced.rule != "terms":
        assert strict.rung >= balanced.rung


def test_a_file_of_that_name_comes_before_a_shipped_pack(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("packs")
    monkeypatch.chdir(folder)
    assert load_pack("strict").name == "strict"
    (folder / "strict").write_text('name: mine\nrules: [{id: a, rung: notice, when: "true", reason: r}]')
    assert load_pack("strict").name == "mine"
