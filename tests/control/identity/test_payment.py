"""A means of payment is a fingerprint: what looks like a card number is refused, wherever it is written."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.control.identity import fingerprint, looks_like_card
from headwater.errors import UsageError

#: Numbers that card networks publish for tests.
CARDS = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "3530111333300000"]


def forms(card: str) -> list[str]:
    groups = [card[at : at + 4] for at in range(0, len(card), 4)]
    return [
        card,
        " ".join(groups),
        "-".join(groups),
        f"card:{card}",
        f"pan={'.'.join(groups)};exp=12/27",
        f"{' '.join(groups)} 12/27",
        "".join(chr(0xFF10 + int(digit)) for digit in card),
        f"fingerprint_{card}",
    ]


@pytest.mark.parametrize("card", CARDS)
def test_a_card_number_is_refused_in_any_form(card: str) -> None:
    for text in forms(card):
        assert looks_like_card(text), len(text)
        with pytest.raises(UsageError) as error:
            fingerprint(text)
        assert card not in f"{error.value} {error.value.hint}"


@given(st.binary(max_size=64))
def test_a_hash_is_taken(data: bytes) -> None:
    for text in (hashlib.sha256(data).hexdigest(), f"sha256:{hashlib.sha256(data).hexdigest()}"):
        assert fingerprint(text) == text


@pytest.mark.parametrize("text", ["Xt5EWLLDS7FJjR1c", "pm_1NqLx2eZvKYlo2CgY4mG0Abc"])
def test_a_fingerprint_of_a_provider_is_taken(text: str) -> None:
    assert fingerprint(text) == text


@pytest.mark.parametrize(
    "text", ["", "short", "1" * 20, "a" * 129, "with space inside it", "ümlaut-fingerprint-x"]
)
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        fingerprint(text)


@given(st.text(max_size=500))
def test_any_text_has_an_answer(text: str) -> None:
    assert looks_like_card(text) in (True, False)
