"""A file of terms is read whole, or refused with file and field."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError
from headwater.provenance.terms import read_terms
from provenance.terms.written import raw, where


def read(file: dict[str, Any]) -> Any:
    return read_terms(json.dumps(file).encode(), "own.jsonld")


GOOD = raw(
    permission=[
        ("trainCompeting", where("modelClass", "isAnyOf", ["classifier"]), [{"action": "attribute"}])
    ],
    prohibition=["trainCompeting"],
)


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with one field, by its dotted path, set to another value."""
    file = copy.deepcopy(GOOD)
    *way, last = path.split(".")
    inside: Any = file
    for step in way:
        inside = inside[int(step)] if step.isdigit() else inside[step]
    inside[int(last) if last.isdigit() else last] = value
    return file


def test_a_good_file_is_read() -> None:
    terms = read(GOOD)
    assert terms.slug == "acme/terms"
    assert terms.version == "2024-01-01"
    assert [(kind, rule.action) for kind, rule in terms.rules()] == [
        ("permission", "hw:trainCompeting"),
        ("prohibition", "hw:trainCompeting"),
    ]
    assert hash(terms) == hash(read(GOOD))


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("uid", "urn:headwater:terms:acme", "uid"),
        ("uid", "urn:headwater:terms:other:terms:2024-01-01", "hw:provider"),
        ("profile", "urn:other:1", "profile"),
        ("@context", "http://www.w3.org/ns/odrl.jsonld", "@context"),
        ("hw:document.hw:kind", "poem", "hw:document.hw:kind"),
        ("hw:document.hw:nmae", "x", "hw:document"),
        ("hw:covers", [], "hw:covers"),
        ("hw:covers.0.hw:accountType", "rich", "hw:covers.hw:accountType"),
        ("hw:validFrom", "soon", "hw:validFrom"),
        ("hw:validTo", "2023-01-01", "hw:validTo"),
        ("hw:validFromBasis", "felt", "hw:validFromBasis"),
        ("prohibition.0.action", "hw:trainCompetng", "prohibition[2].action"),
        ("prohibition.0.uid", "urn:x#1", "prohibition[1].uid"),
        ("permission.0.constraint.0.operator", "isAlmost", "permission[1].constraint.operator"),
        ("permission.0.constraint.0.leftOperand", "hw:mood", "permission[1].constraint.leftOperand"),
        ("permission.0.constraint.0.rightOperand", ["poet"], "permission[1].constraint.rightOperand"),
        ("permission.0.constraint.0.rightOperand", True, "permission[1].constraint"),
        ("permission.0.duty.0.action", "sing", "permission[1].duty.action"),
        ("prohibition.0.hw:evidence.hw:commit", "abc", "prohibition[2].hw:evidence.hw:commit"),
        ("prohibition.0.hw:evidence.hw:quote", "word " * 100, "prohibition[2].hw:evidence.hw:quote"),
        ("prohibition.0.hw:evidence.hw:confidence", "total", "prohibition[2].hw:evidence.hw:confidence"),
        ("hw:silent", True, "hw:silent"),
        ("unheard-of", 1, None),
    ],
)
def test_a_fault_names_file_and_field(path: str, value: Any, field: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(changed(path, value))
    assert caught.value.where.file == "own.jsonld"
    if field is not None:
        assert caught.value.where.field == field


def test_a_near_word_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(changed("prohibition.0.action", "hw:trainCompetng"))
    assert caught.value.hint == "did you mean hw:trainCompeting?"


def test_a_prohibition_does_not_prohibit_what_was_authorised() -> None:
    file = raw(prohibition=[("trainAny", where("priorAuthorization", "eq", True))])
    with pytest.raises(ConfigurationError, match="prohibits what was authorised"):
        read(file)


def test_a_file_without_rules_says_that_it_is_silent() -> None:
    file = raw()
    assert read(file).silent
    del file["hw:silent"]
    with pytest.raises(ConfigurationError, match="has no rule"):
        read(file)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'"x"' * 100_000])
def test_what_is_no_file_of_terms_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigurationError):
        read_terms(data, "own.jsonld")


def test_constraints_are_not_nested_without_end() -> None:
    constraint: dict[str, Any] = where("commercial", "eq", True)
    for _ in range(50):
        constraint = {"and": [constraint]}
    with pytest.raises(ConfigurationError, match="nested too deep"):
        read(raw(prohibition=[("trainAny", constraint)]))


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(ConfigurationError):
        read_terms(data, "own.jsonld")
