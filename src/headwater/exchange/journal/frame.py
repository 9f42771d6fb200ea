"""The bytes of a journal: a header for each file, a frame around each record, and how they are found again.

    header  magic 8 · version u16 · length u16 · 0 u32 · number u64 · incarnation 8 · marker 8 · first u64
            · opened_us i64 · 0 u32 · CRC-32 u32                                                        64 bytes
    frame   marker 8 · CRC-32 u32 · kind u8 · length u32 · sequence u64 · payload                  25 bytes + payload

Numbers are little-endian. The CRC (ISO-HDLC, as in zlib) is over all that follows it in a frame, and over all before
it in a header. The marker is random and secret: a frame that somebody writes into a prompt is never taken for one.
Bytes in, events out: no file is touched here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, TypeAlias
from zlib import crc32

from headwater.exchange.journal.records import MOST_BYTES

MAGIC: Final = b"\x89HWJ\r\n\x1a\n"
VERSION: Final = 1
#: The kind of the frame that ends a file which was closed in order: it has no payload, and the last record's sequence.
END: Final = 255
ID_BYTES: Final = 8

_HEADER: Final = struct.Struct("<8sHHIQ8s8sQqI")
_CRC: Final = struct.Struct("<I")
_FRAME: Final = struct.Struct("<8sIBIQ")
_CHECKED: Final = struct.Struct("<BIQ")
HEADER_BYTES: Final = _HEADER.size + _CRC.size
FRAME_BYTES: Final = _FRAME.size
_CHECKED_FROM: Final = _FRAME.size - _CHECKED.size


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself.

    `number`: its place among the files of its folder. `incarnation`: which run of the writer. `first`: the sequence
    of its first record, counted from 1 in each incarnation; None where the header is lost.
    """

    number: int
    incarnation: bytes
    marker: bytes
    first: int | None
    opened_us: int

    def pack(self) -> bytes:
        """The header's 64 bytes."""
        own = (self.number, self.incarnation, self.marker, self.first or 0, self.opened_us)
        head = _HEADER.pack(MAGIC, VERSION, HEADER_BYTES, 0, *own, 0)
        return head + _CRC.pack(crc32(head))


class NewerVersionError(ValueError):
    """A file of a version that this program doesn't know."""


def header(data: bytes) -> Header | None:
    """The header at the beginning of `data`; None where it's damaged or isn't there. Raises NewerVersionError."""
    if len(data) < HEADER_BYTES or not data.startswith(MAGIC):
        return None
    (crc,) = _CRC.unpack_from(data, HEADER_BYTES - _CRC.size)
    if crc32(data[: HEADER_BYTES - _CRC.size]) != crc:
        return None
    _, version, length, _, *own, _ = _HEADER.unpack_from(data)
    if version != VERSION or length != HEADER_BYTES:
        raise NewerVersionError
    return Header(*own)


def marker_of(data: bytes) -> bytes | None:
    """The marker of a file whose header is damaged: what stands before its first frame, if that is whole."""
    marker = data[HEADER_BYTES : HEADER_BYTES + ID_BYTES]
    parser = Parser(marker, HEADER_BYTES, None)
    parser.feed(data[HEADER_BYTES:])
    return marker if isinstance(parser.next(), Frame) else None


def framed(marker: bytes, kind: int, sequence: int, payload: bytes) -> bytes:
    """A record's frame before its payload; both are written one after the other."""
    length = len(payload)
    crc = crc32(payload, crc32(_CHECKED.pack(kind, length, sequence)))
    return _FRAME.pack(marker, crc, kind, length, sequence)


def is_end(data: bytes) -> bool:
    """Whether these bytes are the frame that ends a file."""
    parser = Parser(data[:ID_BYTES], 0, None)
    parser.feed(data)
    return isinstance(seen := parser.next(), Frame) and seen.kind == END


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame at `offset` in its file, up to `end`. `missing`: records that should stand before it and don't."""

    offset: int
    end: int
    kind: int
    sequence: int
    payload: bytes
    missing: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes from `offset` to `end` that are no frame, with a whole one behind them."""

    offset: int
    end: int


@dataclass(frozen=True, slots=True)
class Torn:
    """Bytes at the end of a file that are no whole frame."""

    offset: int
    end: int


Event: TypeAlias = Frame | Damage | Torn


class Parser:
    """Takes a file's bytes from `offset` on, and gives what stands in them.

    `last`: sequence of the record before, None where that isn't known. A frame with a sequence that came already (a
    batch that was written again after the disk failed, a stale block) is passed over and counted in `repeated`.
    """

    def __init__(self, marker: bytes, offset: int, last: int | None) -> None:
        self.last = last
        self.repeated = 0
        self._marker = marker
        self._buffer = b""
        self._at = 0  # in the buffer
        self._base = offset  # of the buffer in the file
        self._bad: int | None = None  # where damage begins, in the file

    @property
    def offset(self) -> int:
        """Where in the file the next frame is looked for."""
        return self._base + self._at

    @property
    def bad(self) -> int | None:
        """Where in the file damage begins that no whole frame was found behind yet."""
        return self._bad

    def feed(self, data: bytes) -> None:
        """The next bytes of the file."""
        self._buffer = self._buffer[self._at :] + data if self._at < len(self._buffer) else data
        self._base += self._at
        self._at = 0

    def next(self, *, final: bool = False) -> Event | None:
        """What comes next; None where more bytes are needed, or where the file ends, which `final` says it does."""
        while True:
            seen = self._seen()
            if isinstance(seen, Frame):
                if self._bad is not None:
                    event, self._bad = Damage(self._bad, seen.offset), None
                    return event
                self._at += seen.end - seen.offset
                if self.last is not None and seen.sequence <= self.last and seen.kind != END:
                    self.repeated += 1
                    continue
                self.last = max(seen.sequence, self.last or 0)
                return seen
            if not seen and not final:
                return None
            if self._at >= len(self._buffer) and self._bad is None:
                return None
            if not self._searched():
                return self._torn() if final else None

    def _seen(self) -> Frame | bool:
        """A whole frame; False where it may become one with more bytes, True where it never will."""
        buffer, at = self._buffer, self._at
        if len(buffer) - at < FRAME_BYTES:
            return not self._marker.startswith(buffer[at : at + ID_BYTES])
        marker, crc, kind, length, sequence = _FRAME.unpack_from(buffer, at)
        if marker != self._marker or length > MOST_BYTES:
            return True
        end = at + FRAME_BYTES + length
        if end > len(buffer):
            return False
        if crc32(memoryview(buffer)[at + _CHECKED_FROM : end]) != crc:
            return True
        due = sequence - (kind != END)  # an end has the sequence of the record before it
        missing = 0 if self.last is None else max(0, due - self.last)
        payload = buffer[at + FRAME_BYTES : end]
        return Frame(self._base + at, self._base + end, kind, sequence, payload, missing)

    def _searched(self) -> bool:
        """Go to the next marker, if there is one."""
        if self._bad is None:
            self._bad = self.offset
        found = self._buffer.find(self._marker, self._at + 1)
        # Of a marker that is half there, the other half may come.
        self._at = found if found >= 0 else max(self._at, len(self._buffer) - ID_BYTES + 1)
        return found >= 0

    def _torn(self) -> Torn:
        event = Torn(self._bad or 0, self._base + len(self._buffer))
        self._bad, self._at = None, len(self._buffer)
        return event
