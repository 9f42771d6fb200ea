"""Bytes of a log file, cut into records: decompressed lines, or the values of a JSON document.

A file is compressed if its first bytes say so, whatever its name. A file that ends too early or is damaged
gives everything before the damage, then raises TornError. No record longer than LIMIT is ever held whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa

from headwater.errors import BadRow, Where

Codec = Literal["gzip", "zstd"]

#: Bytes of the longest record that is read; a longer one is set aside.
LIMIT: Final = 64 << 20
_TOO_LONG: Final = f"is longer than {LIMIT >> 20} MiB"
_BLOCK: Final = 256 << 10
_QUOTE, _COMMA, _OPENING = ord('"'), ord(","), frozenset(b"{[")
_MAGIC: Final[tuple[tuple[bytes, Codec], ...]] = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))


class TornError(Exception):
    """The rest of a compressed file cannot be read."""


def too_long(where: Where) -> BadRow:
    """A record longer than LIMIT, set aside."""
    return BadRow(_TOO_LONG, where, "split the record, or leave its attachments out")


def compression(path: Path) -> Codec | None:
    """Codec by the file's first bytes: "gzip", "zstd" or None."""
    with path.open("rb") as file:
        first = file.read(4)
    return next((codec for magic, codec in _MAGIC if first.startswith(magic)), None)


def blocks(path: Path) -> Iterator[bytes]:
    """The file's decompressed bytes, 256 KiB at a time; raises TornError after the last good byte."""
    codec = compression(path)
    if codec is None:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
        return
    done = 0
    try:
        with pa.CompressedInputStream(str(path), codec) as stream:
            while block := stream.read(_BLOCK):
                done += len(block)
                yield block
    except (OSError, pa.ArrowException):
        yield _last_bytes(path, codec, done)
        raise TornError(f"{codec} data are damaged or end too early") from None


def _last_bytes(path: Path, codec: Codec, done: int) -> bytes:
    """What can still be had behind the last whole block, byte by byte: a failing read loses its bytes."""
    found = bytearray()
    try:
        with pa.CompressedInputStream(str(path), codec) as stream:
            while done:
                done -= len(stream.read(min(done, _BLOCK)))
            while byte := stream.read(1):
                found += byte
    except (OSError, pa.ArrowException):
        pass
    return bytes(found)


def lines(source: Iterator[bytes], limit: int = LIMIT) -> Iterator[bytes | None]:
    """Lines without their end; None in place of a line longer than `limit` bytes, which is not held.

    When the source raises, so does this, and the unfinished line is dropped.
    """
    held: list[bytes] = []
    size = 0
    for block in source:
        first, *others = block.split(b"\n")
        size += len(first)
        if size <= limit:
            held.append(first)
        else:
            held.clear()
        if not others:
            continue
        yield b"".join(held) if size <= limit else None
        yield from (line if len(line) <= limit else None for line in others[:-1])
        held = [others[-1]]
        size = len(others[-1])
    if size:
        yield b"".join(held) if size <= limit else None


_MARK: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\],]', re.DOTALL)


class Cutter:
    """Cuts one JSON document into records: the elements of a top-level array, or values one after another.

    Feed it blocks, take the records that became whole; after the last block call `finish`, and look at `rest`
    for what is left. It looks only at strings and brackets, so a damaged record is handed on and the next one
    is still found.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._held = bytearray()
        self._scanned = 0  # up to here
        self._depth = 0
        self._base: int | None = None  # depth at which records stand: 1 in an array, 0 without one
        self._wait = 0
        self._over = False

    def feed(self, block: bytes) -> list[bytes | None]:
        """Records that became whole; None for one longer than the limit (the document ends there)."""
        if self._over:
            return []
        self._held += block
        if len(self._held) < self._wait:  # an unfinished record: look again when there is twice as much
            return []
        found: list[bytes | None] = [*self._scan()]
        self._wait = min(2 * len(self._held), self._limit + 1) if len(self._held) > _BLOCK else 0
        if len(self._held) > self._limit:
            self._over = True
            self._held.clear()
            found.append(None)
        return found

    def finish(self) -> list[bytes]:
        """Records in what was not looked at yet."""
        return [] if self._over else self._scan()

    @property
    def rest(self) -> bytes:
        """Bytes behind the last whole record: empty for a document that is complete."""
        return bytes(self._held).strip()

    def _scan(self) -> list[bytes]:
        held = bytes(self._held)
        if self._base is None:
            opening = held[:64].lstrip()
            if not opening:
                return []
            self._base = 1 if opening.startswith(b"[") else 0
        records: list[bytes] = []
        base, depth, start, scanned = self._base, self._depth, 0, len(held)
        for found in _MARK.finditer(held, self._scanned):
            at, end = found.span()
            mark = held[at]
            if mark == _QUOTE:
                if end - at == 1:  # the text goes on in the next block
                    scanned = at
                    break
            elif mark == _COMMA:
                if depth == base == 1:
                    records.append(held[start:at])
                    start = end
            elif mark in _OPENING:
                depth += 1
                if depth == 1:  # an array begins, or a value: hand on whatever stands before it
                    records.append(held[start:at] if held[start:at].strip(b", \t\r\n") else b"")
                    start = end if base else at
            else:
                if depth == 1:
                    records.append(held[start : at if base else end])
                    start = end
                depth = max(0, depth - 1)
        self._depth, self._scanned = depth, scanned - start
        del self._held[:start]
        return [stripped for record in records if (stripped := record.strip())]
