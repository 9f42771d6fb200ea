"""The journal of a relay: what was accepted is on record before it is served, and becomes what `investigate` reads.

    journal = Journal.open(folder, JournalSettings())             # one folder for each relay process
    ticket = journal.append(Accepted(id, at_us, account, …))      # before the request goes upstream
    journal.append(Outcome(id, at_us, status=200, …))             # when it has ended, however it did
    for position, record in follow(folder, position): …           # other rooms, as it is written
    rotate(folder, out, until_us=now)                             # another process: closed files become Parquet

`writer` says how a door drives the writing. Rotation, which needs Arrow, is loaded when it is used. What a request
may do, and which are recorded, is decided above this room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.exchange.journal.appender import Batch, Written
from headwater.exchange.journal.batches import answers_of_batch, line_id, lines_of_batch
from headwater.exchange.journal.closing import close_now, was_asked
from headwater.exchange.journal.folder import JournalFile, journal_files, lives, relays
from headwater.exchange.journal.follow import Position, follow
from headwater.exchange.journal.reading import Account, Entry, FileReader
from headwater.exchange.journal.records import Accepted, Gap, Outcome, Record
from headwater.exchange.journal.settings import JournalSettings, RotationSettings
from headwater.exchange.journal.writer import REFUSED, UNRECORDED, Counts, Journal

if TYPE_CHECKING:
    from headwater.exchange.journal.rotation import MOMENTS, Rotated, rotate

__all__ = [
    "MOMENTS",
    "REFUSED",
    "UNRECORDED",
    "Accepted",
    "Account",
    "Batch",
    "Counts",
    "Entry",
    "FileReader",
    "Gap",
    "Journal",
    "JournalFile",
    "JournalSettings",
    "Outcome",
    "Position",
    "Record",
    "Rotated",
    "RotationSettings",
    "Written",
    "answers_of_batch",
    "close_now",
    "follow",
    "journal_files",
    "line_id",
    "lines_of_batch",
    "lives",
    "relays",
    "rotate",
    "was_asked",
]


def __getattr__(name: str) -> Any:
    if name in ("MOMENTS", "Rotated", "rotate"):
        from headwater.exchange.journal import rotation

        return getattr(rotation, name)
    raise AttributeError(f"module 'headwater.exchange.journal' has no attribute {name!r}")
