"""Columns on consent, opt-out, attribution and personal data."""

from __future__ import annotations

import pytest

from headwater.provenance.terms import Origin, Use, column_kind, load_registry, row_signals


@pytest.mark.parametrize(
    ("column", "value", "kind", "says"),
    [
        ("consent", True, "consent", "allowed"),
        ("consent_given", "no", "consent", "not-allowed"),
        ("User Consent", "granted", "consent", "allowed"),
        ("opt_out", 1, "opt-out", "not-allowed"),
        ("optout", "true", "opt-out", "not-allowed"),
        ("do_not_train", True, "opt-out", "not-allowed"),
        ("attribution_required", "yes", "attribution", "conditional"),
        ("pii", True, "personal-data", "conditional"),
    ],
)
def test_columns(column: str, value: object, kind: str, says: str) -> None:
    assert column_kind(column) == kind
    (signal,) = row_signals({"text": "hello", column: value})
    assert (signal.kind, signal.says) == (kind, says)


@pytest.mark.parametrize(
    "row",
    [{"opt_out": False}, {"pii": 0}, {"consent": "perhaps"}, {"consent": None}, {"text": "consent: yes"}],
)
def test_what_says_nothing(row: dict[str, object]) -> None:
    assert row_signals(row) == ()


@pytest.mark.parametrize("name", ["consenting_adults_story", "author", "no_air", "text", "train_split"])
def test_other_columns(name: str) -> None:
    assert column_kind(name) is None


def test_no_text_of_a_row_is_kept() -> None:
    secret = "a secret sentence"
    assert secret not in repr(row_signals({"consent": True, "text": secret, "author": secret}))


def test_consent_stands_for_a_licence() -> None:
    registry = load_registry()
    with_consent = Origin(human=True, signals=row_signals({"consent": True}))
    without = Origin(human=True, signals=row_signals({"opt_out": True}))
    assert registry.answer(with_consent, Use()).verdict == "allowed"
    assert registry.answer(without, Use()).verdict == "restricted-to"
    assert registry.answer(Origin(human=True), Use()).verdict == "unknown"
