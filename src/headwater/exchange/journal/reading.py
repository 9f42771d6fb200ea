"""Reads one journal file: its whole records, in order, and an account of what in it is none.

A torn tail is what a kill leaves and is counted; damage before whole records is told with file and offset, and reading
goes on behind it. Nothing is ever changed here, and a record is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from headwater.errors import BadRow, UnreadableInput, Where, unreadable
from headwater.exchange.journal.folder import JournalFile
from headwater.exchange.journal.frame import (
    END,
    FRAME_BYTES,
    HEADER_BYTES,
    ID_BYTES,
    Damage,
    Frame,
    Header,
    NewerVersionError,
    Parser,
    Torn,
    header,
    is_end,
    marker_of,
)
from headwater.exchange.journal.records import MOST_BYTES, Record, decode

_CHUNK: Final = 4 << 20
#: Bytes in which the first frame of a file is looked for where its header is damaged.
_FIRST: Final = HEADER_BYTES + ID_BYTES + MOST_BYTES
#: Damaged stretches of one file that are told; the others count as its last.
_MOST_TOLD: Final = 1000
_DAMAGED: Final = "the records in it are lost; see whether the disk is sound"


@dataclass(frozen=True, slots=True)
class Entry:
    """A record, its sequence, and where it ends in its file."""

    record: Record
    sequence: int
    end: int


@dataclass
class Account:
    """What a file held beside records that could be read.

    `torn`: bytes at its end that are no whole record. `damaged`: stretches before that, each with file and offset.
    `missing`: records that aren't there though their neighbours are. `repeated`: frames that came before. `unknown`:
    records of a kind or shape that this version doesn't know. `closed`: whether its writer closed it in order.
    """

    records: int = 0
    torn: int = 0
    damaged: list[BadRow] = field(default_factory=list)
    missing: int = 0
    repeated: int = 0
    unknown: int = 0
    closed: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing in it was lost but what a kill tears."""
        return not (self.damaged or self.missing or self.unknown)


class FileReader:
    """One file from `offset` on (0: its beginning), as far as it goes now.

    `last`: the sequence read before, where the file goes on with the same incarnation; None where that isn't known.
    `final`: nothing is written to the file any more, so that what is half there is torn. Raises UnreadableInput where
    it can't be read, or was written by a newer version.
    """

    def __init__(
        self, file: JournalFile, *, last: int | None = None, offset: int = 0, final: bool = True
    ) -> None:
        self.file = file
        self.account = Account()
        self.offset = offset
        self.sequence = last or 0
        self._last = last
        self._final = final

    def __iter__(self) -> Iterator[Entry]:
        try:
            with self.file.path.open("rb") as held:
                yield from self._entries(held)
        except OSError as error:
            raise unreadable(self.file.path, error) from None

    def _entries(self, held: BinaryIO) -> Iterator[Entry]:
        head = self._header(held)
        if head is None:
            return
        last = self._last
        if last is None and head.first is not None:
            last = head.first - 1
        elif last is not None and head.first is not None and not self.offset and head.first > last + 1:
            self.account.missing += head.first - last - 1
            last = head.first - 1
        self.offset = max(self.offset, HEADER_BYTES)
        held.seek(self.offset)
        parser = Parser(head.marker, self.offset, last)
        while data := held.read(_CHUNK):
            parser.feed(data)
            yield from self._events(parser, final=False)
        yield from self._events(parser, final=self._final)
        self.account.repeated = parser.repeated

    def _events(self, parser: Parser, *, final: bool) -> Iterator[Entry]:
        while (event := parser.next(final=final)) is not None:
            if isinstance(event, Torn):
                self.account.torn += event.end - event.offset
            elif isinstance(event, Damage):
                self._damage(event.offset, event.end)
            else:
                yield from self._entry(event)
        if not final and parser.bad is None:
            self.offset = parser.offset  # behind frames that came twice, too

    def _entry(self, frame: Frame) -> Iterator[Entry]:
        self.offset, self.sequence = frame.end, max(frame.sequence, self.sequence)
        self.account.missing += frame.missing
        if frame.kind == END:
            self.account.closed = True
            return
        record = decode(frame.kind, frame.payload)
        if record is None:
            self.account.unknown += 1
        else:
            self.account.records += 1
            yield Entry(record, frame.sequence, frame.end)

    def _header(self, held: BinaryIO) -> Header | None:
        """The header, or what can be known of it; None where no record can be found without it."""
        data = held.read(HEADER_BYTES)
        try:
            found = header(data)
        except NewerVersionError:
            what, hint = "was written by a newer version", "update Headwater where it is read"
            raise UnreadableInput(what, where=Where(str(self.file.path)), hint=hint) from None
        if found is not None:
            return found
        if len(data) < HEADER_BYTES:  # its writer was killed as it began
            self.account.torn += len(data) if self._final else 0
            return None
        held.seek(0)
        marker = marker_of(held.read(_FIRST))
        if marker is None:
            if self._final:
                self._damage(0, held.seek(0, 2))
            return None
        if not self.offset:
            self._damage(0, HEADER_BYTES)
        return Header(self.file.number, bytes.fromhex(self.file.incarnation), marker, None, 0)

    def _damage(self, start: int, end: int) -> None:
        if len(self.account.damaged) < _MOST_TOLD:
            what = f"{end - start:,} bytes from byte {start:,} on are damaged"
            self.account.damaged.append(BadRow(what, Where(str(self.file.path)), _DAMAGED))


def is_closed(file: JournalFile) -> bool:
    """Whether its writer closed a file in order, told by how it ends. Raises UnreadableInput."""
    try:
        with file.path.open("rb") as held:
            end = held.seek(0, 2) - FRAME_BYTES
            if end < HEADER_BYTES:
                return False
            held.seek(end)
            return is_end(held.read(FRAME_BYTES))
    except OSError as error:
        raise unreadable(file.path, error) from None
