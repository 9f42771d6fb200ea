"""What an operator sets for identity: how keys look, who may come without one, which proxies and issuers are trusted.

The file is `identity.toml`; a door reads it. Nothing here knows what follows from a setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from headwater.control.identity.api_key import checked_name
from headwater.control.identity.fields import networks
from headwater.errors import ConfigurationError, UsageError, Where
from headwater.setting import setting

#: Signatures of tokens that can be allowed: all of them asymmetric (RFC 7518, RFC 8037, RFC 9864).
ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip


def _says(doc: str) -> msgspec.Meta:
    return msgspec.Meta(description=doc)


class Issuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An issuer of tokens (JWT, OpenID Connect) that is trusted, one `[[issuers]]` in the file."""

    issuer: Annotated[str, _says("Its name, as the claim `iss` says it.")]
    audiences: Annotated[tuple[str, ...], _says("A token must be for one of these (`aud`).")]
    keys: Annotated[str, _says("Where its keys (JWKS) are fetched.")] = ""
    algorithms: Annotated[
        tuple[str, ...], _says(f"Signatures that are accepted, of {', '.join(ALGORITHMS)}.")
    ] = ("RS256", "ES256")
    account_claim: Annotated[
        str, _says("Claim that holds the account's id; empty: `sub`, by a link (`headwater account link`).")
    ] = ""
    scope_claim: Annotated[
        str, _says("Claim that holds scopes: where some of ours stand in it, only those are given.")
    ] = "scope"
    types: Annotated[tuple[str, ...], _says("What `typ` may say; empty: JWT, at+jwt or nothing.")] = ()
    leeway_s: Annotated[int, _says("Seconds by which clocks may differ, 0 to 600.")] = 60
    longest_s: Annotated[int, _says("Seconds that a token may live at most, 60 to 2678400.")] = 86_400

    def __post_init__(self) -> None:
        if not self.issuer or not self.audiences or not all(self.audiences):
            what = "an issuer needs its name and the audiences that its tokens are for"
            raise ConfigurationError(what, where=Where(field="issuers"))
        if not self.algorithms or set(self.algorithms) - set(ALGORITHMS):
            hint = f"allowed can be: {', '.join(ALGORITHMS)}"
            raise ConfigurationError("no such algorithm", where=Where(field="issuers.algorithms"), hint=hint)
        if not 0 <= self.leeway_s <= 600 or not 60 <= self.longest_s <= 31 * 86_400:
            raise ConfigurationError("out of range", where=Where(field="issuers.leeway_s, issuers.longest_s"))


@dataclass(frozen=True)
class IdentitySettings:
    """The settings of one identity store; each has a safe default."""

    prefix: str = setting("hw", "What API keys begin with; keys made before keep theirs.", "a-z, 0-9")
    environments: tuple[str, ...] = setting(("live", "test"), "Environments that keys are made for.")
    anonymous: bool = setting(False, "Admit who shows nothing, at the tier anonymous, one account a network.")
    trusted_proxies: tuple[str, ...] = setting(
        (), "Networks of proxies in front: only their X-Forwarded-For and account header count."
    )
    account_header: str = setting(
        "", "Header in which a trusted proxy names the account that it has authenticated; empty: none does."
    )
    certificates: bool = setting(False, "Admit who shows a client certificate with a linked name.")
    asn_file: str = setting("", "A database of networks (MaxMind DB, .mmdb) that gives ASNs; empty: none.")
    issuers: tuple[Issuer, ...] = setting((), "Issuers of tokens that are trusted.")

    def __post_init__(self) -> None:
        try:
            checked_name(self.prefix, "the prefix of a key")
            for name in self.environments:
                checked_name(name, "an environment")
            networks(self.trusted_proxies)
        except UsageError as error:
            raise ConfigurationError(error.what, where=error.where, hint=error.hint) from None
        if not self.environments:
            raise ConfigurationError("no environment is named", where=Where(field="environments"))
        if self.account_header and not self.trusted_proxies:
            hint = "name the proxies that set it, or nobody does"
            where = Where(field="account_header")
            raise ConfigurationError("there are no trusted_proxies", where=where, hint=hint)
        header = self.account_header
        if header and not (header.isascii() and header.replace("-", "").isalnum()):
            raise ConfigurationError("not the name of a header", where=Where(field="account_header"))
        if len({one.issuer for one in self.issuers}) < len(self.issuers):
            raise ConfigurationError("an issuer is named twice", where=Where(field="issuers"))
