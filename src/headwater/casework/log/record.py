"""What an entry of the log commits to: a record as canonical JSON, under a secret of its own.

    record = {"at_us":…,"body":{…},"kind":"step","subject":"acct-…","v":1}       (RFC 8785)
    entry  = 0x01 || HMAC-SHA256(secret, record)                                 (33 bytes)

Record and secret can be erased. The entry stays in the log, and whoever doesn't have the secret can't find out by
guessing what it stands for.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from headwater.proof import Rejected, canonical_json

#: What a record may be about.
KINDS: Final = (
    "verdict",
    "proposal",
    "decision",
    "step",
    "notice",
    "statement",
    "appeal",
    "outcome",
    "export",
    "erasure",
    "policy",
    "key",
    "identity",
    "commitment",
)
SECRET_BYTES: Final = 32
MOST_RECORD: Final = 2**18
_VERSION: Final = 1
_ID_BYTES: Final = 16
_LATEST_US: Final = 2**53 - 1


@dataclass(frozen=True)
class Record:
    """One thing that happened: when (microseconds since 1970, UTC), of which kind, about whom, and what.

    `subject` is a pseudonym, or empty where the record is about nobody.
    """

    at_us: int
    kind: str
    subject: str
    body: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise Rejected("the kind of the record is none that is known")
        if not 0 <= self.at_us <= _LATEST_US:
            raise Rejected("the time of the record can't be written")

    def data(self) -> bytes:
        """The record as canonical JSON; `Rejected` where its body has no such form, or is too large."""
        plain = {"at_us": self.at_us, "body": dict(self.body), "kind": self.kind, "subject": self.subject}
        try:
            data = canonical_json({**plain, "v": _VERSION})
        except RecursionError:
            raise Rejected("the record is nested too deep") from None
        except ValueError:
            raise Rejected("the record holds what canonical JSON has no form for") from None
        if len(data) > MOST_RECORD:
            raise Rejected(f"the record has {len(data):,} bytes, more than {MOST_RECORD:,}")
        return data

    @classmethod
    def parse(cls, data: bytes) -> Record:
        """The record that `data` is; `Rejected` where it is none, or isn't written as `data()` writes it."""
        if len(data) > MOST_RECORD:
            raise Rejected(f"the record has {len(data):,} bytes, more than {MOST_RECORD:,}")
        try:
            plain = msgspec.json.decode(data, type=_Plain, strict=True)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Rejected("is no record of this log's form") from None
        if plain.v != _VERSION:
            raise Rejected("is a record of another version")
        record = cls(plain.at_us, plain.kind, plain.subject, plain.body)
        if record.data() != data:
            raise Rejected("the record is not in canonical form")
        return record


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    at_us: int
    kind: str
    subject: str
    body: dict[str, Any]
    v: int


@dataclass(frozen=True)
class Held:
    """A record as the store holds it; of one that was erased, only what the log still needs is left."""

    index: int
    id: str
    kind: str
    at_us: int
    subject: str | None = None
    record: bytes | None = field(default=None, repr=False)
    secret: bytes | None = field(default=None, repr=False)
    erased_at_us: int | None = None
    erased_why: str | None = None


def entry_of(secret: bytes, record: bytes) -> bytes:
    """The entry that commits to a record."""
    if len(secret) != SECRET_BYTES:
        raise Rejected(f"the secret of an entry has {SECRET_BYTES} bytes")
    return b"\x01" + hmac.digest(secret, record, "sha256")


def entry_id(entry: bytes) -> str:
    """The name of an entry: the first 32 hex digits of its HMAC."""
    return entry[1 : 1 + _ID_BYTES].hex()
