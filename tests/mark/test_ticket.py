"""Tickets: known answers, what is sealed is read by who has the key, and nothing else is."""

from __future__ import annotations

import base64
import json
import string
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError, UsageError
from headwater.keys import TicketKey, parse_ticket_keys
from headwater.mark import Ticket, TicketError, TicketSigner, TicketVerifier
from headwater.mark.ticket import AHEAD_S, LAYERS, LONGEST_S, LONGEST_TEXT

_VECTORS = json.loads((Path(__file__).parents[1] / "vectors/marks/ticket.json").read_text())
_KEY = TicketKey(bytes(range(32)))
_TICKET = Ticket(account="acct-7", layer="flagged", issued=1000, expires=1600, request="req-1")

_names = st.text(min_size=1, max_size=200).filter(str.isprintable)
_tickets = st.builds(
    lambda account, layer, issued, lasts, epoch, request: Ticket(
        account=account, layer=layer, issued=issued, expires=issued + lasts, epoch=epoch, request=request
    ),
    _names, st.sampled_from(LAYERS), st.integers(0, 1 << 39), st.integers(1, LONGEST_S), _names | st.just(""),
    _names | st.just(""),
)  # fmt: skip


def sign(ticket: Ticket, key: TicketKey) -> str:
    return TicketSigner(key).sign(ticket)


def verified(text: object, keys: Sequence[TicketKey], at_s: float | None) -> Ticket:
    return TicketVerifier(keys).verified(text, at_s)


@pytest.mark.parametrize("vector", _VECTORS, ids=lambda vector: vector["fields"]["layer"])
def test_known_answers(vector: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = parse_ticket_keys(vector["key"])
    ticket = Ticket(**vector["fields"])
    with monkeypatch.context() as patched:
        patched.setattr("headwater.keys.ticket_key.urandom", lambda _: bytes.fromhex(vector["nonce"]))
        assert sign(ticket, keys[0]) == vector["text"]
    assert verified(vector["text"], keys, None) == ticket


@given(_tickets, st.binary(min_size=32, max_size=32), st.integers(1, 10**9 - 1))
def test_what_is_signed_is_read_in_its_time(ticket: Ticket, secret: bytes, version: int) -> None:
    key = TicketKey(secret, version)
    text = sign(ticket, key)
    assert len(text) <= LONGEST_TEXT
    assert text.isascii()
    for at_s in (ticket.issued - AHEAD_S, ticket.issued, ticket.expires - 1, None):
        assert verified(text, [key], at_s) == ticket
    for at_s, told in ((ticket.expires, "expired"), (ticket.issued - AHEAD_S - 1, "future")):
        with pytest.raises(TicketError, match=told):
            verified(text, [key], at_s)


@given(st.data())
def test_no_changed_text_is_read(data: st.DataObject) -> None:
    text = sign(_TICKET, _KEY)
    at = data.draw(st.integers(0, len(text) - 1))
    kind = data.draw(st.sampled_from(["change", "cut", "put", "drop"]))
    letter = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_.= \n"))
    changed = {
        "change": text[:at] + letter + text[at + 1 :],
        "cut": text[:at],
        "put": text[:at] + letter + text[at:],
        "drop": text[:at] + text[at + 1 :],
    }[kind]
    if changed == text:
        return
    with pytest.raises(TicketError):
        verified(changed, [_KEY], 1200)


@pytest.mark.parametrize(
    "text",
    [
        None, 7, 1.5, [], {}, b"HWT2.1.a", "", ".", "...", "HWT2", "HWT2.1", "HWT2.1.", "HWT3.1.a", "HWT2.01.a",
        "HWT2.1.a.b", "HWT2.-1.a", "HWT2.1.ä", "HWT2." + "1" * 4000, "HWT2.1." + "A" * LONGEST_TEXT,
        "HWT2.1.\x00", "HWT2.1.===", "HWT2.1.A", "HWT2.1." + "A" * 16, "HWT2.1." + "A" * 38, "HWT2.1." + "A" * 379,
        "HWT1.1.eyJhY2NvdW50IjoiYSJ9.AAAA",
    ],
)  # fmt: skip
def test_what_is_no_ticket_is_refused_and_not_quoted(text: object) -> None:
    with pytest.raises(TicketError) as error:
        verified(text, [_KEY], 1200)
    if isinstance(text, str) and len(text) > 3:
        assert text not in str(error.value)


def _signed(payload: bytes) -> str:
    """Any payload under the right key, as another version of ours might seal it."""
    sealed = _KEY.seal().sealed(payload, b"headwater mark ticket\x00HWT2.1.")
    return "HWT2.1." + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


_GOOD = {"account": "a", "layer": "default", "issued": 1000, "expires": 1600}


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"null", b"[]", b"{", b"\xff", b"[" * 2500, json.dumps({**_GOOD, "more": 1}).encode(),
        json.dumps({**_GOOD, "layer": "loud"}).encode(), json.dumps({**_GOOD, "account": ""}).encode(),
        json.dumps({**_GOOD, "account": "x" * 201}).encode(), json.dumps({**_GOOD, "account": "a\nb"}).encode(),
        json.dumps({**_GOOD, "expires": 999}).encode(), json.dumps({**_GOOD, "expires": 1000 + LONGEST_S + 1}).encode(),
        json.dumps({**_GOOD, "issued": 1e99}).encode(), json.dumps({**_GOOD, "issued": True}).encode(),
        json.dumps({"account": "a", "layer": "default", "issued": 1}).encode(),
    ],
)  # fmt: skip
def test_signed_fields_that_arent_known_are_refused(payload: bytes) -> None:
    assert verified(_signed(json.dumps(_GOOD).encode()), [_KEY], 1200).account == "a"
    with pytest.raises(TicketError, match="says what isn't known"):
        verified(_signed(payload), [_KEY], 1200)


def test_a_key_is_rotated_while_both_sides_run() -> None:
    new = TicketKey(bytes(range(1, 33)), 2)
    old_text, new_text = sign(_TICKET, _KEY), sign(_TICKET, new)
    for text in (old_text, new_text):
        assert verified(text, [new, _KEY], 1200) == _TICKET
    with pytest.raises(TicketError, match="key that isn't accepted"):
        verified(old_text, [new], 1200)


def test_another_key_of_the_same_version_signs_nothing_here() -> None:
    with pytest.raises(TicketError, match="seal is wrong"):
        verified(sign(_TICKET, TicketKey(bytes(32))), [_KEY], 1200)


@pytest.mark.parametrize(
    "fields",
    [{"account": ""}, {"account": "a\x00"}, {"account": "x" * 201}, {"epoch": "\n"}, {"request": "x" * 201},
     {"issued": -1}, {"expires": 999}, {"expires": 1 << 50}],
)  # fmt: skip
def test_a_ticket_that_nobody_could_read_isnt_made(fields: dict) -> None:
    with pytest.raises(UsageError):
        Ticket(**{"account": "a", "layer": "default", "issued": 1000, "expires": 1600, **fields})


def test_a_key_is_never_shown() -> None:
    assert _KEY.secret.hex()[:16] not in repr(_KEY)
    assert str(_KEY.secret)[2:10] not in repr(_KEY.seal())


@given(_names, _names | st.just(""), _names | st.just(""))
def test_who_has_no_key_can_tell_neither_account_nor_layer(account: str, epoch: str, request: str) -> None:
    shown = {}
    for layer in LAYERS:
        ticket = Ticket(account=account, layer=layer, issued=1000, expires=1600, epoch=epoch, request=request)
        first, second = sign(ticket, _KEY), sign(ticket, _KEY)
        assert first != second
        assert len(first) == len(second)
        last = first.split(".")[2]
        content = base64.urlsafe_b64decode(last + "=" * (-len(last) % 4))
        assert layer.encode() not in content
        assert b'"account"' not in content
        shown[layer] = len(first)
    assert len(set(shown.values())) == 1


def test_a_python_without_the_cipher_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
        with pytest.raises(ConfigurationError, match="need the Python package cryptography"):
            TicketSigner(_KEY)
        with pytest.raises(ConfigurationError) as error:
            TicketVerifier([_KEY])
    assert "pip install" in (error.value.hint or "")
