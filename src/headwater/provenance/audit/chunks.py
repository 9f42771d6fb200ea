"""A corpus in chunks: pieces of about the same size that can be audited one by one, in any order, on any process.

Where chunks begin and end follows from the files alone, so that a run that was killed finds the same ones again.
Lines of plain files are told by their place, those of packed files travel with their bytes. No line longer than
`LIMIT` is ever held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow.parquet as pq

from headwater.errors import BadRow, UnreadableInput, Where, unreadable
from headwater.exchange import LIMIT, TornError, blocks, compression, open_parquet, too_long
from headwater.provenance.audit.corpus import Corpus, CorpusFile

#: Bytes of lines in one chunk, about.
LINES: Final = 8 << 20
#: Bytes of Parquet in one chunk, uncompressed, about: whole groups of rows.
GROUPS: Final = 32 << 20
#: Packed data that grow by more than this factor, beyond so many bytes, are read no further.
_FACTOR: Final = 400
_BEYOND: Final = 1 << 30


@dataclass(frozen=True)
class Chunk:
    """Piece `number` of the corpus, in file number `file`; `first` rows of that file come before it.

    `start` and `end` are bytes of a plain file of lines, groups of rows of Parquet, and nothing for others, which are
    read whole. `data` are the lines of a packed file. `bad` is a row, or an end, that nothing can be read of.
    `done` is how far into the file the chunk goes, in its bytes on disk.
    """

    number: int
    file: int
    first: int
    start: int = 0
    end: int = 0
    data: bytes | None = None
    bad: BadRow | None = None
    done: int = 0


def chunks(corpus: Corpus) -> Iterator[Chunk]:
    """All chunks, in order. Numbers count from 0 over the whole corpus."""
    number = 0
    for at, file in enumerate(corpus.files):
        for piece in _of_file(file):
            yield Chunk(number, at, *piece)
            number += 1


_Piece = tuple[int, int, int, bytes | None, BadRow | None, int]


def _of_file(file: CorpusFile) -> Iterator[_Piece]:
    try:
        if file.kind == "lines":
            yield from _lines(file)
        elif file.kind == "parquet":
            yield from _groups(file)
        else:
            yield 0, 0, 0, None, None, file.size
    except UnreadableInput as error:  # one file that isn't what it seems; the others go on
        yield 0, 0, 0, None, BadRow(error.what, Where(file.name), error.hint), file.size
    except OSError as error:
        raise unreadable(file.path, error) from error


def _groups(file: CorpusFile) -> Iterator[_Piece]:
    metadata: pq.FileMetaData = open_parquet(file.path).metadata
    first, start, size, rows = 0, 0, 0, 0
    count = metadata.num_row_groups
    for at in range(count):
        group = metadata.row_group(at)
        size, rows = size + group.total_byte_size, rows + group.num_rows
        if size >= GROUPS or at == count - 1:
            yield first, start, at + 1, None, None, file.size * (at + 1) // count
            first, start, size, rows = first + rows, at + 1, 0, 0


def _lines(file: CorpusFile) -> Iterator[_Piece]:
    """Pieces of whole lines; a line that is too long is a piece of its own, and bad."""
    packed = compression(file.path) is not None
    cut = _Cut()
    rows = 0
    try:
        for block in _bounded(file) if packed else blocks(file.path):
            for piece in cut.feed(block):
                yield _piece(file, piece, rows, packed, cut.taken)
                rows += piece.rows
        for piece in cut.finish():
            yield _piece(file, piece, rows, packed, cut.taken)
            rows += piece.rows
    except TornError as torn:
        for piece in cut.finish():
            yield _piece(file, piece, rows, packed, cut.taken)
            rows += piece.rows
        hint = f"the {rows:,} rows before it were read; fetch the file again for the rest"
        yield rows, 0, 0, None, BadRow(str(torn), Where(file.name, rows + 1), hint), file.size


def _piece(file: CorpusFile, piece: _Held, rows: int, packed: bool, taken: int) -> _Piece:
    if piece.data is None:
        return rows, 0, 0, None, too_long(Where(file.name, rows + 1)), taken
    done = min(file.size, taken)
    if packed:
        return rows, 0, 0, piece.data, None, done
    return rows, piece.start, piece.start + len(piece.data), None, None, done


def _bounded(file: CorpusFile) -> Iterator[bytes]:
    grown = 0
    for block in blocks(file.path):
        grown += len(block)
        if grown > _BEYOND and grown > _FACTOR * file.size:
            raise TornError(f"unpacks to more than {_FACTOR:,} times its size; it is read no further")
        yield block


@dataclass(frozen=True)
class _Held:
    """Whole lines that begin at byte `start`; no data for a line that is too long."""

    start: int
    data: bytes | None
    rows: int


class _Cut:
    """Cuts blocks of bytes into pieces of whole lines."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0  # of what is held
        self._line = 0  # of its last line, which has no end yet
        self._start = 0
        self._over = False  # inside a line that is too long, of which nothing is held
        self.taken = 0

    def feed(self, block: bytes) -> Iterator[_Held]:
        """Pieces that became whole."""
        self.taken += len(block)
        if self._over:
            end = block.find(b"\n") + 1
            if not end:
                self._start += len(block)
                return
            self._over = False
            yield _Held(self._start, None, 1)
            self._start += end
            block = block[end:]
        last = block.rfind(b"\n") + 1
        self._held.append(block)
        self._size += len(block)
        self._line = len(block) - last if last else self._line + len(block)
        if last and self._size >= LINES:
            yield self._give(self._size - self._line)
        elif self._line > LIMIT:
            if self._size > self._line:
                yield self._give(self._size - self._line)
            self._start += self._size
            self._held, self._size, self._line, self._over = [], 0, 0, True

    def finish(self) -> Iterator[_Held]:
        """What is left: the file's last line need have no end."""
        if self._over:
            self._over = False
            yield _Held(self._start, None, 1)
        elif self._size:
            yield self._give(self._size)

    def _give(self, size: int) -> _Held:
        whole = b"".join(self._held)
        data, rest = whole[:size], whole[size:]
        piece = _Held(self._start, data, data.count(b"\n") + (not data.endswith(b"\n")))
        self._start += size
        self._held, self._size, self._line = [rest] if rest else [], len(rest), len(rest)
        return piece
