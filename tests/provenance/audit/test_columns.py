"""What columns are for: told by name wherever they stand, or by the user; everything else that is text is searched."""

from __future__ import annotations

import pytest

from headwater.provenance.audit import Columns


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("generator", "generator"),
        ("Model Name", "generator"),
        ("modelName", "generator"),
        ("response-model", "generator"),
        ("License", "licence"),
        ("is_synthetic", "synthetic"),
        ("created_at", "date"),
        ("AIGC", "label"),
        ("user_consent", "rights"),
        ("remodel", None),
        ("text", None),
    ],
)
def test_a_name_tells_a_role(name: str, role: str | None) -> None:
    assert Columns().role(name) == role


def test_texts_and_claims_are_found_at_any_depth() -> None:
    texts, claims, whole = Columns().look(
        {
            "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
            "metadata": {"model": "gpt-4", "n": 3},
            "completions": [{"model": "a", "response": "x"}, {"model": "b", "response": "y"}],
        }
    )
    assert whole
    assert ("messages[1].content", "Hello") in [tuple(text) for text in texts]
    assert [(claim.path, claim.value) for claim in claims] == [
        ("metadata.model", "gpt-4"),
        ("completions[0].model", "a"),
        ("completions[1].model", "b"),
    ]


def test_a_long_value_in_a_claiming_column_is_text() -> None:
    texts, claims, _ = Columns().look({"source": "x" * 1000})
    assert len(texts) == 1
    assert not claims


def test_the_user_knows_better() -> None:
    columns = Columns({"label": "generator", "model": None})
    texts, claims, _ = columns.look({"label": "gpt-4", "model": "a car"})
    assert [claim.value for claim in claims] == ["gpt-4"]
    assert [text.text for text in texts] == ["a car"]


def test_only_the_columns_that_are_named_are_searched() -> None:
    texts, claims, _ = Columns(text=frozenset({"answer"})).look(
        {"prompt": "p", "answer": {"parts": ["a"]}, "model": "gpt-4"}
    )
    assert [text.path for text in texts] == ["answer.parts[0]"]
    assert len(claims) == 1


def test_what_lies_too_deep_is_said_to_be_unread() -> None:
    value: object = "deep"
    for _ in range(50):
        value = [value]
    texts, _, whole = Columns().look({"a": value, "b": "seen"})
    assert not whole
    assert [text.text for text in texts] == ["seen"]
