"""Tokens: only what an issuer that is trusted has signed, for us, now, with an algorithm that is allowed."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from control.identity.worlds import HOME, at, made
from headwater.control.identity import (
    Claims,
    Credential,
    IdentitySettings,
    Issuer,
    Issuers,
    Principal,
    Refusal,
    Refused,
)
from headwater.errors import ConfigurationError

NOW_S = 1_700_000_000
NOW_US = NOW_S * 1_000_000
ISSUER = "https://login.example.com"
OTHER = "https://other.example.com"
RSA = RSAKey.generate_key(2048, {"kid": "r1", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "e1"})
ED = OKPKey.generate_key("Ed25519", {"kid": "d1"})
THEIRS = RSAKey.generate_key(2048, {"kid": "r1"})
OURS = Issuer(issuer=ISSUER, audiences=("headwater",), algorithms=("RS256", "ES256", "EdDSA", "Ed25519"))
ALSO = Issuer(issuer=OTHER, audiences=("headwater",))


def jwks(*keys: Any) -> bytes:
    return json.dumps(KeySet(list(keys)).as_dict(private=False)).encode()


KEYS = {ISSUER: jwks(RSA, EC, ED), OTHER: jwks(THEIRS)}


def issuers(**changed: Any) -> Issuers:
    plain = {name: getattr(OURS, name) for name in OURS.__struct_fields__}
    return Issuers((Issuer(**plain | changed), ALSO), KEYS)


def claims(**changed: Any) -> dict[str, Any]:
    usual = {"iss": ISSUER, "sub": "user-1", "aud": "headwater", "iat": NOW_S, "exp": NOW_S + 600}
    return {name: value for name, value in (usual | changed).items() if value is not None}


def token(said: dict[str, Any] | None = None, key: Any = RSA, alg: str = "RS256", **head: Any) -> bytes:
    header = {"alg": alg, "kid": key.kid, **head}
    return jwt.encode(
        {name: value for name, value in header.items() if value is not None},
        claims() if said is None else said,
        key,
        algorithms=[alg],
    ).encode()


def raw(head: Any, body: Any, signature: bytes = b"") -> bytes:
    parts = [json.dumps(part).encode() if not isinstance(part, bytes) else part for part in (head, body)]
    return b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in (*parts, signature))


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")])
def test_a_token_says_who_asks(key: Any, alg: str) -> None:
    expected = Claims(ISSUER, "user-1", None, None)
    assert issuers().check(token(key=key, alg=alg), NOW_US) == expected
    assert issuers().check(token(key=key, alg=alg, typ="at+jwt"), NOW_US) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"iss": "https://evil.example.com"}, Refusal.ISSUER),
        ({"iss": ISSUER + "/"}, Refusal.ISSUER),
        ({"iss": None}, Refusal.TOKEN),
        ({"aud": "another"}, Refusal.ISSUER),
        ({"aud": ["another"]}, Refusal.ISSUER),
        ({"aud": None}, Refusal.ISSUER),
        ({"aud": {"headwater": 1}}, Refusal.ISSUER),
        ({"exp": None}, Refusal.TOKEN_TIME),
        ({"exp": NOW_S - 60}, Refusal.TOKEN_TIME),
        ({"exp": "1900000000"}, Refusal.TOKEN_TIME),
        ({"exp": True}, Refusal.TOKEN_TIME),
        ({"exp": 1e300}, Refusal.TOKEN_TIME),
        ({"nbf": NOW_S + 61}, Refusal.TOKEN_TIME),
        ({"iat": NOW_S + 61}, Refusal.TOKEN_TIME),
        ({"iat": NOW_S - 90_000, "exp": NOW_S + 600}, Refusal.TOKEN_TIME),
        ({"iat": None, "exp": NOW_S + 90_000}, Refusal.TOKEN_TIME),
        ({"sub": None}, Refusal.TOKEN),
        ({"sub": ""}, Refusal.TOKEN),
        ({"sub": 7}, Refusal.TOKEN),
        ({"sub": "x" * 256}, Refusal.TOKEN),
        ({"scope": 7}, Refusal.TOKEN),
    ],
)
def test_a_claim_that_is_wrong(changed: dict[str, Any], expected: Refusal) -> None:
    assert issuers().check(token(claims(**changed)), NOW_US) is expected


@pytest.mark.parametrize(
    "changed",
    [{"aud": ["x", "headwater"]}, {"nbf": NOW_S + 60}, {"exp": NOW_S - 59}, {"iat": None, "nbf": NOW_S}],
)
def test_a_claim_that_is_right(changed: dict[str, Any]) -> None:
    assert isinstance(issuers().check(token(claims(**changed)), NOW_US), Claims)


def test_no_algorithm_at_all_is_refused() -> None:
    for alg in ("none", "None", "NONE", ""):
        assert issuers().check(raw({"alg": alg}, claims()), NOW_US) is Refusal.ALGORITHM


def test_a_public_key_is_no_shared_secret() -> None:
    """Key confusion: a token signed by HMAC with the issuer's public key as the secret."""
    for secret in (RSA.as_pem(private=False), KEYS[ISSUER], EC.as_pem(private=False)):
        for alg in ("HS256", "RS256"):
            unsigned = raw({"alg": alg, "kid": "r1"}, claims()).rpartition(b".")[0]
            made = raw({"alg": alg, "kid": "r1"}, claims(), hmac.digest(secret, unsigned, "sha256"))
            expected = Refusal.ALGORITHM if alg == "HS256" else Refusal.TOKEN
            assert issuers().check(made, NOW_US) is expected
    with pytest.raises(ConfigurationError, match="no such algorithm"):
        Issuer(issuer=ISSUER, audiences=("x",), algorithms=("HS256",))


def test_a_shared_secret_among_the_keys_is_passed_over() -> None:
    secret = OctKey.import_key("a secret that somebody published", {"kid": "o1"})
    served = json.dumps(
        {"keys": [secret.as_dict(private=True), *KeySet([RSA]).as_dict(private=False)["keys"]]}
    )
    found = Issuers((OURS,), {ISSUER: served.encode()})
    assert isinstance(found.check(token(), NOW_US), Claims)
    assert found.check(token(key=secret, alg="HS256"), NOW_US) is Refusal.ALGORITHM


def test_an_issuer_signs_with_its_own_keys_only() -> None:
    assert issuers().check(token(key=THEIRS), NOW_US) is Refusal.TOKEN
    assert isinstance(issuers().check(token(claims(iss=OTHER), key=THEIRS), NOW_US), Claims)
    assert issuers().check(token(claims(iss=OTHER), key=RSA), NOW_US) is Refusal.TOKEN


def test_keys_in_the_tokens_own_head_count_for_nothing() -> None:
    embedded = THEIRS.as_dict(private=False)
    for head in (
        {"jwk": embedded},
        {"jku": "https://evil.example.com/keys"},
        {"x5u": "https://evil.example.com"},
    ):
        assert issuers().check(token(key=THEIRS, **head), NOW_US) is Refusal.TOKEN


def test_what_is_critical_and_unknown_is_refused() -> None:
    made = token().split(b".")
    head = {"alg": "RS256", "kid": "r1", "crit": ["exp-by-moon"], "exp-by-moon": 1}
    changed = b".".join([urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"="), *made[1:]])
    assert issuers().check(changed, NOW_US) is Refusal.TOKEN


def test_a_key_that_is_for_something_else_signs_nothing() -> None:
    for marked in ({"use": "enc"}, {"alg": "PS256"}):
        key = RSAKey.import_key(RSA.as_dict(private=True) | marked)
        found = Issuers((OURS,), {ISSUER: jwks(key)})
        assert found.check(token(), NOW_US) is Refusal.TOKEN


@pytest.mark.parametrize("typ", ["secevent+jwt", "logout+jwt", "dpop+jwt"])
def test_a_token_of_another_kind_is_refused(typ: str) -> None:
    assert issuers().check(token(typ=typ), NOW_US) is Refusal.TOKEN
    assert issuers(types=("at+jwt",)).check(token(typ="JWT"), NOW_US) is Refusal.TOKEN
    assert issuers(types=("at+jwt",)).check(token(typ=None), NOW_US) is Refusal.TOKEN
    assert isinstance(issuers(types=("at+jwt",)).check(token(typ="application/at+jwt"), NOW_US), Claims)


def test_a_token_that_was_right_ends_all_the_same() -> None:
    found, made = issuers(), token()
    assert isinstance(found.check(made, NOW_US), Claims)
    assert found.check(made, NOW_US + 661 * 1_000_000) is Refusal.TOKEN_TIME
    assert found.check(made, NOW_US - 61 * 1_000_000) is Refusal.TOKEN_TIME


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_passes(place: int, change: int) -> None:
    made = bytearray(SIGNED)
    made[place % len(made)] ^= change
    found = CHECKER.check(bytes(made), NOW_US)
    # The last character of a signature of 256 bytes holds four bits that mean nothing (RFC 4648, section 3.5).
    assert isinstance(found, Refusal) or place % len(made) == len(made) - 1


@given(st.binary(max_size=200))
def test_any_bytes_have_an_answer(data: bytes) -> None:
    assert isinstance(CHECKER.check(data, NOW_US), Refusal)
    assert isinstance(CHECKER.check(b"..".join([data, data]), NOW_US), Refusal)
    assert isinstance(CHECKER.check(raw(data, data, data), NOW_US), Refusal)


def test_nested_and_large_tokens_are_refused() -> None:
    deep = b'{"alg":"RS256","x":' + b"[" * 5000 + b"]" * 5000 + b"}"
    assert issuers().check(raw(deep, claims()), NOW_US) is Refusal.TOKEN
    encrypted = b"eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"
    assert issuers().check(encrypted, NOW_US) is Refusal.TOKEN


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"keys":{}}', b"x" * 300_000, b'{"keys":[' + b"{}," * 100 + b"{}]}"]
)
def test_what_is_no_jwks_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigurationError, match="no JWKS"):
        Issuers((OURS,), {ISSUER: data})


def test_an_issuer_without_keys_signs_nothing() -> None:
    assert Issuers((OURS,), {}).check(token(), NOW_US) is Refusal.TOKEN


def test_a_token_leads_to_the_account_that_it_is_linked_to(tmp_path: Path) -> None:
    settings = IdentitySettings(issuers=(OURS,))
    with made(tmp_path, settings) as identity:
        identity.new_account("bot", "ann", 1)
        identity.new_account("user-2", "ann", 1)
        identity.link("bot", "token", ISSUER, "user-1", "ann", 2)
        door = at(identity, tokens=issuers())
        by_claim = at(identity, tokens=issuers(account_claim="account"))
    found = door.authenticate(Credential(token(claims(scope="generate openid"))), HOME, NOW_US)
    assert isinstance(found, Principal)
    assert (found.account, found.how, found.scopes) == ("bot", "token", {"generate"})
    admin = door.authenticate(Credential(token(claims(scope="admin:write"))), HOME, NOW_US)
    assert isinstance(admin, Principal)
    assert admin.scopes == frozenset(), "a scope that is no more bounds its token all the same"
    both = door.authenticate(Credential(token(claims(scope="admin:read embed"))), HOME, NOW_US)
    assert isinstance(both, Principal)
    assert both.scopes == {"embed"}
    for said in (claims(sub="user-2"), claims(iss=OTHER, sub="user-1")):
        key = THEIRS if said["iss"] == OTHER else RSA
        assert door.authenticate(Credential(token(said, key=key)), HOME, NOW_US) == Refused(
            Refusal.NO_ACCOUNT
        )
    named = by_claim.authenticate(Credential(token(claims(account="user-2"))), HOME, NOW_US)
    assert isinstance(named, Principal)
    assert named.account == "user-2"
    assert by_claim.authenticate(Credential(token()), HOME, NOW_US) == Refused(Refusal.TOKEN)


SIGNED = token()
CHECKER = issuers()
