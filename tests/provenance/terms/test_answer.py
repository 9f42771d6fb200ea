"""The chain: vendor, router, model, licence, signals, people; who is bound; words that are never used."""

from __future__ import annotations

import datetime
import re
from functools import cache

import msgspec
import pytest

from headwater.provenance.terms import ORDER, USES, Answer, Origin, Registry, Signal, Use, load_registry
from provenance.terms.written import registry, terms

TRAIN = USES["train-competing"]
#: Long after any fixture's first version.
DAY = datetime.date(2026, 1, 1)
SHIPPED = load_registry()


def ask(use: Use = TRAIN, **origin: object) -> Answer:
    return SHIPPED.answer(msgspec.convert(origin, Origin), use)


def kinds(answer: Answer) -> list[str]:
    return [link.kind for link in answer.links]


def test_the_strictest_link_wins_and_all_are_told() -> None:
    answer = ask(model="openrouter/anthropic/claude-3.5-sonnet", at="2025-09-01", licences=["cc-by-4.0"])
    assert kinds(answer) == ["vendor", "router", "licence"]
    assert answer.verdict == "prohibited-by-contract"
    assert [link.verdict for link in answer.links] == [
        "prohibited-by-contract",
        "allowed",
        "allowed-with-duties",
    ]
    assert "name the source, the licence and changes" in answer.duties
    assert answer.links[0].sentence == answer.sentence


def test_clauses_carry_quote_source_and_dates() -> None:
    answer = ask(model="gpt-4-0613", at="2023-07-01")
    (clause,) = answer.links[0].clauses
    assert clause.quote
    assert re.fullmatch(r"[0-9a-f]{40}", clause.commit)
    assert clause.source.startswith("https://")
    assert clause.valid_from == datetime.date(2023, 3, 14)
    assert clause.confidence == "high"


def test_a_third_party_may_not_be_bound() -> None:
    answer = ask(model="gpt-4", holder="third-party")
    assert answer.verdict == "prohibited-by-contract"
    assert answer.bound_party == "account-holder"
    assert "may not be bound" in answer.bound
    assert "may not be bound" not in ask(model="gpt-4", holder="account-holder").bound


def test_a_licence_binds_the_licensee() -> None:
    assert ask(model="Llama-3.1-8B").bound_party == "licensee"


def test_derived_models_bring_the_licences_of_what_they_derive_from() -> None:
    answer = ask(model="deepseek-ai/DeepSeek-R1-Distill-Llama-8B")
    assert [link.name for link in answer.links] == ["deepseek-r1-distill-llama", "llama-3.1"]
    assert answer.verdict == "allowed-with-duties"
    assert ask(model="vicuna-7b-v1.5").verdict == "prohibited-by-contract"
    hermes = ask(model="NousResearch/Hermes-3-Llama-3.1-8B")
    assert [link.name for link in hermes.links] == ["llama-3.1"]


def test_an_unknown_model_is_unknown() -> None:
    answer = ask(model="mystery-9000")
    assert answer.verdict == "unknown"
    assert "mystery" not in answer.sentence, "a value of a row isn't repeated"
    assert answer.possible == ORDER
    assert ask().verdict == "unknown"


def test_a_provider_without_terms_is_unknown() -> None:
    answer = ask(model="reka-core-20240501")
    assert answer.verdict == "unknown"
    assert answer.sentence == "No terms of Reka AI are in the registry."


def test_people_are_not_under_a_providers_terms() -> None:
    assert kinds(ask(model="human", licences=["cc0-1.0"])) == ["licence", "source"]
    assert ask(model="human", licences=["cc0-1.0"]).verdict == "allowed"
    assert ask(human=True).verdict == "unknown"
    assert ask(human=True, licences=["cc-by-nc-4.0"]).verdict == "restricted-to"


RESERVED = Signal(kind="aipref", says="not-allowed", where="Content-Usage header")


def test_signals_count_in_the_same_answer() -> None:
    answer = ask(human=True, licences=["cc0-1.0"], signals=[msgspec.to_builtins(RESERVED)])
    assert answer.verdict == "restricted-to"
    assert answer.bound_party == "anyone"
    assert "reservation, not a contract" in answer.sentence
    assert any("unless whoever made the reservation agrees" in text for text in answer.conditions)


def test_a_signal_never_makes_a_contract() -> None:
    for says in ("allowed", "not-allowed", "conditional", "unsaid"):
        for kind in ("robots", "aipref", "content-signal", "rsl", "tdmrep", "consent"):
            signal = {"kind": kind, "says": says}
            answer = ask(human=True, licences=["cc0-1.0"], signals=[signal])
            assert "prohibited-by-contract" not in [link.verdict for link in answer.links]


def test_a_signal_on_training_says_nothing_of_evaluation() -> None:
    origin = Origin(human=True, licences=("cc0-1.0",), signals=(RESERVED,))
    assert SHIPPED.answer(origin, USES["evaluate"]).verdict == "allowed"


def test_where_it_ran_is_asked_where_a_name_is_served_and_published() -> None:
    answer = ask(model="deepseek-r1")
    assert kinds(answer) == ["vendor", "model"]
    assert any("from published weights" in text for text in answer.unknown)
    assert kinds(ask(model="deepseek-r1", product="deepseek-api", account_type="api")) == ["vendor"]
    assert kinds(ask(model="deepseek-ai/DeepSeek-R1")) == ["model"]


def test_incorporated_documents_speak_too() -> None:
    policy = terms(
        "acme", "policy", prohibition=["trainAny"], covers=[{"hw:product": "other", "hw:accountType": "any"}]
    )
    main = terms(permission=["useOutputs"], incorporates=["acme/policy"])
    both = registry(main, policy)
    assert both.answer(Origin(provider="acme", product="chat"), Use()).verdict == "prohibited-by-contract"
    alone = registry(main)
    answer = alone.answer(Origin(provider="acme", at=DAY), Use())
    assert answer.verdict == "allowed"
    assert "acme's Terms incorporates acme/policy, which isn't in the registry" in answer.unknown


def test_documents_that_incorporate_each_other_end() -> None:
    one = terms("acme", "one", permission=["useOutputs"], incorporates=["acme/two"])
    two = terms("acme", "two", permission=["useOutputs"], incorporates=["acme/one"])
    assert registry(one, two).answer(Origin(provider="acme", at=DAY), Use()).verdict == "allowed"


def test_an_account_that_is_not_known_is_asked_in_every_way() -> None:
    consumer = terms(
        "acme",
        "consumer",
        prohibition=["trainAny"],
        covers=[{"hw:product": "chat", "hw:accountType": "consumer"}],
    )
    business = terms(
        "acme", "business", permission=["trainAny"], covers=[{"hw:product": "api", "hw:accountType": "api"}]
    )
    both = registry(consumer, business)
    day = datetime.date(2024, 6, 1)

    def verdict(**origin: object) -> str:
        return both.answer(Origin(provider="acme", at=day, **origin), Use()).verdict

    assert verdict(account_type="consumer") == "prohibited-by-contract"
    assert verdict(account_type="api") == "allowed"
    assert verdict(product="api") == "allowed"
    assert verdict() == "prohibited-by-contract"
    unknown = both.answer(Origin(provider="acme", at=day), Use()).unknown
    assert any("the product and the type of account would decide" in text for text in unknown)


def test_a_router_bars_competing_services_not_models() -> None:
    router = terms(
        "hub",
        "terms",
        permission=[("useOutputs", [{"action": "hw:passThrough"}])],
        prohibition=["competeProduct"],
    )
    own = registry(router, terms(permission=["trainAny"]))
    answer = own.answer(Origin(provider="acme", router="hub", at=DAY), TRAIN)
    assert [link.verdict for link in answer.links] == ["allowed", "restricted-to"]
    assert "not for building a product that competes with hub" in answer.conditions


WRONG = re.compile(
    r"\b(?:il)?legal(?!\s+advice)|\bunlawful|\bguilty|\bcrim|\binfring|\bviolat|\bsteal|\bstole",
    re.IGNORECASE,
)


@cache
def every_answer() -> tuple[Answer, ...]:
    models = [
        "gpt-4",
        "claude-2",
        "gemini-1.5-pro",
        "grok-4",
        "Llama-2-7b",
        "openrouter/deepseek/deepseek-r1",
        "human",
        "x",
    ]
    licences = ["cc-by-sa-4.0", "cc-by-nd-4.0", "other", "llama3.1"]
    return tuple(
        ask(use, model=model, licences=[licence], holder="third-party")
        for model in models
        for licence in licences
        for use in USES.values()
    )


def test_no_answer_calls_anything_illegal() -> None:
    told = " ".join(
        text
        for answer in every_answer()
        for text in (answer.sentence, answer.bound, *answer.conditions, *answer.duties, *answer.unknown)
    )
    assert WRONG.search(told) is None


def test_sentences_are_sentences() -> None:
    for answer in every_answer():
        for link in answer.links:
            assert link.sentence.endswith("."), link.sentence
            assert "  " not in link.sentence
            assert "hw:" not in link.sentence


def test_an_answer_is_plain_data() -> None:
    answer = ask(model="gpt-4", at="2024-06-01")
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer) == answer


@pytest.mark.parametrize("use", USES)
def test_every_named_use_has_an_answer(use: str) -> None:
    assert isinstance(SHIPPED, Registry)
    assert ask(USES[use], model="gpt-4", at="2026-08-01").verdict in ORDER


@pytest.mark.parametrize(
    "model", ["deepseek-chat", "gpt-4o", "claude-3-opus-20240229", "gemini-1.5-pro", "grok-2"]
)
def test_without_a_day_the_strictest_day_counts(model: str) -> None:
    days = [datetime.date(year, month, 1) for year in (2022, 2023, 2024, 2025, 2026) for month in (1, 6, 9)]
    dated = [ask(model=model, at=day).verdict for day in days]
    assert ORDER.index(ask(model=model).verdict) >= max(map(ORDER.index, dated))


def test_what_was_before_the_first_version_is_not_guessed() -> None:
    answer = ask(model="deepseek-chat")
    assert answer.verdict == "unknown"
    assert "2025-01-20" in answer.sentence
    assert ask(model="deepseek-chat", at="2026-08-01").verdict == "allowed"
