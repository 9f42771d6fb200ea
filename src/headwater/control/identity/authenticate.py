"""Who asks? A credential, where it comes from and the time in; a principal, or why there is none, out.

A pure step over the snapshot: no store, no clock, nothing to wait for. For a key it is one look-up and one HMAC, also
for a key that isn't there: how long it takes says nothing about which ids exist. Only who has a key's secret learns
that the key has ended, is used from the wrong place, or is a suspended account's. A whole key that was right before is
known again by its digest under a secret of this process; no key is kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from hashlib import blake2s
from hmac import compare_digest
from typing import Any, Final, NamedTuple, Protocol
from zlib import crc32

import msgspec

from headwater.control.identity.api_key import AT_CHECKSUM, AT_PUBLIC, AT_SECRET, LONGEST
from headwater.control.identity.directory import Directory, KeyEntry
from headwater.control.identity.fields import ANONYMOUS_PREFIX
from headwater.control.identity.headers import LARGEST
from headwater.control.identity.principal import Principal, Refusal, Refused
from headwater.control.identity.settings import IdentitySettings
from headwater.control.identity.source import Source
from headwater.control.identity.tiers import ANONYMOUS

#: Microseconds by which the time of last use may lag behind.
_COARSE_US: Final = 3_600_000_000
_SHORTEST: Final = -AT_PUBLIC + 6
_END_PUBLIC: Final = AT_SECRET - 1
_END_SECRET: Final = AT_CHECKSUM - 1
_UNDERSCORE: Final = 95
_DOT: Final = b"."
_NO_DIGEST: Final = bytes(32)
#: Keys that are known again.
_MOST_SEEN: Final = 8192


class Credential(NamedTuple):
    """What a request shows. `bearer`: a key or token as it came; `asserted`: the account that a trusted proxy names;

    `names`: those of its client certificate, which the door has verified, each as `DNS:…`, `URI:…` or `email:…`.
    """

    bearer: bytes | None = None
    asserted: str | None = None
    names: tuple[str, ...] = ()


def certificate_names(shown: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names of a client certificate that was verified, from what `ssl.SSLSocket.getpeercert` says of it."""
    return tuple(f"{kind}:{name}" for kind, name in (shown or {}).get("subjectAltName", ()))


class Claims(NamedTuple):
    """What a token that is right says: who it speaks of, and what it may be used for (None: as usual)."""

    issuer: str
    subject: str
    account: str | None
    scopes: frozenset[str] | None


class Tokens(Protocol):
    """Checks tokens; `headwater.control.identity.Issuers` is one."""

    def check(self, token: bytes, now_us: int) -> Claims | Refusal:
        """What a token says, or why it can't be trusted."""


class Authenticator:
    """Authenticates requests against a `Directory`. Use from one thread."""

    def __init__(
        self, directory: Directory, settings: IdentitySettings, tokens: Tokens | None = None
    ) -> None:
        self.directory = directory
        self._entries = directory.entries
        self._settings = settings
        self._tokens = tokens
        self._used: dict[str, int] = {}
        #: Digest of a key that was right → its entry. Nothing that comes out depends on the secret.
        self._seen: dict[bytes, KeyEntry] = {}
        self._digests = blake2s(key=secrets.token_bytes(32))

    def authenticate(self, credential: Credential, source: Source, now_us: int) -> Principal | Refused:
        """Who asks, at `now_us` (microseconds since 1970, UTC). What is shown and wrong is never passed over.

        What a trusted proxy says counts before a bearer credential, and that before a certificate.
        """
        bearer, asserted, names = credential
        if asserted is None and bearer is not None and len(bearer) <= LONGEST:
            digesting = self._digests.copy()
            digesting.update(bearer)
            entry = self._seen.get(digesting.digest())
            # Where anything has changed, or is to be looked at or written down, the key is checked anew, below.
            if (
                entry is not None
                and entry.generation == self.directory.generation
                and now_us < entry.ends_us
                and now_us - entry.used_us <= _COARSE_US
                and entry.networks is None
                and entry.asns is None
                and isinstance(entry.outcome, Principal)
            ):
                return entry.outcome
        if asserted is not None:
            if not source.trusted:
                return Refused(Refusal.AMBIGUOUS)
            return self._account(asserted, "proxy")
        if bearer is not None:
            return self._token(bearer, now_us) if _DOT in bearer else self._key(bearer, source, now_us)
        if names and self._settings.certificates:
            return self._certificate(names)
        return self._anonymous(source)

    def take_used(self) -> dict[str, int]:
        """Keys (by id) with the time of their last use, which are to be written down; each about once an hour."""
        used, self._used = self._used, {}
        return used

    def _key(self, text: bytes, source: Source, now_us: int) -> Principal | Refused:
        public = text[AT_PUBLIC:_END_PUBLIC]
        entry = self._entries.get(public)
        if not isinstance(entry, KeyEntry):
            entry = self.directory.entry(public)
        if entry is None or len(text) > LONGEST:
            return self._no_key(text)
        secret = text[AT_SECRET:_END_SECRET]
        right = compare_digest(entry.keyed.digest(secret), entry.digest)
        if (
            not right
            or text[_END_SECRET] != _UNDERSCORE
            or text[_END_PUBLIC] != _UNDERSCORE
            or not text[:AT_PUBLIC].endswith(entry.before)
            or crc32(text[:_END_SECRET]).to_bytes(4).hex().encode() != text[AT_CHECKSUM:]
        ):
            return self._no_key(text, entry)
        outcome = entry.outcome
        if entry.generation != self.directory.generation:
            outcome = self.directory.resolve(entry)
        if (
            now_us >= entry.ends_us
            or (entry.networks is not None and source.packed not in entry.networks)
            or (entry.asns is not None and source.asn not in entry.asns)
            or not isinstance(outcome, Principal)
        ):
            return self._not_now(entry, outcome, source, now_us)
        if now_us - entry.used_us > _COARSE_US:
            entry.used_us = self._used[public.decode()] = now_us
        self._remember(text, entry)
        return outcome

    def _remember(self, text: bytes, entry: KeyEntry) -> None:
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        digesting = self._digests.copy()
        digesting.update(text)
        self._seen[digesting.digest()] = entry

    def _no_key(self, text: bytes, entry: KeyEntry | None = None) -> Refused:
        """Why a key isn't accepted whose secret isn't right: one answer to who asks, whatever it is."""
        if entry is None:
            compare_digest(self.directory.dummy.digest(text[AT_SECRET:_END_SECRET]), _NO_DIGEST)
        if len(text) > LARGEST:
            return Refused(Refusal.TOO_LARGE)
        if not _SHORTEST <= len(text) <= LONGEST or text[_END_SECRET] != _UNDERSCORE:
            return Refused(Refusal.MALFORMED)
        if crc32(text[:_END_SECRET]).to_bytes(4).hex().encode() != text[AT_CHECKSUM:]:
            return Refused(Refusal.CHECKSUM)
        return Refused(Refusal.UNKNOWN if entry is None else Refusal.SECRET)

    def _not_now(self, entry: KeyEntry, outcome: Principal | Refusal, source: Source, now_us: int) -> Refused:
        key = entry.key
        if now_us >= entry.ends_us:
            reason = Refusal.EXPIRED
        elif isinstance(outcome, Refusal):
            reason = outcome
        else:
            reason = Refusal.SOURCE
        return Refused(reason, key.id, key.account)

    def _token(self, token: bytes, now_us: int) -> Principal | Refused:
        if len(token) > LARGEST:
            return Refused(Refusal.TOO_LARGE)
        if self._tokens is None:
            return Refused(Refusal.MALFORMED)
        claims = self._tokens.check(token, now_us)
        if isinstance(claims, Refusal):
            return Refused(claims)
        account = claims.account or self.directory.linked("token", claims.issuer, claims.subject)
        if account is None:
            return Refused(Refusal.NO_ACCOUNT)
        found = self._account(account, "token")
        if claims.scopes is None or isinstance(found, Refused):
            return found
        return msgspec.structs.replace(found, scopes=found.scopes & claims.scopes)

    def _certificate(self, names: tuple[str, ...]) -> Principal | Refused:
        linked = {self.directory.linked("certificate", "", name) for name in names} - {None}
        if len(linked) > 1:
            return Refused(Refusal.AMBIGUOUS)
        if not linked:
            return Refused(Refusal.CERTIFICATE)
        return self._account(str(linked.pop()), "certificate")

    def _account(self, account: str, how: str) -> Principal | Refused:
        found = self.directory.principal(account, how)
        if isinstance(found, Principal):
            return found
        # An account that isn't there is named nowhere: the text came from outside.
        return Refused(found, account=None if found is Refusal.NO_ACCOUNT else account)

    def _anonymous(self, source: Source) -> Principal | Refused:
        if not self._settings.anonymous:
            return Refused(Refusal.MISSING)
        return Principal(
            account=f"{ANONYMOUS_PREFIX}{source.prefix}",
            tier=self.directory.tiers[ANONYMOUS],
            how="anonymous",
        )
