"""Content-Usage as a structured field. Examples of ietf-wg-aipref/drafts @7ca0afce, `draft-ietf-aipref-vocab.md`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.provenance.terms import read_content_usage
from headwater.provenance.terms.signals.aipref import combined, preference
from headwater.provenance.terms.signals.structured import tokens


@pytest.mark.parametrize(
    ("field", "train", "search"),
    [
        ("train-ai=n", "not-allowed", "unsaid"),
        ("train-ai=y, search=n", "allowed", "not-allowed"),
        ('train-ai=y, train-ai, search=n, search="n"', "unsaid", "unsaid"),
        ("train-ai;allow=n, train-ai=y", "allowed", "unsaid"),
        ('train-ai;has;parameters="?";', "unsaid", "unsaid"),
        ("Train-AI=n", "unsaid", "unsaid"),
        ("train-ai=N", "unsaid", "unsaid"),
        ("train-ai=n,", "unsaid", "unsaid"),
        ("train-ai=n search=y", "unsaid", "unsaid"),
        ("train-ai=(y n), search=y", "unsaid", "allowed"),
        ("train-ai=?0, search=1.5", "unsaid", "unsaid"),
        ("other=:aGk=:, train-ai=n;x=@1;y=(a)", "unsaid", "unsaid"),
        ("other=:aGk=:, train-ai=n;x=@1", "not-allowed", "unsaid"),
        ("  train-ai=n  ", "not-allowed", "unsaid"),
        ("train-ai=n\t,\tsearch=y", "not-allowed", "allowed"),
        ("", "unsaid", "unsaid"),
        ("train-ai=ñ", "unsaid", "unsaid"),
        ("x" * 20_000 + "=n", "unsaid", "unsaid"),
    ],
)
def test_statements(field: str, train: str, search: str) -> None:
    assert preference(field) == train
    assert preference(field, "search") == search


def test_the_most_restrictive_statement_counts() -> None:
    assert combined(["allowed", "not-allowed", "unsaid"]) == "not-allowed"
    assert combined(["unsaid", "allowed"]) == "allowed"
    assert combined([]) == "unsaid"


def test_a_header_becomes_a_signal() -> None:
    signal = read_content_usage("train-ai=n")
    assert (signal.kind, signal.says, signal.binds, signal.quote) == (
        "aipref",
        "not-allowed",
        "anyone",
        "train-ai=n",
    )


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_any_field_is_read_or_not(field: str) -> None:
    found = tokens(field)
    assert found is None or all(isinstance(key, str) for key in found)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z*][a-z0-9_.*-]{0,8}", fullmatch=True),
        st.sampled_from(["y", "n", "abc"]),
        max_size=5,
    )
)
def test_what_is_written_is_read(pairs: dict[str, str]) -> None:
    assert tokens(", ".join(f"{key}={value}" for key, value in pairs.items())) == pairs
