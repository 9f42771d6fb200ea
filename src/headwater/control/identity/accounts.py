"""What may be done to accounts, organisations and their links, within a transaction that the caller opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar, get_args

import msgspec

from headwater.control.identity.fields import account_id, label, outside_name
from headwater.control.identity.ledger import Hand, get
from headwater.control.identity.payment import fingerprint
from headwater.control.identity.rows import STATES, Account, Link, LinkKind, Organisation, link_id
from headwater.control.identity.tiers import TIERS
from headwater.control.identity.verification import set_by_hand
from headwater.errors import ConflictError, UsageError, Where
from headwater.store import Transaction

R = TypeVar("R", Account, Organisation)
_ACCOUNT: Final = ("tier", "organisation", "payment", "label", "state")
_ORGANISATION: Final = ("tier", "payment", "label", "state")


def new_account(hand: Hand, name: str, entries: Mapping[str, Any]) -> Account:
    """Make an account."""
    row = Account(id=account_id(name), created_us=hand.at_us)
    row = _changed(hand, row, entries, _ACCOUNT)
    row = msgspec.structs.replace(row, granted=row.tier)
    return _made(hand, "account", row)


def new_organisation(hand: Hand, name: str, entries: Mapping[str, Any]) -> Organisation:
    """Make an organisation."""
    row = Organisation(id=account_id(name, "organisation"), created_us=hand.at_us)
    return _made(hand, "organisation", _changed(hand, row, entries, _ORGANISATION))


def change_account(hand: Hand, name: str, entries: Mapping[str, Any]) -> Account:
    """Change an account; a tier is given by hand, and verifications from before no longer count."""
    row: Account = found(hand.tx, "account", name)
    row = _changed(hand, row, entries, _ACCOUNT)
    if "tier" in entries:
        row = set_by_hand(hand, row, row.tier)
    hand.put(row, "changed")
    return row


def change_organisation(hand: Hand, name: str, entries: Mapping[str, Any]) -> Organisation:
    """Change an organisation."""
    row: Organisation = found(hand.tx, "organisation", name)
    row = _changed(hand, row, entries, _ORGANISATION)
    hand.put(row, "changed")
    return row


def link(hand: Hand, account: str, kind: str, issuer: str, name: str) -> Link:
    """Link a name to an account."""
    found(hand.tx, "account", account)
    row = Link(
        kind=_link_kind(kind),
        issuer=outside_name(issuer, "issuer") if kind == "token" else "",
        name=outside_name(name, "name"),
        account=account,
        created_us=hand.at_us,
    )
    known: Link | None = get(hand.tx, "link", row.id)
    if known is not None:
        whose = "this" if known.account == account else "another"
        raise ConflictError(f"the name is linked to {whose} account already", hint="unlink it there first")
    hand.put(row, "linked")
    return row


def unlink(hand: Hand, account: str, kind: str, issuer: str, name: str) -> Link:
    """Take a link away."""
    row: Link | None = get(
        hand.tx, "link", link_id(_link_kind(kind), issuer if kind == "token" else "", name)
    )
    if row is None or row.account != account:
        raise UsageError("the account has no such link", hint="`headwater account show` lists its links")
    hand.remove("link", row.id, "unlinked")
    return row


def found(tx: Transaction, kind: str, name: str) -> Any:
    """A row that must be there; UsageError with the nearest name where it isn't."""
    row = get(tx, kind, name)
    if row is not None:
        return row
    from difflib import get_close_matches

    # Names that begin alike: a table of a million isn't read to word an error.
    sql = "SELECT id FROM identity_rows WHERE kind = ? AND id >= ? ORDER BY id LIMIT 200"
    near = get_close_matches(name, [one for (one,) in tx.rows(sql, (kind, name[:1]))], n=1)
    hint = f"did you mean {near[0]}?" if near else f"`headwater {_group(kind)} list` shows them"
    raise UsageError(f"there is no such {kind}", where=Where(field=kind), hint=hint)


def _made(hand: Hand, kind: str, row: R) -> R:
    if get(hand.tx, kind, row.id) is not None:
        hint = f"`headwater {_group(kind)} change` changes it"
        raise ConflictError(f"there is such an {kind} already", hint=hint)
    hand.put(row, "made")
    return row


def _changed(hand: Hand, row: R, entries: Mapping[str, Any], known: tuple[str, ...]) -> R:
    checked: dict[str, Any] = {}
    for name, value in entries.items():
        if name not in known:
            raise UsageError(
                "this can't be changed", where=Where(field=name), hint=f"can: {', '.join(known)}"
            )
        checked[name] = _entry(hand.tx, name, value)
    return msgspec.structs.replace(row, **checked)


def _entry(tx: Transaction, name: str, value: Any) -> Any:
    if value is None and name in ("organisation", "payment"):
        return None
    if not isinstance(value, str):
        raise UsageError("a text is expected", where=Where(field=name))
    if name == "tier":
        return _one_of(value, tuple(TIERS), "tier")
    if name == "state":
        return _one_of(value, STATES, "state")
    if name == "organisation":
        return found(tx, "organisation", value).id
    return fingerprint(value) if name == "payment" else label(value)


def _one_of(value: str, known: tuple[str, ...], what: str) -> str:
    if value not in known:
        raise UsageError(
            f"there is no such {what}", where=Where(field=what), hint=f"one of {', '.join(known)}"
        )
    return value


def _link_kind(kind: str) -> LinkKind:
    if kind not in get_args(LinkKind):
        raise UsageError("no kind of link", where=Where(field="kind"), hint=f"one of {get_args(LinkKind)}")
    return kind  # type: ignore[return-value]


def _group(kind: str) -> str:
    return {"organisation": "org"}.get(kind, kind)
