"""Licences as they are written in columns and cards."""

from __future__ import annotations

import pytest

from headwater.provenance.terms import USES, Origin, Use, licence, load_registry

TRAIN = USES["train-competing"]


def verdict(written: str, use: Use = TRAIN) -> str:
    answer = load_registry().answer(Origin(human=True, licences=(written,)), use)
    return answer.verdict


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("cc0-1.0", "allowed"),
        ("CC0", "allowed"),
        ("mit", "allowed"),
        ("MIT License", "allowed"),
        ("Apache 2.0", "allowed"),
        ("apache-2.0", "allowed"),
        ("cdla-permissive-2.0", "allowed"),
        ("cc-by-4.0", "allowed-with-duties"),
        ("CC BY 4.0", "allowed-with-duties"),
        ("Creative Commons BY 4.0 International", "allowed-with-duties"),
        ("https://creativecommons.org/licenses/by/4.0/", "allowed-with-duties"),
        ("odc-by", "allowed-with-duties"),
        ("cc-by-sa-4.0", "allowed-with-duties"),
        ("odbl", "allowed-with-duties"),
        ("gpl-3.0", "allowed-with-duties"),
        ("bigscience-openrail-m", "allowed-with-duties"),
        ("cc-by-nc-4.0", "restricted-to"),
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/", "restricted-to"),
        ("cc-by-nd-4.0", "unknown"),
        ("other", "unknown"),
        ("unknown", "unknown"),
        ("proprietary", "unknown"),
        ("unlicensed", "unknown"),
        ("my own licence", "unknown"),
        ("x" * 1000, "unknown"),
        ("llama3.1", "allowed-with-duties"),
        ("llama2", "prohibited-by-contract"),
        ("gemma", "allowed-with-duties"),
    ],
)
def test_verdicts(written: str, expected: str) -> None:
    assert verdict(written) == expected


def test_a_near_name_is_not_taken() -> None:
    assert licence("cc-by-5.0") is None
    assert licence("apache-3") is None


def test_commercial_use_decides_what_is_not_commercial() -> None:
    assert verdict("cc-by-nc-4.0", Use(commercial=False)) == "allowed-with-duties"
    assert verdict("cc-by-nc-4.0", Use()) == "restricted-to"


def test_what_is_not_settled_is_said() -> None:
    answer = load_registry().answer(Origin(human=True, licences=("cc-by-sa-4.0",)), TRAIN)
    assert any("adaptation is not settled" in text for text in answer.unknown)
    assert "share adaptations under the same licence" in answer.duties


def test_notices_are_asked_of_who_passes_data_on() -> None:
    assert verdict("mit", USES["redistribute"]) == "allowed-with-duties"
    assert verdict("mit", USES["evaluate"]) == "allowed"


def test_openai_as_a_licence_leads_to_its_terms() -> None:
    answer = load_registry().answer(Origin(human=True, licences=("openai",)), TRAIN)
    assert answer.verdict == "prohibited-by-contract"
