"""The log's tables: commitments that stay, records that can be erased, and how messages of the outbox become both.

All of it within transactions that the caller opened; nothing here touches a file. The place of an entry in the log is
decided here once, in the order in which records were written, whatever their clocks said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from headwater.casework.log.moments import Between
from headwater.casework.log.record import KINDS, SECRET_BYTES, Held, Record, entry_id, entry_of
from headwater.errors import HeadwaterError, UsageError
from headwater.proof import Rejected
from headwater.store import Migration, Transaction, Waiting

#: The outbox's topic; a payload is the secret (32 bytes), then the record.
TOPIC: Final = "log"
MIGRATIONS: Final = (
    Migration(
        "log",
        1,
        """
        CREATE TABLE log_commitments (idx INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;
        CREATE TABLE log_records (
            idx INTEGER PRIMARY KEY REFERENCES log_commitments (idx),
            id BLOB NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            at_us INTEGER NOT NULL,
            subject TEXT,
            record BLOB,
            secret BLOB,
            erased_at_us INTEGER,
            erased_why TEXT
        ) STRICT;
        CREATE INDEX log_records_subject ON log_records (subject) WHERE subject IS NOT NULL;
        CREATE INDEX log_records_kind ON log_records (kind, at_us);
        """,
    ),
)
_COLUMNS: Final = "idx, id, kind, at_us, subject, record, secret, erased_at_us, erased_why"
_SHORTEST_ID: Final = 8
_LONGEST_ID: Final = 32


class _Head(msgspec.Struct):
    kind: str
    at_us: int


_head = msgspec.json.Decoder(_Head).decode


def enter(
    tx: Transaction, kind: str, subject: str, body: dict[str, Any], at_us: int, secret: Callable[[int], bytes]
) -> str:
    """Write a record for the log into the outbox; it's in the log if and only if `tx` is committed. The entry's id.

    Raises UsageError where it can't be written as canonical JSON.
    """
    if kind not in KINDS:
        raise UsageError(f"a record of an unknown kind, a text of {len(kind)} characters")
    try:
        data = Record(at_us, kind, subject, body).data()
    except Rejected as error:
        raise UsageError(str(error)) from None
    drawn = secret(SECRET_BYTES)
    name = entry_id(entry_of(drawn, data))
    tx.later(TOPIC, subject, drawn + data, at_us)
    return name


def sequence(tx: Transaction, most: int, between: Between) -> int:
    """Give the oldest waiting records their places in the log; how many. At once, or, where `tx` fails, not at all."""
    waiting = tx.waiting(most, TOPIC)
    first = sequenced(tx)
    commitments, records = [], []
    for index, one in enumerate(waiting, first):
        entry = entry_of(one.payload[:SECRET_BYTES], one.payload[SECRET_BYTES:])
        commitments.append((index, entry))
        records.append(row(index, entry, one))
    between("messages read")
    tx.many("INSERT INTO log_commitments VALUES (?, ?)", commitments)
    between("commitments written")
    keep(tx, records)
    between("records written")
    tx.done(one.id for one in waiting)
    between("outbox emptied")
    return len(waiting)


def row(index: int, entry: bytes, one: Waiting) -> tuple[Any, ...]:
    """The row of a record that waited."""
    secret, record = one.payload[:SECRET_BYTES], one.payload[SECRET_BYTES:]
    head = _head(record)
    return index, entry[1:17], head.kind, head.at_us, one.subject or None, record, secret, None, None


def keep(tx: Transaction, records: Iterable[Sequence[Any]]) -> None:
    """Write rows of the table of records."""
    tx.many("INSERT INTO log_records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", records)


def sequenced(tx: Transaction) -> int:
    """How many entries have their place."""
    found = tx.row("SELECT coalesce(max(idx) + 1, 0) FROM log_commitments")
    assert found is not None
    return int(found[0])


def entries(tx: Transaction, start: int, end: int) -> list[bytes]:
    """The entries from `start` to before `end`; raises HeadwaterError where some are missing."""
    sql = "SELECT entry FROM log_commitments WHERE idx >= ? AND idx < ? ORDER BY idx"
    found = [bytes(entry) for (entry,) in tx.rows(sql, (start, end))]
    if len(found) != end - start:
        what = f"the store has {len(found):,} of the log's entries {start:,} to {end - 1:,}"
        raise HeadwaterError(
            what,
            hint="restore its newest copy, or take them back from what is published: `headwater log recover`",
        )
    return found


def commitments(tx: Transaction, end: int) -> dict[int, bytes]:
    """The entries before `end` that are there, by index."""
    sql = "SELECT idx, entry FROM log_commitments WHERE idx < ?"
    return {int(index): bytes(entry) for index, entry in tx.rows(sql, (end,))}


def find(tx: Transaction, entry: int | str) -> Held:
    """The record at an index, or with an id or the first 8 or more digits of one; UsageError where there is none."""
    if isinstance(entry, int):
        at = entry if 0 <= entry < 2**63 else -1
        found = tx.rows(f"SELECT {_COLUMNS} FROM log_records WHERE idx = ?", (at,))
    else:
        digits = set(entry) <= set("0123456789abcdef") and _SHORTEST_ID <= len(entry) <= _LONGEST_ID
        if not digits:
            raise UsageError(
                f"not an entry's index or id, a text of {len(entry)} characters",
                hint="an id is 32 hex digits, of which the first 8 may do",
            )
        low, high = bytes.fromhex(entry.ljust(_LONGEST_ID, "0")), bytes.fromhex(entry.ljust(_LONGEST_ID, "f"))
        found = tx.rows(f"SELECT {_COLUMNS} FROM log_records WHERE id BETWEEN ? AND ? LIMIT 2", (low, high))
    if len(found) > 1:
        raise UsageError("more than one entry has an id that begins so", hint="give more of its digits")
    if not found:
        waits = tx.row("SELECT count(*) FROM outbox WHERE topic = ?", (TOPIC,))
        hint = f"{waits[0]:,} wait to be published" if waits and waits[0] else "see `headwater log verify`"
        raise UsageError("the log has no such entry", hint=hint)
    return _held(found[0])


def held(
    tx: Transaction, *, subject: str | None = None, kind: str | None = None, first: int = 0, limit: int = 1000
) -> list[Held]:
    """Records about `subject`, of `kind`, from the index `first` on, at most `limit`, in the order of the log."""
    terms, params = ["idx >= ?"], [first]
    for column, value in (("subject", subject), ("kind", kind)):
        if value is not None:
            terms.append(f"{column} = ?")
            params.append(value)  # type: ignore[arg-type]
    sql = f"SELECT {_COLUMNS} FROM log_records WHERE {' AND '.join(terms)} ORDER BY idx LIMIT ?"
    return [_held(row) for row in tx.rows(sql, (*params, limit))]


def erase(
    tx: Transaction,
    at_us: int,
    why: str,
    *,
    subject: str | None = None,
    kinds: Sequence[str] = (),
    before_us: int | None = None,
    index: int | None = None,
) -> int:
    """Erase the records that all of the conditions name: content, subject and secret go, the commitment stays.

    `before_us`: only what happened before then. Records that wait in the outbox get their places first, so that none
    escapes. How many were erased; `why` is what a later `prove` says. Call `Store.scrub` after the transaction.
    """
    terms = ["erased_at_us IS NULL"]
    params: list[Any] = []
    for term, value in (("subject = ?", subject), ("at_us < ?", before_us), ("idx = ?", index)):
        if value is not None:
            terms.append(term)
            params.append(value)
    if kinds:
        terms.append(f"kind IN ({', '.join('?' * len(kinds))})")
        params += kinds
    if len(terms) == 1:
        raise ValueError("say what to erase: not the whole log")
    while sequence(tx, 10_000, lambda _: None):
        pass
    sql = "UPDATE log_records SET subject = NULL, record = NULL, secret = NULL, erased_at_us = ?, erased_why = ?"
    return tx.run(f"{sql} WHERE {' AND '.join(terms)}", (at_us, why, *params))


def _held(row: tuple[Any, ...]) -> Held:
    index, name, *rest = row
    return Held(index, bytes(name).hex(), *rest)
