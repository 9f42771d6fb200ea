"""Tokens (JWT, RFC 7519; OpenID Connect) of issuers that the operator trusts: signature, audience, time, algorithm.

Signatures are checked by joserfc (extra `oidc`). An issuer's keys are given as data: the door fetches them. A token
that was right is remembered by its hash, and its times are checked at every use.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from headwater.control.identity.authenticate import Claims
from headwater.control.identity.fields import RETIRED_SCOPES, SCOPES
from headwater.control.identity.principal import Refusal
from headwater.control.identity.settings import Issuer
from headwater.errors import ConfigurationError, UsageError, Where

LARGEST_KEYS: Final = 262_144
_MOST_KEYS: Final = 64
_REMEMBERED: Final = 16_384
_LONGEST_SUBJECT: Final = 255
_NONE: Final = b'{"keys":[]}'
_SECOND_US: Final = 1_000_000
_USUAL_TYPES: Final = ("jwt", "at+jwt")
#: Beginning of an algorithm's name → the type of key that it takes (RFC 7518, section 6.1; RFC 8037).
_KEY_TYPES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


class _Head(msgspec.Struct):
    alg: str
    kid: str | None = None
    typ: str | None = None


class _Body(msgspec.Struct):
    iss: str


class _Known(msgspec.Struct, frozen=True):
    """What is remembered of a token that is right; times in microseconds, the issuer's leeway in them."""

    claims: Claims
    from_us: int
    until_us: int


_head = msgspec.json.Decoder(_Head).decode
_body = msgspec.json.Decoder(_Body).decode


class Issuers:
    """Checks tokens of the given issuers. When an issuer has new keys, make another of these. Use from one thread."""

    def __init__(self, issuers: tuple[Issuer, ...], keys: Mapping[str, bytes]) -> None:
        """`keys`: issuer → its JWKS (RFC 7517) as it was fetched; `ConfigurationError` where one can't be read.

        An issuer without keys is known, and none of its tokens is right. `UsageError` without the extra `oidc`.
        """
        try:
            import joserfc  # noqa: F401
        except ImportError:
            raise UsageError("tokens need joserfc", hint="pip install 'headwater[oidc]'") from None
        self._issuers = {one.issuer: one for one in issuers}
        self._keys = {name: _keys(keys.get(name, _NONE)) for name in self._issuers}
        self._known: dict[bytes, _Known] = {}

    def check(self, token: bytes, now_us: int) -> Claims | Refusal:
        """What a token says, or why it can't be trusted."""
        name = sha256(token).digest()
        known = self._known.get(name)
        if known is None:
            found = self._checked(token, now_us)
            if isinstance(found, Refusal):
                return found
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[name] = known = found
        if not known.from_us <= now_us < known.until_us:
            return Refusal.TOKEN_TIME
        return known.claims

    def _checked(self, token: bytes, now_us: int) -> _Known | Refusal:
        try:
            head, body, _ = token.split(b".")
            said, issued = _head(_bytes(head)), _body(_bytes(body))
        except (ValueError, msgspec.MsgspecError, RecursionError):
            return Refusal.TOKEN
        issuer = self._issuers.get(issued.iss)
        if issuer is None:
            return Refusal.ISSUER
        # The algorithm is ours to choose: what the token says must be on the list, and fit the type of the key.
        if said.alg not in issuer.algorithms:
            return Refusal.ALGORITHM
        types = [one.lower() for one in issuer.types] or list(_USUAL_TYPES)
        if said.typ is None and issuer.types:
            return Refusal.TOKEN
        if said.typ is not None and said.typ.lower().removeprefix("application/") not in types:
            return Refusal.TOKEN
        claims = self._signed(token, issuer, said)
        return Refusal.TOKEN if claims is None else _known(claims, issuer, now_us)

    def _signed(self, token: bytes, issuer: Issuer, said: _Head) -> dict[str, Any] | None:
        """The claims, where one of the issuer's keys has signed them."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        for key in self._keys[issuer.issuer]:
            if key.key_type != _KEY_TYPES[said.alg[:2]] or not _fits(key, said):
                continue
            try:
                claims = jwt.decode(token, key, algorithms=[said.alg]).claims
            except (JoseError, ValueError, TypeError, RecursionError):
                continue
            return claims if isinstance(claims, dict) else None
        return None


def _known(claims: dict[str, Any], issuer: Issuer, now_us: int) -> _Known | Refusal:
    """What signed claims say, checked by hand: each is there, of its type, and for us (RFC 7519, section 4.1)."""
    if claims.get("iss") != issuer.issuer:
        return Refusal.ISSUER
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or not any(one in issuer.audiences for one in audiences):
        return Refusal.ISSUER
    ends, begins, issued = (claims.get(name) for name in ("exp", "nbf", "iat"))
    if not _time(ends) or any(one is not None and not _time(one) for one in (begins, issued)):
        return Refusal.TOKEN_TIME
    last = float(ends)  # type: ignore[arg-type]
    starts = max((float(one) for one in (begins, issued) if one is not None), default=0.0)
    born = issued if issued is not None else begins
    # A token that lives longer than it may is cut short, not believed: stolen, it would be good for as long.
    if born is not None:
        last = min(last, float(born) + issuer.longest_s)
    elif last > now_us / _SECOND_US + issuer.longest_s:
        return Refusal.TOKEN_TIME
    subject = claims.get("sub")
    account = claims.get(issuer.account_claim) if issuer.account_claim else None
    for text in (subject, account) if issuer.account_claim else (subject,):
        if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_SUBJECT:
            return Refusal.TOKEN
    scopes = _scopes(claims.get(issuer.scope_claim))
    if scopes is Refusal.TOKEN:
        return Refusal.TOKEN
    said = Claims(issuer.issuer, str(subject), account, scopes)  # type: ignore[arg-type]
    return _Known(
        said, int((starts - issuer.leeway_s) * _SECOND_US), int((last + issuer.leeway_s) * _SECOND_US)
    )


def _scopes(said: Any) -> frozenset[str] | Refusal | None:
    """Of a scope claim (RFC 8693, section 4.2; or a list) what we know; None where none of it is ours to read.

    A scope that there was allows nothing, and is ours all the same: else its token would be one without bounds.
    """
    if said is None:
        return None
    words = said.split() if isinstance(said, str) else said
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return Refusal.TOKEN
    ours = frozenset(words) & frozenset(SCOPES)
    return ours if ours or not RETIRED_SCOPES.isdisjoint(words) else None


def _time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**40


def _fits(key: Any, said: _Head) -> bool:
    """Whether a key may have signed what says so: its id, where both have one, its use and its algorithm."""
    plain = key.as_dict(private=False)
    return (
        (said.kid is None or plain.get("kid") in (None, said.kid))
        and plain.get("use") in (None, "sig")
        and plain.get("alg") in (None, said.alg)
    )


def _keys(data: bytes) -> list[Any]:
    """The asymmetric keys of a JWKS; what isn't understood is passed over (RFC 7517, section 5)."""
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    where = Where(field="keys of an issuer")
    try:
        if len(data) > LARGEST_KEYS:
            raise ValueError
        listed = msgspec.json.decode(data, type=dict[str, Any])["keys"]
        if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
            raise ValueError
    except (ValueError, KeyError, msgspec.MsgspecError, RecursionError):
        what = f"the keys of an issuer are no JWKS, {len(data):,} bytes"
        raise ConfigurationError(what, where=where, hint="see its .well-known/openid-configuration") from None
    out = []
    for one in listed:
        if not isinstance(one, dict) or one.get("kty") not in ("RSA", "EC", "OKP"):
            continue
        try:
            out.append(import_key(one))
        except (JoseError, ValueError, TypeError):
            continue
    return out


def _bytes(text: bytes) -> bytes:
    try:
        return urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError from None
