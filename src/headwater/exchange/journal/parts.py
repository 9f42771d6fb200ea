"""One journal file's contents, with the answers to its requests, and the part files that they become.

Written below a folder that is nobody's yet, and on the disk when `staged` returns. When, in which order and whether a
file's turn has come is decided by the rotation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from headwater.errors import Where
from headwater.exchange.aside import SetAside
from headwater.exchange.journal.folder import JournalFile, synced
from headwater.exchange.journal.reading import Account, FileReader
from headwater.exchange.journal.records import Accepted, Gap, Outcome
from headwater.exchange.journal.table import (
    JOURNAL_COLUMNS,
    LATE_COLUMNS,
    Days,
    Imprinting,
    answer_of,
    row_of,
)
from headwater.exchange.model import Column, schema_of
from headwater.exchange.write import write_parquet


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a file, and its sequence there."""

    record: Accepted
    sequence: int


@dataclass
class Contents:
    """What one file holds: its requests, the answers to them and to others', gaps, and what was none of these.

    `last`: the sequence of its last record, None where there is none and none is known before it.
    """

    accepted: list[Request] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    others: dict[str, Outcome] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    last: int | None = None


@dataclass(frozen=True)
class Staged:
    """Part files that were written, and what is in them: their paths below the folder, rows, answers that came late
    (ids), requests without an answer (ids with their times), rows that were set aside."""

    parts: list[str]
    rows: int
    late: set[str]
    unanswered: dict[str, int]
    set_aside: int


def contents(file: JournalFile, before: int | None = None) -> Contents:
    """Read a file that is written to no more; `before`: the sequence read before it. Raises UnreadableInput."""
    found = Contents()
    answers: dict[str, Outcome] = {}
    reader = FileReader(file, last=before)
    for entry in reader:
        record = entry.record
        if isinstance(record, Accepted):
            found.accepted.append(Request(record, entry.sequence))
        elif isinstance(record, Outcome):
            answers.setdefault(record.id, record)
        else:
            found.gaps.append(record)
    found.account, found.last = reader.account, reader.sequence or before
    own = {request.record.id for request in found.accepted}
    for name, outcome in answers.items():
        (found.outcomes if name in own else found.others)[name] = outcome
    return found


def answered(found: Contents, later: Iterable[JournalFile]) -> None:
    """Add answers that stand in later files, which may still be written; looks no further than it must."""
    wanted = {request.record.id for request in found.accepted} - found.outcomes.keys()
    for file in later:
        if not wanted:
            return
        for entry in FileReader(file, final=False):
            if isinstance(entry.record, Outcome) and entry.record.id in wanted:
                found.outcomes[entry.record.id] = entry.record
                wanted.discard(entry.record.id)


def staged(
    file: JournalFile,
    found: Contents,
    unanswered: Mapping[str, int],
    beside: Path,
    imprinting: Imprinting | None,
    *,
    texts: bool,
    between: Callable[[str], None],
) -> Staged:
    """Write the parts of a file's contents below `beside`. Raises OSError.

    `unanswered`: requests of earlier files whose answers may be among these.
    """
    sequences = [request.sequence for request in found.accepted]
    stem = f"{file.number:012d}-{file.incarnation}-{min(sequences, default=0)}-{max(sequences, default=0)}"
    aside = SetAside()
    days = Days(JOURNAL_COLUMNS, aside, imprinting, texts=texts)
    left: dict[str, int] = {}
    for request in found.accepted:
        record, outcome = request.record, found.outcomes.get(request.record.id)
        if outcome is None:
            left[record.id] = record.at_us
        days.add(row_of(record, outcome), record.at_us, Where(file.name, request.sequence))
    late = {name: outcome for name, outcome in found.others.items() if name in unanswered}
    answers = Days(LATE_COLUMNS, aside, None, texts=texts)
    for outcome in late.values():
        answers.add(answer_of(outcome), outcome.at_us, Where(file.name))
    writing = _Writing(beside, between)
    writing.tables("", stem, days, JOURNAL_COLUMNS)
    writing.tables("_late/", stem, answers, LATE_COLUMNS)
    if notes := _notes(file, found, aside):
        writing.file(f"_notes/{stem}.json", notes)
    writing.settle()
    return Staged(writing.parts, days.rows, set(late), left, aside.total)


class _Writing:
    """Part files below a folder, and their names, on the disk."""

    def __init__(self, beside: Path, between: Callable[[str], None]) -> None:
        self.parts: list[str] = []
        self._beside = beside
        self._between = between

    def tables(self, prefix: str, stem: str, days: Days, columns: tuple[Column, ...]) -> None:
        for day, batches in sorted(days.finish().items()):
            path = self._place(f"{prefix}day={day}/{stem}.parquet")
            write_parquet(batches, path, schema=schema_of(columns))
            path.chmod(0o600)  # it holds prompts; until now it lay where its owner alone can look
            _synced_file(path)
            self._between("part written")

    def file(self, part: str, data: bytes) -> None:
        path = self._place(part)
        path.write_bytes(data)
        path.chmod(0o600)
        _synced_file(path)

    def settle(self) -> None:
        """Every name on the way to a part is on the disk."""
        for folder in {self._beside, *(inner for inner in self._beside.rglob("*") if inner.is_dir())}:
            synced(folder)
        for folder in list(self._beside.parents)[:3]:  # those that may have been made for it
            synced(folder)

    def _place(self, part: str) -> Path:
        path = self._beside / part
        path.parent.mkdir(parents=True, exist_ok=True)
        self.parts.append(part)
        return path


def _notes(file: JournalFile, found: Contents, aside: SetAside) -> bytes:
    """What a reader of the rows should know of what isn't among them; empty where there is nothing to tell."""
    account = found.account
    told: dict[str, object] = {
        "missing": account.missing,
        "torn_bytes": account.torn,
        "unknown_records": account.unknown,
        "damaged": [row.what for row in account.damaged],
        "set_aside": dict(aside.by_reason()),
        "left_empty": dict(aside.by_notice()),
        "gaps": [msgspec.structs.asdict(gap) for gap in found.gaps],
    }
    told = {name: value for name, value in told.items() if value}
    return msgspec.json.encode({"file": file.name, **told}) + b"\n" if told else b""


def _synced_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
