"""What rules say of a use: exceptions, conditions, duties, and what isn't said."""

from __future__ import annotations

import datetime

import msgspec
import pytest

from headwater.provenance.terms import NO_SERVICE, USES, Origin, Use
from provenance.terms.written import registry, terms, where

#: Long after any fixture's first version.
DAY = datetime.date(2026, 1, 1)
COMPETING = USES["train-competing"]
CLASSIFIER = msgspec.structs.replace(COMPETING, model_class="classifier", distributed=False)
COMMERCIAL = terms(
    permission=[
        (
            "trainCompeting",
            where("modelClass", "isAnyOf", ["classifier", "embedding"]),
            where("distribution", "eq", "internal"),
        ),
        "finetuneOnProvider",
    ],
    prohibition=["trainCompeting"],
)


def ask(file: object, use: Use, **origin: object) -> object:
    return registry(file).answer(Origin(**{"provider": "acme", "at": DAY, **origin}), use)


def verdict(file: object, use: Use) -> str:
    return ask(file, use).verdict


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (COMPETING, "prohibited-by-contract"),
        (CLASSIFIER, "allowed"),
        (msgspec.structs.replace(CLASSIFIER, distributed=True), "prohibited-by-contract"),
        (msgspec.structs.replace(CLASSIFIER, distributed=None), "restricted-to"),
        (msgspec.structs.replace(COMPETING, on_service="acme"), "allowed"),
        (msgspec.structs.replace(COMPETING, on_service="other"), "prohibited-by-contract"),
        (msgspec.structs.replace(COMPETING, competing=False), "allowed"),
        (USES["finetune-on-provider"], "allowed"),
        (Use(), "restricted-to"),
        (USES["evaluate"], "unknown"),
        (USES["redistribute"], "unknown"),
    ],
)
def test_a_prohibition_with_exceptions(use: Use, expected: str) -> None:
    assert verdict(COMMERCIAL, use) == expected


def test_what_a_restricted_use_is_restricted_to_is_said() -> None:
    answer = ask(COMMERCIAL, Use())
    assert "not for developing a model that competes with acme" in answer.conditions
    assert any("the model is a classifier or an embedding model" in text for text in answer.conditions)


def test_a_wider_permission_is_no_exception() -> None:
    own = terms(
        permission=["useOutputs", ("trainAny", where("distribution", "eq", "internal"))],
        prohibition=["trainCompeting"],
    )
    assert verdict(own, msgspec.structs.replace(COMPETING, distributed=False)) == "prohibited-by-contract"


@pytest.mark.parametrize(
    ("action", "use", "expected"),
    [
        ("trainAny", Use(model_class="classifier"), "prohibited-by-contract"),
        ("trainGenerative", Use(model_class="classifier"), "allowed"),
        ("trainGenerative", Use(model_class="generative"), "prohibited-by-contract"),
        ("distil", Use(), "restricted-to"),
        ("improveOtherModels", Use(model_class="generative"), "prohibited-by-contract"),
        ("competeProduct", COMPETING, "prohibited-by-contract"),
        ("trainImageGenerator", COMPETING, "allowed"),
        ("evaluate", USES["evaluate"], "prohibited-by-contract"),
        ("redistributeOutputs", USES["redistribute"], "prohibited-by-contract"),
        ("useOutputs", USES["evaluate"], "prohibited-by-contract"),
        ("collectSystematically", COMPETING, "unknown"),
        ("stripMarks", COMPETING, "unknown"),
    ],
)
def test_actions(action: str, use: Use, expected: str) -> None:
    assert verdict(terms(prohibition=[action]), use) == expected


def test_collecting_is_said_beside() -> None:
    answer = ask(terms(prohibition=["trainCompeting", "collectSystematically"]), COMPETING)
    assert any("collecting outputs systematically" in text for text in answer.unknown)


def test_authorisation() -> None:
    unless = terms(prohibition=[("trainAny", where("priorAuthorization", "eq", False))])
    assert verdict(unless, COMPETING) == "prohibited-by-contract"
    assert verdict(unless, msgspec.structs.replace(COMPETING, authorised=("acme",))) == "allowed"
    assert (
        verdict(unless, msgspec.structs.replace(COMPETING, authorised=("other",))) == "prohibited-by-contract"
    )
    first = terms(permission=[("trainAny", [{"action": "hw:obtainAuthorization"}])])
    assert verdict(first, COMPETING) == "restricted-to"
    assert verdict(first, msgspec.structs.replace(COMPETING, authorised=("acme",))) == "allowed"


def test_or_and_and() -> None:
    either = {"or": [where("commercial", "eq", True), where("distribution", "eq", "distributed")]}
    own = terms(prohibition=[("trainAny", either)])
    assert verdict(own, Use(commercial=False, distributed=False)) == "allowed"
    assert verdict(own, Use(commercial=True, distributed=False)) == "prohibited-by-contract"
    assert verdict(own, Use(commercial=False)) == "restricted-to"
    both = {"and": [where("commercial", "eq", True), where("distribution", "eq", "distributed")]}
    assert (
        verdict(terms(prohibition=[("trainAny", both)]), Use(commercial=True, distributed=False)) == "allowed"
    )


def test_outputs_of_another_kind() -> None:
    own = terms(permission=["useOutputs"], prohibition=[("trainAny", where("modality", "eq", "image"))])
    assert verdict(own, COMPETING) == "allowed"
    assert verdict(own, msgspec.structs.replace(COMPETING, modality="image")) == "prohibited-by-contract"


NAMED = terms(
    permission=[
        (
            "trainAny",
            [
                {
                    "action": "hw:nameModelWithPrefix",
                    "constraint": [
                        where("namePrefix", "eq", "Llama"),
                        where("distribution", "eq", "distributed"),
                    ],
                },
                {"action": "attribute", "hw:text": "Built with Llama"},
            ],
        )
    ]
)


def test_a_duty_of_naming_is_checked() -> None:
    free = ask(NAMED, COMPETING)
    assert free.verdict == "allowed-with-duties"
    assert (
        free.duties == ("show “Built with Llama”",)
        or "begin the trained model's name with “Llama”" in free.duties
    )
    good = ask(NAMED, msgspec.structs.replace(COMPETING, model_name="llama-mine"))
    assert good.verdict == "allowed-with-duties"
    assert good.duties == ("show “Built with Llama”",)
    bad = ask(NAMED, msgspec.structs.replace(COMPETING, model_name="Mine"))
    assert bad.verdict == "restricted-to"
    assert bad.conditions[-1].endswith("the name given does not")
    inside = msgspec.structs.replace(COMPETING, model_name="Mine", distributed=False)
    assert ask(NAMED, inside).verdict == "allowed-with-duties"


def test_a_permission_that_does_not_hold_restricts() -> None:
    own = terms(permission=[("trainAny", where("commercial", "eq", False))])
    assert verdict(own, Use(commercial=True)) == "restricted-to"
    assert verdict(own, Use(commercial=False)) == "allowed"


def test_a_silent_document_leaves_others_to_speak() -> None:
    silent = terms("acme", "policy")
    both = registry(silent, terms(prohibition=["trainAny"]))
    assert both.answer(Origin(provider="acme"), COMPETING).verdict == "prohibited-by-contract"
    assert registry(silent).answer(Origin(provider="acme"), COMPETING).verdict == "unknown"


def test_no_service_is_not_an_unsaid_service() -> None:
    own = terms(permission=["finetuneOnProvider"], prohibition=["trainAny"])
    assert verdict(own, Use(on_service=NO_SERVICE)) == "prohibited-by-contract"
    assert verdict(own, Use()) == "restricted-to"
