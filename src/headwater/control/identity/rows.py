"""What is kept: accounts, organisations, keys, links to names elsewhere, verifications, tiers of the operator's own.

Each is one row with one form as JSON, so that a change can be told as the row before and the row after, and undone
exactly. Defaults aren't written: what they are never changes. Times are microseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec

from headwater.control.identity.tiers import ANONYMOUS, Tier, TierName
from headwater.errors import HeadwaterError

State: TypeAlias = Literal["active", "suspended", "closed"]
STATES: Final[tuple[str, ...]] = ("active", "suspended", "closed")
LinkKind: TypeAlias = Literal["token", "certificate"]


class Account(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An account. `granted` is the tier that a person gave it last, `tier` the one in force, by verifications too."""

    id: str
    created_us: int
    tier: TierName = ANONYMOUS
    granted: TierName = ANONYMOUS
    state: State = "active"
    organisation: str | None = None
    payment: str | None = None
    label: str = ""

    @property
    def owner(self) -> str:
        """The organisation, or nothing."""
        return self.organisation or ""


class Organisation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An organisation; its accounts have its tier where it is higher than their own, and its means of payment."""

    id: str
    created_us: int
    tier: TierName = ANONYMOUS
    state: State = "active"
    payment: str | None = None
    label: str = ""

    @property
    def owner(self) -> str:
        """Nobody."""
        return ""


class Key(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An API key: its public id, the HMAC of its secret under a pepper, and what it may be used for and from where.

    Empty `networks` and `asns`: from anywhere. It ends at the earlier of `expires_us` and `revoked_us`.
    """

    id: str
    account: str
    environment: str
    digest: bytes
    pepper: str
    created_us: int
    scopes: tuple[str, ...]
    label: str = ""
    expires_us: int | None = None
    revoked_us: int | None = None
    networks: tuple[str, ...] = ()
    asns: tuple[int, ...] = ()
    replaces: str | None = None
    replaced_by: str | None = None

    @property
    def owner(self) -> str:
        """Its account."""
        return self.account

    def ends_us(self) -> int | None:
        """When it ends or ended; None: never."""
        ends = [at for at in (self.expires_us, self.revoked_us) if at is not None]
        return min(ends, default=None)

    def __repr__(self) -> str:
        return f"Key(id={self.id}, account={self.account})"


class Link(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A name that an account has elsewhere: the subject of an issuer's tokens, or a name in a certificate."""

    kind: LinkKind
    issuer: str
    name: str
    account: str
    created_us: int

    @property
    def id(self) -> str:
        """Kind, issuer and name."""
        return link_id(self.kind, self.issuer, self.name)

    @property
    def owner(self) -> str:
        """Its account."""
        return self.account


class Verification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a provider asserted of an account, under its own reference; no document, no person's data.

    `standing`: it counts. `reversed`: the provider took it back. `superseded`: a person has set the tier since.
    """

    provider: str
    reference: str
    account: str
    tier: TierName
    at_us: int
    state: Literal["standing", "reversed", "superseded"] = "standing"
    asserted: str = ""

    @property
    def id(self) -> str:
        """Provider and reference."""
        return f"{self.provider}\n{self.reference}"

    @property
    def owner(self) -> str:
        """Its account."""
        return self.account


Row: TypeAlias = Account | Organisation | Key | Link | Verification | Tier
#: Kind → type of its rows.
KINDS: Final[Mapping[str, type[Row]]] = {
    "account": Account,
    "organisation": Organisation,
    "key": Key,
    "link": Link,
    "verification": Verification,
    "tier": Tier,
}
_KIND_OF: Final = {kind: name for name, kind in KINDS.items()}
_encode = msgspec.json.Encoder().encode
#: Kind → fields that are left out where they have this value.
_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    name: {entry.name: entry.default for entry in msgspec.structs.fields(kind) if not entry.required}
    for name, kind in KINDS.items()
    if kind.__struct_config__.omit_defaults
}
_decode: Final = {name: msgspec.json.Decoder(kind).decode for name, kind in KINDS.items()}
#: What is never told outside the store, neither in the outbox nor on a screen; and of what only that it is there.
_UNTOLD: Final = "digest"
_HINTED: Final = "payment"


def link_id(kind: str, issuer: str, name: str) -> str:
    """The id of a link; a newline can't be in any of them."""
    return f"{kind}\n{issuer}\n{name}"


def kind_of(row: Row) -> str:
    """The kind of a row."""
    return _KIND_OF[type(row)]


def id_of(row: Row) -> str:
    """The id of a row within its kind."""
    return row.name if isinstance(row, Tier) else row.id


def owner_of(row: Row) -> str:
    """Whose a row is: the account's or organisation's id, or nothing."""
    return "" if isinstance(row, Tier) else row.owner


def encoded(row: Row) -> bytes:
    """The row as it is kept: one form, whoever made it."""
    # msgspec leaves a default out where it is the very object, not where it is equal: a text that came over the wire
    # would be written, and one from a table of constants not.
    defaults = _DEFAULTS.get(kind_of(row), {})
    plain = {name: getattr(row, name) for name in row.__struct_fields__}
    return _encode(
        {name: one for name, one in plain.items() if name not in defaults or one != defaults[name]}
    )


def decoded(kind: str, body: bytes) -> Any:
    """The row that was kept; raises HeadwaterError where it can't be read."""
    try:
        return _decode[kind](body)
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError):
        raise HeadwaterError(
            f"a row of kind {kind[:20]} is damaged", hint="restore the newest copy"
        ) from None


def told(row: Row | None) -> dict[str, Any] | None:
    """A row as others may read it: without its secret's HMAC, and of a means of payment only whether one is known."""
    if row is None:
        return None
    plain = {name: msgspec.to_builtins(getattr(row, name)) for name in row.__struct_fields__}
    plain.pop(_UNTOLD, None)
    if _HINTED in plain:
        plain[_HINTED] = plain[_HINTED] is not None
    return plain
