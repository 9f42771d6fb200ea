"""What a column makes of one value."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.exchange.model import EXCHANGE_COLUMNS, IMPRINT_TYPE
from headwater.exchange.values import SHORT, ValueFaultError, converter

KINDS = {column.name: column.type for column in EXCHANGE_COLUMNS}

IMPRINT: dict[str, Any] = {
    "exact": 2**64 - 1,
    "skeleton": 2,
    "opening": 3,
    "closing": 4,
    "minimisers": list(range(8)),
    "sketch": [-128, 127] * 64,
    "chars": 5,
    "words": 1,
    "script": 1,
    "intents": 0,
    "passages": None,
}


def of(column: str, value: object) -> object:
    return converter(KINDS[column])(value)


@pytest.mark.parametrize(
    ("column", "value", "held"),
    [
        ("id", 17, "17"),
        ("id", "x" * SHORT, "x" * SHORT),
        ("model", "", None),
        ("prompt", "", ""),
        ("turn", "3", 3),
        ("turn", 3.0, 3),
        ("turn", "", None),
        ("input_tokens", float("nan"), None),
        ("status", "200", 200),
        ("temperature", "0.5", 0.5),
        ("temperature", 1, 1.0),
        ("temperature", float("inf"), None),
        ("latency_ms", "NaN", None),
        ("latency_ms", 1e300, 1e300),
        ("stream", "TRUE", True),
        ("stream", 0, False),
        ("stream", "", None),
        ("seed", -(2**63), -(2**63)),
        ("imprint", IMPRINT, IMPRINT),
    ],
)
def test_what_is_understood(column: str, value: object, held: object) -> None:
    assert of(column, value) == held


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("id", True, "is true or false, not text"),
        ("id", ["a"], "is a list of length 1, not text"),
        ("id", 1.5, "is a number, not text"),
        ("id", "x" * (SHORT + 1), "is text of length 4,097, longer than 4,096"),
        ("prompt", 5, "is a number, not text"),
        ("prompt", {"a": 1}, "is an object of size 1, not text"),
        ("turn", "three", "is text of length 5, not a whole number"),
        ("turn", 1.5, "is a number, not a whole number"),
        ("turn", 2**31, "is a number out of range"),
        ("turn", True, "is true or false, not a whole number"),
        ("seed", 2**63, "is a number out of range"),
        ("temperature", "hot", "is text of length 3, not a number"),
        ("temperature", 1e300, "is a number out of range"),
        ("temperature", 10**400, "is a number out of range"),
        ("stream", "maybe", "is text of length 5, neither true nor false"),
        ("stream", 2, "is a number, neither true nor false"),
        ("imprint", {**IMPRINT, "exact": None}, "is no imprint of this version"),
        ("imprint", {**IMPRINT, "exact": 2**64}, "is no imprint of this version"),
        ("imprint", {**IMPRINT, "minimisers": [1]}, "is no imprint of this version"),
        ("imprint", {**IMPRINT, "sketch": [None] * 128}, "is no imprint of this version"),
        ("imprint", {}, "is no imprint of this version"),
        ("imprint", "{", "is no imprint of this version"),
    ],
)
def test_what_is_refused_and_in_which_words(column: str, value: object, words: str) -> None:
    with pytest.raises(ValueFaultError) as caught:
        of(column, value)
    assert str(caught.value) == words


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([name for name in KINDS if name != "at"]), anything)
def test_any_value_fits_its_column_or_is_a_fault(column: str, value: object) -> None:
    try:
        held: Any = of(column, value)
    except ValueFaultError:
        return
    assert held is None or isinstance(held, str | bool | int | float | dict)
    assert not isinstance(held, float) or math.isfinite(held)
    if isinstance(held, dict):
        assert set(held) >= {field.name for field in IMPRINT_TYPE} - {"passages"}
