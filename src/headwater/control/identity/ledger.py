"""Rows and their changes within a transaction that the caller opened: each change with its row before and after.

A change goes with a message for the rooms above into the outbox, in the same transaction. What may be changed is
decided elsewhere; here only an undo is: it puts back the very row that was there, where nobody has changed it since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from headwater.control.identity.rows import Account, Row, decoded, encoded, id_of, kind_of, owner_of, told
from headwater.errors import ConflictError, UsageError
from headwater.store import Transaction

#: The outbox's topic: a JSON object with the change, and the row before and after as others may read it.
TOPIC: Final = "identity"
#: A register that counts how often rows were made to be forgotten: whoever holds a snapshot then loads all anew.
EPOCH: Final = "identity epoch"
_COLUMNS: Final = "id, batch, kind, row, what, by, reason, at_us, before, after, undoes"
_AT_ONCE: Final = 2000
#: Kinds of rows whose owner is an account.
_OWNED: Final = ("key", "link", "verification")


class Change(NamedTuple):
    """One row changed; changes of one `batch` were made, and are undone, together. `undoes`: the batch taken back."""

    id: int
    batch: int
    kind: str
    row: str
    what: str
    by: str
    reason: str
    at_us: int
    before: bytes | None
    after: bytes | None
    undoes: int | None


class Kept(NamedTuple):
    """A row as it is kept; no body: it isn't there any more."""

    kind: str
    id: str
    body: bytes | None


class Head(NamedTuple):
    """The newest change: its number, its time, and the epoch; what a snapshot compares."""

    id: int
    at_us: int
    epoch: int


@dataclass
class Hand:
    """Somebody who changes rows: the transaction, who acts, why and when. All of it is one batch."""

    tx: Transaction
    by: str
    reason: str
    at_us: int
    undoes: int | None = None
    batch: int | None = None

    def put(self, row: Row, what: str) -> None:
        """Write a row, made or changed; nothing happens where it is so already."""
        kind, name = kind_of(row), id_of(row)
        before, after = body(self.tx, kind, name), encoded(row)
        if before == after:
            return
        self.tx.run(
            "INSERT INTO identity_rows VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET owner = excluded.owner, body = excluded.body",
            (kind, name, owner_of(row), after),
        )
        self._note(kind, name, what, before, after)

    def remove(self, kind: str, name: str, what: str) -> None:
        """Take a row away."""
        before = body(self.tx, kind, name)
        if before is not None:
            self.tx.run("DELETE FROM identity_rows WHERE kind = ? AND id = ?", (kind, name))
            self._note(kind, name, what, before, None)

    def _note(self, kind: str, name: str, what: str, before: bytes | None, after: bytes | None) -> None:
        values = (kind, name, what, self.by, self.reason, self.at_us, before, after, self.undoes)
        found = self.tx.row(
            "INSERT INTO identity_changes (batch, kind, row, what, by, reason, at_us, before, after, undoes)"
            " VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            values,
        )
        assert found is not None
        number = int(found[0])
        self.batch = self.batch or number
        self.tx.run("UPDATE identity_changes SET batch = ? WHERE id = ?", (self.batch, number))
        old, new = (decoded(kind, one) if one is not None else None for one in (before, after))
        payload = {
            "change": number,
            "batch": self.batch,
            "kind": kind,
            "id": name,
            "what": what,
            "by": self.by,
            "reason": self.reason,
            "undoes": self.undoes,
            "before": told(old),
            "after": told(new),
            "changed": _changed(old, new),
        }
        self.tx.later(TOPIC, _subject(kind, new or old), msgspec.json.encode(payload), self.at_us)


def body(tx: Transaction, kind: str, name: str) -> bytes | None:
    """The row as it is kept, or None."""
    found = tx.row("SELECT body FROM identity_rows WHERE kind = ? AND id = ?", (kind, name))
    return None if found is None else bytes(found[0])


def get(tx: Transaction, kind: str, name: str) -> Any:
    """A row, or None."""
    found = body(tx, kind, name)
    return None if found is None else decoded(kind, found)


def owned(tx: Transaction, owner: str, kind: str) -> list[Any]:
    """The rows of a kind that are an account's (or, of kind account, an organisation's), in order of id."""
    sql = "SELECT body FROM identity_rows WHERE owner = ? AND kind = ? ORDER BY id"
    return [decoded(kind, bytes(found)) for (found,) in tx.rows(sql, (owner, kind))]


def all_of(tx: Transaction, kind: str) -> list[Any]:
    """All rows of a kind, in order of id."""
    sql = "SELECT body FROM identity_rows WHERE kind = ? ORDER BY id"
    return [decoded(kind, bytes(found)) for (found,) in tx.rows(sql, (kind,))]


def each_of(tx: Transaction, kind: str) -> Iterator[Kept]:
    """All rows of a kind as they are kept, in order of id, some at a time: a store may hold a million."""
    sql = "SELECT kind, id, body FROM identity_rows WHERE kind = ? AND id > ? ORDER BY id LIMIT ?"
    last = ""
    while found := tx.rows(sql, (kind, last, _AT_ONCE)):
        yield from map(Kept._make, found)
        last = found[-1][1]


def page_of(tx: Transaction, kind: str, *, after: str, limit: int, owner: str | None = None) -> list[Any]:
    """The rows of a kind (of one owner) whose ids come after `after`, in order of id, at most `limit`."""
    if owner is None:
        sql = "SELECT body FROM identity_rows WHERE kind = ? AND id > ? ORDER BY id LIMIT ?"
        found = tx.rows(sql, (kind, after, limit))
    else:
        sql = "SELECT body FROM identity_rows WHERE owner = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?"
        found = tx.rows(sql, (owner, kind, after, limit))
    return [decoded(kind, bytes(body)) for (body,) in found]


def version(tx: Transaction, kind: str, name: str) -> int:
    """The number of the newest change to a row; 0 where it was never changed."""
    sql = "SELECT coalesce(max(id), 0) FROM identity_changes WHERE kind = ? AND row = ?"
    found = tx.row(sql, (kind, name))
    assert found is not None
    return int(found[0])


def head(tx: Transaction) -> Head:
    """The newest change."""
    found = tx.row("SELECT id, at_us FROM identity_changes ORDER BY id DESC LIMIT 1")
    number, at_us = found or (0, 0)
    return Head(number, at_us, epoch(tx))


def epoch(tx: Transaction) -> int:
    """How often rows were made to be forgotten."""
    return int(tx.fetch(EPOCH) or b"0")


def touched(tx: Transaction, since: Head) -> list[tuple[str, str]] | None:
    """Kind and id of the rows that have changed since; None where this store isn't the one that was seen then."""
    if epoch(tx) != since.epoch:
        return None
    if since.id:
        found = tx.row("SELECT at_us FROM identity_changes WHERE id = ?", (since.id,))
        if found is None or found[0] != since.at_us:
            return None
    return tx.rows("SELECT DISTINCT kind, row FROM identity_changes WHERE id > ?", (since.id,))


def changes(
    tx: Transaction,
    *,
    kinds: Iterable[str] = (),
    row: str | None = None,
    by: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Change]:
    """The newest changes (of `kinds`, of one row, by one person, with lower numbers), newest first."""
    terms, params = ["1"], list[Any](kinds)
    if params:
        terms.append(f"kind IN ({', '.join('?' * len(params))})")
    for term, value in (("row = ?", row), ("by = ?", by), ("id < ?", before)):
        if value is not None:
            terms.append(term)
            params.append(value)
    sql = f"SELECT {_COLUMNS} FROM identity_changes WHERE {' AND '.join(terms)} ORDER BY id DESC LIMIT ?"
    return [Change(*found) for found in tx.rows(sql, (*params, limit))]


def changes_since(tx: Transaction, number: int) -> list[Change]:
    """The changes after one of this number, oldest first."""
    sql = f"SELECT {_COLUMNS} FROM identity_changes WHERE id > ? ORDER BY id"
    return [Change(*found) for found in tx.rows(sql, (number,))]


def batch_of(tx: Transaction, number: int) -> list[Change]:
    """A change with all that was made together with it, newest first; nothing where there is none."""
    sql = f"SELECT {_COLUMNS} FROM identity_changes WHERE batch ="
    sql += " (SELECT batch FROM identity_changes WHERE id = ?) ORDER BY id DESC"
    return [Change(*found) for found in tx.rows(sql, (number,))]


def undo(hand: Hand, number: int, kinds: Iterable[str] = ()) -> list[Change]:
    """Undo the change of this number with its whole batch, newest first; the changes that were undone.

    Raises `UsageError` where there is none (of `kinds`), and `ConflictError` where a row was changed since, or others
    rest on it.
    """
    tx, allowed = hand.tx, tuple(kinds)
    found = batch_of(tx, number)
    if not found or (allowed and not any(one.kind in allowed for one in found)):
        raise UsageError(f"there is no change {number} of this kind", hint="see `history` for the changes")
    if any(one.what == "forgotten" or (one.before is None and one.after is None) for one in found):
        raise ConflictError("what was forgotten can't be brought back")
    hand.undoes = found[0].batch
    for one in found:
        if body(tx, one.kind, one.row) != one.after:
            later = tx.row(
                "SELECT max(batch) FROM identity_changes WHERE kind = ? AND row = ?", (one.kind, one.row)
            )
            hint = f"undo change {later[0]} first" if later else None
            raise ConflictError(f"the {one.kind} has been changed since", hint=hint)
    for one in found:
        if one.before is None:
            _alone(tx, one)
            hand.remove(one.kind, one.row, "undone")
        else:
            row = decoded(one.kind, one.before)
            _rests(tx, row)
            hand.put(row, "undone")
    return found


def forget(hand: Hand, account: str) -> None:
    """Remove an account with all that is its own, also from the history and the outbox. Scrub the store after it."""
    tx = hand.tx
    names = [("account", account)]
    for kind in _OWNED:
        now = "SELECT id FROM identity_rows WHERE owner = ? AND kind = ?"
        names += [(kind, name) for (name,) in tx.rows(now, (account, kind))]
        once = "SELECT DISTINCT row FROM identity_changes WHERE kind = ?"
        once += " AND json_extract(CAST(coalesce(after, before) AS TEXT), '$.account') = ?"
        names += [(kind, name) for (name,) in tx.rows(once, (kind, account))]
    tx.many("DELETE FROM identity_used WHERE key = ?", ((name,) for kind, name in names if kind == "key"))
    tx.many("DELETE FROM identity_rows WHERE kind = ? AND id = ?", names)
    blank = (
        "UPDATE identity_changes SET before = NULL, after = NULL, reason = '', row = '', what = 'forgotten'"
    )
    tx.many(f"{blank} WHERE kind = ? AND row = ?", names)
    tx.run("DELETE FROM outbox WHERE topic = ? AND subject = ?", (TOPIC, account))
    at = epoch(tx)
    if at == 0:
        tx.create(EPOCH, b"1")
    else:
        tx.replace(EPOCH, str(at).encode(), str(at + 1).encode())
    hand._note("account", "", "forgotten", None, None)


def _alone(tx: Transaction, one: Change) -> None:
    """A row that others rest on stays."""
    owned_kinds = {"organisation": ("account",), "account": _OWNED}.get(one.kind, ())
    for kind in owned_kinds:
        sql = "SELECT 1 FROM identity_rows WHERE owner = ? AND kind = ? LIMIT 1"
        if tx.row(sql, (one.row, kind)):
            hint = f"undo first what made its {kind}"
            raise ConflictError(f"the {one.kind} still has a {kind}", hint=hint)


def _rests(tx: Transaction, row: Row) -> None:
    """What a row rests on is there."""
    on = ("organisation", row.organisation) if isinstance(row, Account) else ("account", owner_of(row))
    if on[1] and body(tx, on[0], on[1]) is None:
        raise ConflictError(f"its {on[0]} is no longer there", hint="make it again, or undo its removal")


def _changed(old: Row | None, new: Row | None) -> list[str]:
    """Names of the fields that differ."""
    if old is None or new is None:
        return []
    return [name for name in old.__struct_fields__ if getattr(old, name) != getattr(new, name)]


def _subject(kind: str, row: Row | None) -> str:
    if kind == "account" and row is not None:
        return id_of(row)
    return owner_of(row) if row is not None and kind in _OWNED else ""
