"""Changes of accounts, organisations, keys and tiers, taken out of an identity store's outbox and into the log.

The two stores share no transaction: what was entered is remembered in the casebook together with the entries, so that
a kill between the two loses nothing and enters nothing twice. What a change says is the identity store's business.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any, Final

import msgspec

from headwater.casework.casebook import Casebook
from headwater.casework.pseudonym import Pseudonyms, pseudonyms
from headwater.control.identity import Identity
from headwater.errors import UsageError
from headwater.store import Transaction, Waiting

#: The kind of entry that tells of a change.
KIND: Final = "identity"
#: Messages that are taken in one transaction.
AT_ONCE: Final = 500
#: Fields of a row that name an account, by the row's kind.
_NAMES: Final = {"account": "id", "key": "account", "link": "account", "verification": "account"}


class _Taken(msgspec.Struct):
    """The last message that was entered: its number, and a digest, since a restored store counts anew."""

    id: int
    digest: str


def log_identity(
    book: Casebook,
    identity: Identity,
    at_us: int,
    *,
    most: int | None = None,
    between: Callable[[str], None] = lambda _: None,
) -> int:
    """Enter what waits in `identity` into the casebook's log, at most `most` changes, and publish it; how many.

    `between` is called between the steps. Also for several processes at once: each change is entered once.
    """
    entered = 0
    while most is None or entered < most:
        size = AT_ONCE if most is None else min(AT_ONCE, most - entered)
        if not identity.waiting(1):
            break
        book.ready()
        with book.store.write() as tx:
            # Read within the transaction: of two who do this at once, the second sees what the first has entered.
            waiting = identity.waiting(size)
            fresh = _enter(book, tx, _register(identity), waiting)
        between("entered")
        identity.done([one.id for one in waiting])
        between("taken out")
        entered += fresh
    if entered or _left(book):
        book.publish(at_us)
    return entered


def _left(book: Casebook) -> bool:
    """Whether a run that was killed has entered something that isn't published yet."""
    with book.store.read() as tx:
        return bool(tx.waiting(1))


def _enter(book: Casebook, tx: Transaction, register: str, waiting: list[Waiting]) -> int:
    fresh = _not_entered(tx, register, waiting)
    names = pseudonyms(tx, secrets.token_bytes)
    for one in fresh:
        subject = names.of(one.subject) if one.subject else ""
        try:
            book.log.enter(tx, KIND, subject, _body(one.payload, names), one.at_us)
        except UsageError:  # too large, or no canonical JSON: that there was a change is still said
            book.log.enter(tx, KIND, subject, {"message": one.id, "unwritable": True}, one.at_us)
    if fresh:
        now = msgspec.json.encode(_Taken(fresh[-1].id, _digest(fresh[-1])))
        before = tx.fetch(register)
        if before is None:
            tx.create(register, now)
        else:
            tx.replace(register, before, now)
    return len(fresh)


def _not_entered(tx: Transaction, register: str, waiting: list[Waiting]) -> list[Waiting]:
    """Those behind the last that was entered, where that still waits because a run was killed; otherwise all."""
    found = tx.fetch(register)
    if found is None:
        return waiting
    taken = msgspec.json.decode(found, type=_Taken)
    for at, one in enumerate(waiting):
        if one.id == taken.id and _digest(one) == taken.digest:
            return waiting[at + 1 :]
    return waiting


def _body(payload: bytes, names: Pseudonyms) -> dict[str, Any]:
    """What a message says, with pseudonyms in place of accounts' ids."""
    body: dict[str, Any] = msgspec.json.decode(payload)
    field = _NAMES.get(body.get("kind", ""))
    if field is not None:
        for name in ("before", "after"):
            row = body.get(name)
            if row:
                body[name] = {**row, field: names.of(row[field])}
    if field == "id" and body.get("id"):
        body["id"] = names.of(body["id"])
    return body


def _register(identity: Identity) -> str:
    """Where the last message of this store is remembered: a store is named by its oldest pepper."""
    return f"casework/identity {identity.peppers[-1].id}"


def _digest(one: Waiting) -> str:
    told = one.at_us.to_bytes(8, "big") + one.payload
    return hashlib.sha256(told).hexdigest()[:32]
