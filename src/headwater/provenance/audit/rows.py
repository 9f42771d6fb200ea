"""The rows of one chunk, decoded, each with its number in its file; what can't be decoded is a BadRow in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.ipc

from headwater.errors import BadRow, UnreadableInput, Where
from headwater.exchange import DecodingError, decode, parquet_batches, records
from headwater.provenance.audit.chunks import Chunk
from headwater.provenance.audit.corpus import CorpusFile

#: Rows of Parquet or Arrow that become Python values at a time.
_ROWS: Final = 2048
_MARK: Final = b"\xef\xbb\xbf"

Found = Iterator[tuple[int, object] | BadRow]


def rows(file: CorpusFile, chunk: Chunk) -> Found:
    """(number, value) of each row; numbers count from 1, in lines for JSON lines. Blank lines are no rows."""
    if chunk.bad is not None:
        return iter((chunk.bad,))
    if file.kind == "lines":
        return _lines(file, chunk)
    if file.kind == "parquet":
        return _parquet(file, chunk)
    return _arrow(file) if file.kind == "arrow" else _records(file)


def _lines(file: CorpusFile, chunk: Chunk) -> Found:
    data = chunk.data
    if data is None:
        with file.path.open("rb") as source:
            source.seek(chunk.start)
            data = source.read(chunk.end - chunk.start)
    if not chunk.first and data.startswith(_MARK):
        data = data[len(_MARK) :]
    for number, line in enumerate(data.split(b"\n"), chunk.first + 1):
        if line and not line.isspace():
            try:
                yield number, decode(line)
            except DecodingError as fault:
                yield BadRow(str(fault), Where(file.name, number))


def _parquet(file: CorpusFile, chunk: Chunk) -> Found:
    for found in parquet_batches(file.path, _ROWS, None, (chunk.start, chunk.end)):
        if isinstance(found, BadRow):
            yield replace(found, where=replace(found.where, file=file.name))
        else:
            yield from _values(file, *found)


def _values(file: CorpusFile, before: int, batch: pa.RecordBatch) -> Found:
    try:
        values: list[dict[str, Any]] = batch.to_pylist()
    except (UnicodeDecodeError, pa.ArrowException, ValueError, OverflowError):
        yield from _one_by_one(file, before, batch)
        return
    yield from enumerate(values, before + 1)


def _one_by_one(file: CorpusFile, before: int, batch: pa.RecordBatch) -> Found:
    """Rows of a batch of which at least one can't be made Python values."""
    for at in range(batch.num_rows):
        number = before + at + 1
        row: dict[str, object] = {}
        bad = None
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            try:
                row[name] = column[at].as_py()
            except UnicodeDecodeError:
                bad = BadRow("is not valid UTF-8", Where(file.name, number, name))
            except (pa.ArrowException, ValueError, OverflowError):
                bad = BadRow("holds a value that can't be read", Where(file.name, number, name))
        yield bad if bad is not None else (number, row)


def _arrow(file: CorpusFile) -> Found:
    """Rows of an Arrow file or stream, as `datasets` saves them."""
    done = 0
    try:
        with pa.memory_map(str(file.path)) as source:
            for batch in _batches(source):
                batch.validate(full=True)  # places that lie outside of the file end the process otherwise
                for start in range(0, batch.num_rows, _ROWS):
                    part = batch.slice(start, _ROWS)
                    yield from _values(file, done + start, part)
                done += batch.num_rows
    except (pa.ArrowException, OSError):
        hint = "write or fetch the file again; the rows before it were read"
        yield BadRow("the Arrow data are damaged from here on", Where(file.name, done + 1), hint)


def _batches(source: pa.MemoryMappedFile) -> Iterator[pa.RecordBatch]:
    begun = source.read(6)
    source.seek(0)
    if begun == b"ARROW1":
        opened = pyarrow.ipc.open_file(source)
        yield from (opened.get_batch(at) for at in range(opened.num_record_batches))
    else:
        yield from pyarrow.ipc.open_stream(source)


def _records(file: CorpusFile) -> Found:
    assert file.log is not None
    try:
        for found in records(file.log):
            if isinstance(found, BadRow):
                yield replace(found, where=replace(found.where, file=file.name))
            else:
                where, value = found
                yield where.row or 0, value
    except UnreadableInput as error:
        yield BadRow(error.what, replace(error.where, file=file.name), error.hint)
