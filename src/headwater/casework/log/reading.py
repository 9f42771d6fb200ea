"""Every entry of the log as its store has it, each record held against what the entry commits to; nothing is written.

What the records say, and whether it's so, is no business of this room.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from headwater.casework.log import head as heads
from headwater.casework.log import ledger
from headwater.casework.log.mend import root_of_entries
from headwater.casework.log.record import SECRET_BYTES, Record, entry_id, entry_of
from headwater.errors import HeadwaterError
from headwater.proof import Rejected
from headwater.store import Transaction

_PAGE: Final = 10_000
_SQL: Final = (
    "SELECT c.idx, c.entry, r.id, r.kind, r.at_us, r.subject, r.record, r.secret, r.erased_at_us"
    " FROM log_commitments AS c LEFT JOIN log_records AS r ON r.idx = c.idx WHERE c.idx >= ? ORDER BY c.idx LIMIT ?"
)


@dataclass(frozen=True)
class Entered:
    """One entry: its id, and the record that it commits to. None where that was erased, lost, or is `wrong`.

    `kind` and `at_us` stay when a record is erased; of one that was lost with an older store, `kind` is empty.
    """

    id: str
    kind: str
    at_us: int
    record: Record | None
    wrong: str = ""


def entered(tx: Transaction) -> Iterator[Entered]:
    """All entries in their order, those that wait for their places after the others."""
    first = 0
    while rows := tx.rows(_SQL, (first, _PAGE)):
        yield from map(_entered, rows)
        first = rows[-1][0] + 1
    for one in tx.waiting(2**31, ledger.TOPIC):
        secret, data = one.payload[:SECRET_BYTES], one.payload[SECRET_BYTES:]
        try:
            record = Record.parse(data)
            yield Entered(entry_id(entry_of(secret, data)), record.kind, record.at_us, record)
        except Rejected:
            yield Entered(f"message {one.id}", "", one.at_us, None, "what waits for the log is no record")


def unsigned(tx: Transaction) -> str | None:
    """Why the store's entries are not those under the checkpoint that was signed last; None where they are."""
    head = heads.fetch(tx)
    assert head is not None
    try:
        root = root_of_entries(head.size, lambda start, end: ledger.entries(tx, start, end))
    except HeadwaterError as error:
        return error.what
    return None if root == head.root else "its entries don't make the root that was signed"


def _entered(row: tuple[Any, ...]) -> Entered:
    index, entry, name, kind, at_us, subject, data, secret, erased_at_us = row
    told = entry_id(bytes(entry))
    if name is None:
        return Entered(told, "", 0, None, f"entry {index:,} has no record, and none was erased")
    record, wrong = None, ""
    if data is None or secret is None:
        if erased_at_us is None or data is not None or secret is not None:
            wrong = "its record is gone, and no erasure is noted"
    else:
        record, wrong = _checked(bytes(entry), bytes(data), bytes(secret))
    if record and (record.kind, record.at_us, record.subject) != (kind, at_us, subject or ""):
        wrong = "kind, time or subject beside the record are not the record's"
    if bytes(name).hex() != told:
        wrong = wrong or "its id is another entry's"
    return Entered(told, kind, at_us, record, wrong and f"entry {index:,}: {wrong}")


def _checked(entry: bytes, data: bytes, secret: bytes) -> tuple[Record | None, str]:
    try:
        if entry_of(secret, data) != entry:
            return None, "its record is not what the entry commits to"
        return Record.parse(data), ""
    except Rejected:
        return None, "its record is none"
