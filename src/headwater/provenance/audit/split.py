"""A corpus parted into clean, bound and unknown rows, as copies: the corpus itself stays as it is.

Lines are copied byte by byte, marks and all; Parquet keeps its schema, sheets their header; JSON documents and Arrow
become lines. A row follows its verdict, or what a person decided in a dispute; while one is open, it counts as unknown.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.errors import BadRow, UnreadableInput, UsageError, Where
from headwater.exchange import LIMIT, TornError, blocks, parquet_batches
from headwater.provenance.audit.annotations import annotated
from headwater.provenance.audit.chunks import Chunk
from headwater.provenance.audit.corpus import Corpus, CorpusFile, corpus
from headwater.provenance.audit.kept import Dispute, check_annotations, disputes, load_report, standing
from headwater.provenance.audit.record import RowVerdict
from headwater.provenance.audit.rows import rows

_AGAIN: Final = "audit it again, then split"
_ROWS: Final = 2048
_BESIDE: Final = ("README", "LICENSE", "LICENCE", "NOTICE")
_MOST: Final = 16 << 20
_PACKED: Final = (".gz", ".zst", ".zstd")
NAMES: Final[tuple[RowVerdict, ...]] = ("clean", "bound", "unknown")


def split(folder: Path, to: Path, *, source: Path | None = None) -> dict[RowVerdict, int]:
    """Copy the rows of an audited corpus to `to`/clean, `to`/bound and `to`/unknown; how many went where.

    `source`: where the corpus lies now, if it was moved. Raises UsageError where `to` holds anything,
    UnreadableInput where the corpus isn't what was audited.
    """
    report = load_report(folder)
    check_annotations(folder)
    found = corpus(source or Path(report.corpus))
    told = {file.path: file for file in report.files}
    for file in found.files:
        kept = told.get(file.name)
        if kept is None or kept.bytes != file.size or _digest(file.path) != kept.sha256:
            raise UnreadableInput("isn't what was audited", where=Where(str(file.path)), hint=_AGAIN)
    if len(found.files) != len(told):
        raise UnreadableInput("lacks files that were audited", where=Where(str(found.given)), hint=_AGAIN)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError("is not empty", where=Where(str(to)), hint="name a new folder with --to")
    if to.resolve().is_relative_to(found.given.resolve()):
        raise UsageError(
            "lies in the corpus", where=Where(str(to)), hint="name a folder outside of it with --to"
        )
    decided = _decided(folder)
    verdicts = _Verdicts(folder, decided)
    counts: dict[RowVerdict, int] = dict.fromkeys(NAMES, 0)
    for at, (file, name) in enumerate(zip(found.files, _names(found.files), strict=True)):
        verdicts.begin(file.name)
        if told[file.name].rows > told[file.name].set_aside:
            _one_file(found, at, _Places(to, name), verdicts, counts)
    _beside(found, to)
    if sum(counts.values()) != report.rows:
        raise UnreadableInput("gave other rows than were audited", where=Where(str(found.given)), hint=_AGAIN)
    return counts


def _beside(found: Corpus, to: Path) -> None:
    """Card and licence go with every part: a licence may ask for it."""
    if not found.given.is_dir():
        return
    for path in sorted(found.given.iterdir()):
        if path.is_file() and path.name.upper().startswith(_BESIDE) and path.stat().st_size < _MOST:
            for part in to.iterdir() if to.is_dir() else ():
                shutil.copyfile(path, part / path.name)


def _names(files: Sequence[CorpusFile]) -> list[Path]:
    """What the copies are called: unpacked, as what they are written; two of one name keep their whole names."""
    names: list[Path] = []
    for file in files:
        name = Path(file.name)
        if name.suffix.lower() in _PACKED:
            name = name.with_suffix("")
        if file.kind in ("document", "arrow"):
            name = name.with_suffix(".jsonl")
        names.append(name if name not in names else Path(f"{file.name}{name.suffix}"))
    return names


@dataclass(frozen=True)
class _Places:
    """Where the rows of a file go, by verdict."""

    to: Path
    name: Path

    def of(self, verdict: str) -> Path:
        """The copy's path; its folder is made."""
        place = self.to / verdict / self.name
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


class _Verdicts:
    """Row verdicts of one file after another, in their order, from the annotations."""

    def __init__(self, folder: Path, decided: dict[tuple[str, int], tuple[Dispute, ...]]) -> None:
        self._rows = self._all(folder)
        self._next: tuple[str, int, RowVerdict] | None = next(self._rows, None)
        self._decided = decided
        self._file = ""

    @staticmethod
    def _all(folder: Path) -> Iterator[tuple[str, int, RowVerdict]]:
        for batch in annotated(folder, ["file", "row", "verdict"]):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def begin(self, file: str) -> None:
        """The rows of this file come next; what is left of the one before is passed over."""
        while self._next is not None and self._next[0] == self._file != file:
            self._next = next(self._rows, None)
        self._file = file

    def of(self, row: int) -> RowVerdict | None:
        """The verdict on a row, asked in ascending order; None for one that was set aside."""
        while self._next is not None and self._next[0] == self._file and self._next[1] < row:
            self._next = next(self._rows, None)
        if self._next is None or self._next[:2] != (self._file, row):
            return None
        verdict = self._next[2]
        self._next = next(self._rows, None)
        told = standing(verdict, self._decided.get((self._file, row), ()))
        return "unknown" if told == "disputed" else told


def _decided(folder: Path) -> dict[tuple[str, int], tuple[Dispute, ...]]:
    found: dict[tuple[str, int], tuple[Dispute, ...]] = {}
    for one in disputes(folder):
        place = one.file, one.row
        found[place] = (*found.get(place, ()), one)
    return found


def _one_file(
    found: Corpus, at: int, to: _Places, verdicts: _Verdicts, counts: dict[RowVerdict, int]
) -> None:
    file = found.files[at]
    with ExitStack() as stack:
        if file.kind == "lines":
            copy = _Lines(to, stack)
            for number, line in enumerate(_raw_lines(file), 1):
                if line.strip() and (verdict := verdicts.of(number)) is not None:
                    copy.write(verdict, line)
                    counts[verdict] += 1
        elif file.kind == "parquet":
            _columns(file, to, verdicts, counts, stack)
        else:
            _values(file, at, to, verdicts, counts, stack)


class _Lines:
    """Files of lines, one for each verdict, opened when the first line comes."""

    def __init__(self, to: _Places, stack: ExitStack) -> None:
        self._open: dict[str, Any] = {}
        self._to = to
        self._stack = stack

    def write(self, verdict: str, line: bytes) -> None:
        """Add a line; it gets an end if it has none."""
        if verdict not in self._open:
            self._open[verdict] = self._stack.enter_context(self._to.of(verdict).open("wb"))
        self._open[verdict].write(line if line.endswith(b"\n") else line + b"\n")


def _raw_lines(file: CorpusFile) -> Iterator[bytes]:
    """Lines with their ends, byte by byte as they are. A line that is too long was set aside, and comes as blank."""
    held = bytearray()
    over = False
    try:
        for block in blocks(file.path):
            for piece in _split(block):
                if over:
                    over = not piece.endswith(b"\n")
                    if not over:
                        yield b"\n"
                    continue
                held += piece
                if held.endswith(b"\n"):
                    yield bytes(held)
                    held.clear()
                elif len(held) > LIMIT:
                    held.clear()
                    over = True
    except TornError:
        pass  # the audit read what stands before it, and told it
    if held:
        yield bytes(held)


def _split(block: bytes) -> list[bytes]:
    """Pieces that end in LF, whatever other line ends are in them."""
    pieces = block.split(b"\n")
    return [piece + b"\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])


def _columns(
    file: CorpusFile, to: _Places, verdicts: _Verdicts, counts: dict[RowVerdict, int], stack: ExitStack
) -> None:
    writers: dict[RowVerdict, pq.ParquetWriter] = {}
    schema = pq.ParquetFile(file.path).schema_arrow
    for found in parquet_batches(file.path, _ROWS):
        if isinstance(found, BadRow):
            continue
        before, batch = found
        told = [verdicts.of(before + at + 1) for at in range(batch.num_rows)]
        for verdict in NAMES:
            chosen = [at for at, each in enumerate(told) if each == verdict]
            if not chosen:
                continue
            if verdict not in writers:
                writers[verdict] = stack.enter_context(pq.ParquetWriter(to.of(verdict), schema))
            writers[verdict].write_batch(_as(batch.take(pa.array(chosen)), schema))
            counts[verdict] += len(chosen)


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch in the schema of its file: it was read with texts as dictionaries."""
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        held: Any = column
        if isinstance(held, pa.DictionaryArray):
            held = held.dictionary_decode()
        columns.append(held if held.type == field.type else held.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _values(
    file: CorpusFile,
    at: int,
    to: _Places,
    verdicts: _Verdicts,
    counts: dict[RowVerdict, int],
    stack: ExitStack,
) -> None:
    """Sheets stay sheets; JSON documents and Arrow become lines."""
    lines = _Lines(to, stack)
    sheet = _Sheets(file, to, stack) if file.kind == "sheet" else None
    for found in rows(file, Chunk(0, at, 0)):
        if isinstance(found, BadRow):
            continue
        number, value = found
        verdict = verdicts.of(number)
        if verdict is None:
            continue
        counts[verdict] += 1
        if sheet is None:
            lines.write(verdict, _encoded(value))
        else:
            assert isinstance(value, dict)
            sheet.write(verdict, value)


def _encoded(value: object) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=str)
    except UnicodeEncodeError:  # half a surrogate pair
        return json.dumps(value, default=str).encode()


class _Sheets:
    """Sheets, one for each verdict, with the header and the separator of the file that they come from."""

    def __init__(self, file: CorpusFile, to: _Places, stack: ExitStack) -> None:
        text = (line.decode("utf-8", "replace").removeprefix("\ufeff") for line in _raw_lines(file))
        first = next(text, "")
        self._separator = max(",;\t", key=first.count)
        self._header = next(csv.reader(chain((first,), text), delimiter=self._separator), [])
        self._to, self._stack = to, stack
        self._open: dict[RowVerdict, Any] = {}

    def write(self, verdict: RowVerdict, row: dict[str, Any]) -> None:
        """Add a row; cells that it lacks stay empty."""
        if verdict not in self._open:
            opened = self._stack.enter_context(self._to.of(verdict).open("w", encoding="utf-8", newline=""))
            self._open[verdict] = csv.writer(opened, delimiter=self._separator)
            self._open[verdict].writerow(self._header)
        self._open[verdict].writerow([row.get(name, "") for name in self._header])


def _digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
