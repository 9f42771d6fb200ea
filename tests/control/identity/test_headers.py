"""Headers that say who asks: one credential, names of ours from nobody but trusted proxies, nothing smuggled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.control.identity import Refusal, account_of, bearer_of, is_ours, passed_on, plain_name

HEADER = b"X-Team-Account"
SPELLINGS = [
    b"x-headwater-account",
    b"X_HEADWATER_ACCOUNT",
    b"X-Headwater_Account",
    b" x-headwater-account\t",
]


def test_each_client_has_its_carrier() -> None:
    assert bearer_of([(b"Authorization", b"Bearer abc")]) == b"abc"
    assert bearer_of([(b"authorization", b"bearer  abc ")]) == b"abc"
    assert bearer_of([(b"X-Api-Key", b"abc")]) == b"abc"
    assert bearer_of([(b"api-key", b"abc")]) == b"abc"
    assert bearer_of([(b"accept", b"*/*")]) is None


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
        [(b"authorization", b"Bearer a"), (b"x-api-key", b"b")],
    ],
)
def test_two_credentials_are_none(headers: list[tuple[bytes, bytes]]) -> None:
    assert bearer_of(headers) is Refusal.AMBIGUOUS
    assert bearer_of([*headers[:1], (b"x-api-key", b"a")]) == b"a"


@pytest.mark.parametrize("value", [b"Basic YTpi", b"Bearer", b"Bearer ", b"Bearer a b", b"Bearer a,b", b"a"])
def test_what_is_no_bearer_is_refused(value: bytes) -> None:
    assert bearer_of([(b"authorization", value)]) is Refusal.MALFORMED


def test_a_megabyte_is_too_large() -> None:
    assert bearer_of([(b"authorization", b"Bearer " + b"a" * 1_000_000)]) is Refusal.TOO_LARGE


@pytest.mark.parametrize("name", SPELLINGS)
def test_our_names_never_pass(name: bytes) -> None:
    assert is_ours(name)
    assert passed_on([(name, b"root"), (b"accept", b"*/*")]) == [(b"accept", b"*/*")]


@pytest.mark.parametrize(
    "name", [b"x-team-account", b"X_TEAM_ACCOUNT", b"x-team_account", b"X-Team-Account "]
)
def test_the_proxys_name_never_passes_either(name: bytes) -> None:
    assert passed_on([(name, b"root")], HEADER) == []


def test_credentials_stay_here() -> None:
    sent = [(b"Authorization", b"Bearer a"), (b"X-API-Key", b"a"), (b"Api_Key", b"a"), (b"host", b"h")]
    assert passed_on(sent) == [(b"host", b"h")]


def test_only_a_trusted_proxy_names_an_account() -> None:
    sent = [(b"x-team-account", b"bot")]
    assert account_of(sent, HEADER, trusted=True) == "bot"
    assert account_of(sent, HEADER, trusted=False) is None
    assert account_of(sent, b"", trusted=True) is None
    assert account_of([], HEADER, trusted=True) is None
    assert account_of([(b"x-team-account", b" ")], HEADER, trusted=True) is None


@pytest.mark.parametrize(
    "sent",
    [
        [(b"x-team-account", b"bot"), (b"X-Team-Account", b"root")],
        [(b"x-team-account", b"bot"), (b"x_team_account", b"root")],
        [(b"x_team_account", b"root")],
        [(b"x-team-account ", b"root")],
    ],
)
def test_a_smuggled_name_is_refused(sent: list[tuple[bytes, bytes]]) -> None:
    assert account_of(sent, HEADER, trusted=True) is Refusal.AMBIGUOUS


def test_unicode_names_no_account() -> None:
    assert account_of([(b"x-team-account", "böt".encode())], HEADER, trusted=True) is Refusal.MALFORMED


@given(st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=30)), max_size=8))
def test_what_passes_holds_nothing_of_ours(headers: list[tuple[bytes, bytes]]) -> None:
    for name, _ in passed_on(headers, HEADER):
        assert not plain_name(name).startswith(b"x-headwater-")
        assert plain_name(name) not in (b"authorization", b"x-api-key", b"api-key", b"x-team-account")
