"""The form of API keys: what is made can be read, no typing error passes, and scanners find it."""

from __future__ import annotations

import hmac
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.identity.worlds import drawn
from headwater.control.identity import new_key, parse_key, pattern
from headwater.control.identity.api_key import Keyed, secret_digest
from headwater.errors import HeadwaterError, UsageError
from headwater.keys import Pepper

NAMES = st.from_regex(r"[a-z][a-z0-9]{1,15}", fullmatch=True)
KEY = new_key("hw", "live", drawn())


@given(NAMES, NAMES, st.binary(min_size=10, max_size=10), st.binary(min_size=24, max_size=24))
def test_what_is_made_can_be_read(prefix: str, environment: str, public: bytes, secret: bytes) -> None:
    drawn = iter((public, secret))
    text = new_key(prefix, environment, lambda _: next(drawn))
    parts = parse_key(text)
    assert (parts.prefix, parts.environment) == (prefix, environment)
    assert text.startswith(f"{prefix}_{environment}_{parts.public}_")
    assert parts.secret.decode() not in repr(parts)
    assert re.fullmatch(pattern(prefix, (environment, "other")), text)


def test_different_bytes_give_different_keys() -> None:
    texts = {new_key("hw", "live", lambda size, at=at: at.to_bytes(size)) for at in range(200)}
    assert len(texts) == 200


@pytest.mark.parametrize("at", range(len(KEY)))
def test_no_single_character_can_be_mistyped(at: int) -> None:
    for other in string.printable + "éａ\u202e":
        if other != KEY[at]:
            with pytest.raises(UsageError):
                parse_key(KEY[:at] + other + KEY[at + 1 :])


@pytest.mark.parametrize("at", range(len(KEY)))
def test_no_character_can_be_left_out_doubled_or_swapped(at: int) -> None:
    wrong = [KEY[:at] + KEY[at + 1 :], KEY[:at] + KEY[at] + KEY[at:]]
    if at and KEY[at] != KEY[at - 1]:
        wrong.append(KEY[: at - 1] + KEY[at] + KEY[at - 1] + KEY[at + 1 :])
    for text in wrong:
        with pytest.raises(UsageError):
            parse_key(text)


@given(st.text(max_size=300))
def test_no_text_is_quoted_in_an_error(text: str) -> None:
    with pytest.raises(HeadwaterError) as error:
        parse_key(text + "!")
    if len(text) > 12:
        assert text not in str(error.value)
        assert text not in (error.value.hint or "")


def test_a_key_is_found_among_other_text() -> None:
    found = re.findall(pattern("hw", ("live", "test")), f'token="{KEY}"; other_{KEY}x {KEY.upper()}')
    assert found == [KEY]


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_the_kept_state_gives_the_hmac_of_the_standard_library(pepper: bytes, secret: bytes) -> None:
    expected = hmac.new(pepper, secret, "sha256").digest()
    assert Keyed(Pepper(pepper)).digest(secret) == expected
    assert secret_digest(Pepper(pepper), secret) == expected


@pytest.mark.parametrize("prefix", ["", "h", "HW", "hw_", "1hw", "hw-live", "h" * 17, "hẃ"])
def test_a_prefix_is_small_letters_and_digits(prefix: str) -> None:
    with pytest.raises(UsageError, match="prefix"):
        new_key(prefix, "live", drawn())
