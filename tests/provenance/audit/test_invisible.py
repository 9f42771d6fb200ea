"""Hidden characters: runs that can carry data are told, what scripts and emoji need isn't."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.provenance.audit.invisible import invisible, selected


def as_selectors(data: bytes) -> str:
    """Bytes as variation selectors, as C2PA's text wrapper writes them."""
    return "".join(chr(0xFE00 + b) if b < 16 else chr(0xE0100 + b - 16) for b in data)


def test_a_wrapped_manifest_is_known_by_its_magic() -> None:
    text = "News.\ufeff" + as_selectors(b"C2PATXT\x00" + bytes(40))
    (found,) = invisible(text)
    assert found.name == "c2pa-text"
    assert found.start == 5


@pytest.mark.parametrize(
    ("hidden", "name"),
    [
        ("".join(chr(0xE0000 + ord(c)) for c in "hidden order"), "tag-characters"),
        ("\u200b\u200c" * 8, "zero-width-run"),
        (as_selectors(b"secret bytes here"), "variation-selectors"),
    ],
)
def test_runs_are_told_by_what_they_are_made_of(hidden: str, name: str) -> None:
    (found,) = invisible("before" + hidden + "after")
    assert found == (name, 6, 6 + len(hidden))


@pytest.mark.parametrize(
    "text",
    [
        "👨‍👩‍👧‍👦 family 🏴󠁧󠁢󠁥󠁮󠁧󠁿 flag ❤️ heart",
        "می‌خواهم کتاب‌ها را بخوانم و نمی‌دانم چه‌طور",
        "क्‍ष and ക്‍",
        "\ufeffa text with a mark at its head",
        "plain",
        "soft\u00adhyphen",
    ],
)
def test_what_writing_needs_is_left_alone(text: str) -> None:
    assert invisible(text) == []


def test_marks_throughout_a_text_are_told_once() -> None:
    (found,) = invisible("every\u200b word\u200b has\u200b one\u200b of\u200b them\u200b")
    assert found == ("zero-width-scattered", 5, 6)


@given(st.binary(max_size=60))
def test_selectors_carry_bytes(data: bytes) -> None:
    assert selected(as_selectors(data)) == data


@given(st.text(alphabet=st.characters(), max_size=200))
def test_any_text_is_read_and_places_lie_within_it(text: str) -> None:
    for one in invisible(text):
        assert 0 <= one.start < one.end <= len(text)
