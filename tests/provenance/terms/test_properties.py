"""Laws of an answer: adding never loosens, knowing more never surprises, order and repetition say nothing."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.provenance.terms import (
    NO_SERVICE,
    ORDER,
    Origin,
    Registry,
    Signal,
    Use,
    identify,
    load_registry,
)
from provenance.terms.written import registry, terms, where

REGISTRY = load_registry()
rank = ORDER.index

KNOWN: dict[str, list[Any]] = {
    "competing": [True, False],
    "model_class": ["generative", "classifier", "embedding", "image-generator"],
    "distributed": [True, False],
    "commercial": [True, False],
    "on_service": [NO_SERVICE, "openai", "acme"],
    "model_name": ["Llama-mine", "Mine"],
}


def uses(*, whole: bool = False) -> st.SearchStrategy[Use]:
    """Uses of which some fields, or (`whole`) none, are left unsaid."""

    def one(name: str) -> st.SearchStrategy[Any]:
        known = st.sampled_from(KNOWN[name])
        return known if whole else st.none() | known

    return st.builds(
        Use,
        action=st.sampled_from(["train", "train", "evaluate", "redistribute"]),
        authorised=st.sampled_from([(), ("acme",), ("anthropic", "xai")]),
        **{name: one(name) for name in KNOWN},
    )


MODELS = [
    "gpt-4-0613", "gpt-3.5-turbo", "claude-3-opus-20240229", "gemini-1.5-pro", "meta-llama/Llama-3.1-8B", "Llama-2-7b",
    "google/gemma-2-9b-it", "mixtral-8x7b", "deepseek-chat", "deepseek-r1", "grok-4", "kimi", "sonar-pro", "command-r",
    "vicuna-13b", "openrouter/anthropic/claude-3.5-sonnet", "bedrock/meta.llama3-1-8b-instruct-v1:0", "mistral-large",
    "human", "unheard-of", None,
]  # fmt: skip
LICENCES = ["cc0-1.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "apache-2.0", "other", "llama2", "mine"]
DAYS = [
    datetime.date(2022, 1, 1),
    datetime.date(2023, 7, 1),
    datetime.date(2024, 10, 1),
    datetime.date(2026, 8, 20),
]
SIGNALS = st.builds(
    Signal,
    kind=st.sampled_from(["robots", "aipref", "rsl", "tdmrep", "consent", "attribution"]),
    says=st.sampled_from(["allowed", "not-allowed", "conditional", "unsaid"]),
    duties=st.sampled_from([(), ("name the source",)]),
    conditions=st.sampled_from([(), ("for a payment",)]),
)
ORIGINS = st.builds(
    Origin,
    model=st.sampled_from(MODELS),
    at=st.none() | st.sampled_from(DAYS),
    account_type=st.none() | st.sampled_from(["consumer", "business", "api"]),
    licences=st.lists(st.sampled_from(LICENCES), max_size=2).map(tuple),
    signals=st.lists(SIGNALS, max_size=2).map(tuple),
    router=st.none() | st.sampled_from(["openrouter", "together", "azure"]),
    holder=st.none() | st.sampled_from(["account-holder", "third-party"]),
)


@given(ORIGINS, uses(), st.sampled_from(LICENCES))
@settings(max_examples=300, deadline=None)
def test_a_further_licence_never_loosens(origin: Origin, use: Use, licence: str) -> None:
    before = REGISTRY.answer(origin, use)
    if before.links[0].kind == "licence" and before.links[0].name == "none stated":
        return  # a licence that was missing: knowing more, not adding
    after = REGISTRY.answer(msgspec.structs.replace(origin, licences=(*origin.licences, licence)), use)
    assert rank(after.verdict) >= rank(before.verdict)


@given(ORIGINS, uses(), SIGNALS)
@settings(max_examples=300, deadline=None)
def test_a_further_signal_never_loosens(origin: Origin, use: Use, signal: Signal) -> None:
    before = REGISTRY.answer(origin, use)
    if any(link.name == "none stated" for link in before.links) and signal.says == "allowed":
        return  # a consent that was missing: knowing more, not adding
    after = REGISTRY.answer(msgspec.structs.replace(origin, signals=(*origin.signals, signal)), use)
    assert rank(after.verdict) >= rank(before.verdict)


@given(ORIGINS, uses(), st.sampled_from(["openrouter", "together", "azure", "bedrock"]))
@settings(max_examples=200, deadline=None)
def test_a_router_never_loosens(origin: Origin, use: Use, router: str) -> None:
    bare = msgspec.structs.replace(origin, router=None, model=(origin.model or "").rsplit("/", 1)[-1] or None)
    before = REGISTRY.answer(bare, use)
    after = REGISTRY.answer(msgspec.structs.replace(bare, router=router), use)
    assert rank(after.verdict) >= rank(before.verdict)


@given(ORIGINS, uses(), st.data())
@settings(max_examples=500, deadline=None)
def test_knowing_more_of_the_use_never_surprises(origin: Origin, use: Use, data: st.DataObject) -> None:
    open_ = [name for name in KNOWN if getattr(use, name) is None]
    if not open_:
        return
    name = data.draw(st.sampled_from(open_))
    known = msgspec.structs.replace(use, **{name: data.draw(st.sampled_from(KNOWN[name]))})
    before, after = REGISTRY.answer(origin, use), REGISTRY.answer(origin, known)
    assert after.verdict in before.possible
    assert set(after.possible) <= set(before.possible)


@given(ORIGINS, uses(), st.data())
@settings(max_examples=500, deadline=None)
def test_knowing_more_of_the_origin_never_surprises(origin: Origin, use: Use, data: st.DataObject) -> None:
    choices: dict[str, list[Any]] = {
        "at": DAYS,
        "account_type": ["consumer", "business", "api"],
        "product": ["chatgpt", "openai-api", "claude", "gemini-api", "deepseek-api", "le-chat"],
        "holder": ["account-holder", "third-party"],
    }
    open_ = [name for name in choices if getattr(origin, name) is None]
    if not open_:
        return
    name = data.draw(st.sampled_from(open_))
    model = identify(origin.model or "")
    if name == "product" and model is not None and not model.served:
        return  # the service that published weights ran on is a link of its own
    known = msgspec.structs.replace(origin, **{name: data.draw(st.sampled_from(choices[name]))})
    before, after = REGISTRY.answer(origin, use), REGISTRY.answer(known, use)
    assert after.verdict in before.possible


@given(ORIGINS, uses())
@settings(max_examples=300, deadline=None)
def test_the_verdict_is_possible_and_the_strictest_link(origin: Origin, use: Use) -> None:
    answer = REGISTRY.answer(origin, use)
    assert answer.verdict in answer.possible
    assert rank(answer.verdict) == max(rank(link.verdict) for link in answer.links)
    assert all(link.verdict in link.possible for link in answer.links)


@given(ORIGINS, uses())
@settings(max_examples=200, deadline=None)
def test_order_and_repetition_say_nothing(origin: Origin, use: Use) -> None:
    turned = msgspec.structs.replace(
        origin,
        licences=(*origin.licences[::-1], *origin.licences),
        signals=(*origin.signals[::-1], *origin.signals),
    )
    one, other = REGISTRY.answer(origin, use), REGISTRY.answer(turned, use)
    assert (one.verdict, set(one.links)) == (other.verdict, set(other.links))
    fresh = Registry(dict(reversed(REGISTRY.by_uid.items())))
    assert fresh.answer(origin, use) == one


ACTIONS = [
    "useOutputs",
    "trainAny",
    "trainGenerative",
    "distil",
    "trainCompeting",
    "competeProduct",
    "finetuneOnProvider",
]
CONSTRAINTS = st.sampled_from(
    [
        where("modelClass", "isAnyOf", ["classifier", "embedding"]),
        where("modelClass", "isNoneOf", ["generative"]),
        where("distribution", "eq", "internal"),
        where("commercial", "eq", True),
        where("onService", "neq", "acme"),
        where("priorAuthorization", "eq", False),
        where("competesWith", "eq", "acme"),
    ]
)
RULES = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.lists(CONSTRAINTS, max_size=2)).map(
        lambda pair: (pair[0], *pair[1])
    ),
    max_size=3,
)


@given(RULES, RULES, uses(), uses(whole=True))
@settings(max_examples=400, deadline=None)
def test_any_rules_obey_the_law(permission: Any, prohibition: Any, use: Use, whole: Use) -> None:
    own = registry(terms(permission=permission, prohibition=prohibition))
    origin = Origin(provider="acme", at=datetime.date(2024, 6, 1))
    filled = {name: getattr(whole, name) for name in KNOWN if getattr(use, name) is None}
    before = own.answer(origin, use)
    after = own.answer(origin, msgspec.structs.replace(use, **filled))
    assert after.verdict in before.possible
    harder = registry(terms(permission=permission, prohibition=[*prohibition, "useOutputs"]))
    if not any(
        constraint.get("leftOperand") == "hw:priorAuthorization"
        for rule in permission
        for constraint in rule[1:]
    ):
        assert rank(harder.answer(origin, use).verdict) >= rank(before.verdict) or before.verdict == "unknown"
