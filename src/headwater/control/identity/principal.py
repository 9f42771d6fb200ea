"""Who asks, as the rest of the house sees it, and why somebody is refused."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from headwater.control.identity.fields import USUAL_SCOPES
from headwater.control.identity.tiers import Tier

FOREVER_US: Final = 2**63 - 1
_USUAL: Final = frozenset(USUAL_SCOPES)


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: the account that is billed, and what its tier may use.

    `key`: the public id of the API key. `how`: key, token, certificate, proxy or anonymous.
    """

    account: str
    tier: Tier
    how: str
    organisation: str | None = None
    payment: str | None = None
    key: str | None = None
    scopes: frozenset[str] = _USUAL
    environment: str = ""

    def may(self, scope: str) -> bool:
        """Whether the credential has a scope of `SCOPES`."""
        return scope in self.scopes


class Refusal(StrEnum):
    """Why somebody is refused: for the log. What may be told to who asks is `told`."""

    MISSING = "no credential"
    AMBIGUOUS = "several credentials that don't agree"
    TOO_LARGE = "a credential that is too large"
    MALFORMED = "a credential of no known form"
    CHECKSUM = "an API key with a typing error"
    UNKNOWN = "an unknown API key"
    SECRET = "an API key with a wrong secret"
    EXPIRED = "an API key that has ended"
    SOURCE = "an API key used from a place that it isn't for"
    NO_ACCOUNT = "a name that no account has"
    SUSPENDED = "a suspended account"
    CLOSED = "a closed account"
    ORGANISATION = "an account of an organisation that isn't active"
    TOKEN = "a token that can't be trusted"
    ALGORITHM = "a token signed with an algorithm that isn't allowed"
    ISSUER = "a token of an unknown issuer, or for somebody else"
    TOKEN_TIME = "a token outside its time"
    CERTIFICATE = "a certificate that isn't accepted"

    @property
    def told(self) -> str:
        """What the client may know: `credential` (who it is can't be told), `account` or `place`.

        That a key is unknown, its secret wrong or its account another's is one answer: nobody learns which ids exist.
        """
        if self in (Refusal.SUSPENDED, Refusal.CLOSED, Refusal.ORGANISATION):
            return "account"
        return "place" if self is Refusal.SOURCE else "credential"


class Refused(msgspec.Struct, frozen=True):
    """Nobody is let in, and why. `key`, `account`: who it would have been, where the credential was right."""

    reason: Refusal
    key: str | None = None
    account: str | None = None
