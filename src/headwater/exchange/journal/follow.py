"""Follows a journal while it is written: for whoever works on exchanges as they come, and catches up after a pause.

A position is (file, offset) with the sequence there; it's the reader's to keep. Records are given once each and in
order, those included whose sync is still under way. A reader that is behind a rotation is told what it missed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from headwater.errors import BadRow, ConfigurationError, Where
from headwater.exchange.journal.folder import JournalFile, journal_files
from headwater.exchange.journal.reading import FileReader
from headwater.exchange.journal.records import Record

_POSITION = re.compile(r"([0-9]{12}-([0-9a-f]{16})\.journal):([0-9]{1,19}):([0-9]{1,20})")


@dataclass(frozen=True)
class Position:
    """A place in a journal: a file's name, the byte before the next record, and the sequence of the last one."""

    file: str
    offset: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}:{self.sequence}"

    @property
    def incarnation(self) -> str:
        """Which run of the writer the sequence counts in."""
        return self.file[13:29]

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read what `str` gives. Raises ConfigurationError."""
        found = _POSITION.fullmatch(text)
        if found is None:
            hint = "begin at the first file: remove what was kept"
            raise ConfigurationError("is no position in a journal", hint=hint)
        return cls(found[1], int(found[3]), int(found[4]))


def follow(
    folder: Path, position: Position | None = None, told: Callable[[BadRow], None] | None = None
) -> Iterator[tuple[Position, Record]]:
    """The records behind `position` (None: all) that there are now, each with the position to go on from.

    Ends where the journal ends now; ask again later. What was damaged, is missing or isn't known goes to `told`.
    Raises UnreadableInput where a file can't be read.
    """
    at, told = position, told or _silent
    while True:
        files = journal_files(folder)  # before the file is read: one that has a next one grows no more
        current = _current(files, at)
        if current is None:
            return
        reader = _reader(current, at, final=current is not files[-1])
        if at is not None and at.file != current.name and at.incarnation != current.incarnation:
            told(BadRow("is gone, and may have held more than was read", Where(str(folder / at.file))))
        for entry in reader:
            yield Position(current.name, entry.end, entry.sequence), entry.record
        _tell(reader, told)
        if current is files[-1]:
            return
        following = files[files.index(current) + 1]
        goes_on = following.incarnation == current.incarnation
        at = Position(following.name, 0, reader.sequence if goes_on else 0)


def _reader(file: JournalFile, at: Position | None, *, final: bool) -> FileReader:
    if at is None or at.incarnation != file.incarnation:
        return FileReader(file, final=final)
    return FileReader(file, last=at.sequence, offset=at.offset if at.file == file.name else 0, final=final)


def _silent(row: BadRow) -> None:
    """For whoever doesn't ask."""


def _current(files: list[JournalFile], at: Position | None) -> JournalFile | None:
    """The file to go on in: that of the position, or where it is gone the next one."""
    return next((file for file in files if at is None or file.name >= at.file), None)


def _tell(reader: FileReader, told: Callable[[BadRow], None]) -> None:
    account, where = reader.account, Where(str(reader.file.path))
    for row in account.damaged:
        told(row)
    if account.missing:
        told(
            BadRow(f"{account.missing:,} records before this place are missing", where, rows=account.missing)
        )
    if account.unknown:
        hint = "update Headwater where it is read"
        told(BadRow(f"{account.unknown:,} records are of an unknown kind", where, hint, account.unknown))
