"""What may be done to API keys, within a transaction that the caller opened: make, change, rotate, revoke."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from headwater.control.identity.accounts import found
from headwater.control.identity.api_key import new_key, parse_key, secret_digest
from headwater.control.identity.fields import RETIRED_SCOPES, USUAL_SCOPES, asns, key_label, networks, scopes
from headwater.control.identity.ledger import Hand, get, owned
from headwater.control.identity.rows import Key
from headwater.errors import ConflictError, UsageError, Where
from headwater.keys import Pepper
from headwater.store import Transaction

_CHANGEABLE: Final = ("scopes", "label", "expires_us", "networks", "asns")
_LONGEST_OVERLAP_US: Final = 400 * 86_400 * 1_000_000
_PUBLIC: Final = re.compile(r"[0-9A-Za-z]{14}")
_LATEST_US: Final = 2**53 - 1


@dataclass(frozen=True)
class Minting:
    """What keys are made with; `secret` gives random bytes."""

    prefix: str
    environments: tuple[str, ...]
    pepper: Pepper
    secret: Callable[[int], bytes] = field(repr=False)


@dataclass(frozen=True)
class Issued:
    """A key that was made, with its text: to be shown once."""

    key: Key
    text: str = field(repr=False)


def new(hand: Hand, account: str, environment: str, minting: Minting, entries: Mapping[str, Any]) -> Issued:
    """Make a key for an account."""
    if found(hand.tx, "account", account).state == "closed":
        raise ConflictError("the account is closed", hint="open it first: --state active")
    if environment not in minting.environments:
        hint = f"environments: {', '.join(minting.environments)}"
        raise UsageError("there is no such environment", where=Where(field="environment"), hint=hint)
    return _issued(hand, account, environment, minting, {"scopes": USUAL_SCOPES, **entries})


def change(hand: Hand, name: str, entries: Mapping[str, Any]) -> Key:
    """Change what a key may be used for, from where and until when."""
    key = named(hand.tx, name)
    checked = _checked(hand, key.account, entries, key)
    key = msgspec.structs.replace(key, **checked)
    hand.put(key, "changed")
    return key


def rotate(hand: Hand, name: str, minting: Minting, overlap_us: int) -> Issued:
    """Make a key like `name`, which ends after the overlap, if not before."""
    old = named(hand.tx, name)
    if not 0 <= overlap_us <= _LONGEST_OVERLAP_US:
        raise UsageError("out of range", where=Where(field="overlap"), hint="from 0 to 400 days")
    if old.replaced_by is not None:
        raise ConflictError(
            "the key has been replaced already", hint=f"by {old.replaced_by}: rotate that one"
        )
    ends = old.ends_us()
    if ends is not None and ends <= hand.at_us:
        raise ConflictError("the key has ended", hint="make a new one: headwater key new")
    kept = [one for one in old.scopes if one not in RETIRED_SCOPES]
    entries = {"scopes": kept, "networks": old.networks, "asns": old.asns, "label": old.label}
    issued = _issued(hand, old.account, old.environment, minting, entries, replaces=old)
    until = min(at for at in (ends, hand.at_us + overlap_us) if at is not None)
    hand.put(msgspec.structs.replace(old, expires_us=until, replaced_by=issued.key.id), "replaced")
    return issued


def revoke(hand: Hand, name: str) -> Key:
    """End a key now; one that was revoked before stays as it is."""
    key = named(hand.tx, name)
    if key.revoked_us is None:
        key = msgspec.structs.replace(key, revoked_us=hand.at_us)
        hand.put(key, "revoked")
    return key


def named(tx: Transaction, name: str) -> Key:
    """A key by its id, or by ACCOUNT/LABEL (of several with this label, the one that wasn't replaced or revoked)."""
    account, slash, label = name.rpartition("/")
    if not slash:
        if not _PUBLIC.fullmatch(name):
            hint = "its id has 14 letters and digits; or say ACCOUNT/LABEL. Never give the whole key here"
            what = f"not the id of a key, a text of {len(name)} characters"
            raise UsageError(what, where=Where(field="key"), hint=hint)
        key: Key = found(tx, "key", name)
        return key
    mine: list[Key] = [key for key in owned(tx, account, "key") if key.label == label and label]
    live = [key for key in mine if key.replaced_by is None and key.revoked_us is None] or mine[-1:]
    if len(live) != 1:
        what = "several keys have this label" if live else "the account has no key with this label"
        raise UsageError(what, where=Where(field="key"), hint="`headwater key list` shows their ids")
    return live[0]


def _issued(
    hand: Hand,
    account: str,
    environment: str,
    minting: Minting,
    entries: Mapping[str, Any],
    replaces: Key | None = None,
) -> Issued:
    checked = _checked(hand, account, entries, replaces)
    text = new_key(minting.prefix, environment, minting.secret)
    parts = parse_key(text)
    if get(hand.tx, "key", parts.public) is not None:
        raise ConflictError(
            "a key with this id exists", hint="try again; if it recurs, the randomness is broken"
        )
    key = Key(
        id=parts.public,
        account=account,
        environment=environment,
        digest=secret_digest(minting.pepper, parts.secret),
        pepper=minting.pepper.id,
        created_us=hand.at_us,
        replaces=replaces.id if replaces else None,
        **checked,
    )
    hand.put(key, "rotated" if replaces else "made")
    return Issued(key, text)


def _checked(hand: Hand, account: str, entries: Mapping[str, Any], old: Key | None) -> dict[str, Any]:
    checks: dict[str, Callable[[Any], Any]] = {
        "scopes": scopes,
        "networks": networks,
        "asns": asns,
        "label": key_label,
        "expires_us": lambda at: _expiry(at, hand.at_us),
    }
    out = {}
    for name, value in entries.items():
        if name not in checks:
            hint = f"can: {', '.join(_CHANGEABLE)}"
            raise UsageError("this can't be changed", where=Where(field=name), hint=hint)
        out[name] = checks[name](value)
    if label := out.get("label"):
        others = [key for key in owned(hand.tx, account, "key") if old is None or key.id != old.id]
        if any(key.label == label and key.revoked_us is None and key.replaced_by is None for key in others):
            hint = "choose another, or rotate that key"
            where = Where(field="label")
            raise ConflictError("the account has a key with this label", where=where, hint=hint)
    return out


def _expiry(at: int | None, now_us: int) -> int | None:
    if at is not None and not now_us < at <= _LATEST_US:
        raise UsageError(
            "the key would end before it begins", where=Where(field="expires"), hint="such as 90d"
        )
    return at
