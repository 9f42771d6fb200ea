"""Rows of CSV and Parquet files as records, for readers that take one record at a time.

Our own Parquet never comes this way: `tables` reads it column by column. A row that cannot be decoded becomes
a BadRow and the next one is read.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.errors import BadRow, UnreadableInput, Where
from headwater.exchange import streams

_ROWS: Final = 4096
_BYTES: Final = 64 << 20
_DAMAGED: Final = "write or fetch the file again; the rows before it were read"


def open_parquet(path: Path) -> pq.ParquetFile:
    """The open file; UnreadableInput where it is damaged (a Parquet file that was torn has no footer)."""
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        what = "is no Parquet file, or was torn: its footer cannot be read"
        raise UnreadableInput(what, where=Where(str(path)), hint="write or fetch it again") from error


def parquet_batches(
    path: Path, rows: int, columns: Collection[str] | None = None
) -> Iterator[tuple[int, pa.RecordBatch] | BadRow]:
    """(rows before, batch), then one BadRow where the file is damaged.

    A batch has at most `rows` rows and, on average, 64 MiB of data; of `columns` those that there are.
    """
    done = 0
    file = open_parquet(path)
    names = None if columns is None else [name for name in file.schema_arrow.names if name in columns]
    try:
        for batch in file.iter_batches(batch_size=min(rows, _rows_that_fit(file.metadata)), columns=names):
            yield done, batch
            done += batch.num_rows
    except (pa.ArrowException, OSError):
        yield BadRow("the Parquet data are damaged from here on", Where(str(path), done + 1), _DAMAGED)


def _rows_that_fit(metadata: pq.FileMetaData) -> int:
    size = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    return max(1, metadata.num_rows * _BYTES // max(1, size)) if metadata.num_rows else 1


def parquet_records(path: Path) -> Iterator[tuple[Where, object] | BadRow]:
    """Rows of a Parquet file as dicts, whatever its columns."""
    for part in parquet_batches(path, _ROWS):
        if isinstance(part, BadRow):
            yield part
            continue
        done, batch = part
        batch = _plain(batch)
        try:
            for number, record in enumerate(batch.to_pylist(), done + 1):
                yield Where(str(path), number), record
        except (ValueError, OverflowError, pa.ArrowException):  # one value that Python cannot hold
            yield from _one_by_one(path, done, batch)


def _one_by_one(path: Path, done: int, batch: pa.RecordBatch) -> Iterator[tuple[Where, object] | BadRow]:
    for index in range(batch.num_rows):
        where = Where(str(path), done + index + 1)
        record: dict[str, object] = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            try:
                record[name] = column[index].as_py()
            except UnicodeDecodeError:
                yield BadRow("is not valid UTF-8", Where(where.file, where.row, name))
                break
            except (ValueError, OverflowError, pa.ArrowException):
                yield BadRow("holds a value out of range", Where(where.file, where.row, name))
                break
        else:
            yield where, record


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with times in microseconds: Python's own times hold no nanoseconds."""
    for index, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            kind = pa.timestamp("us", field.type.tz)
            batch = batch.set_column(index, field.name, batch.column(index).cast(kind, safe=False))
    return batch


def csv_records(path: Path) -> Iterator[tuple[Where, object] | BadRow]:
    """Rows of a CSV file by its header; empty cells are null. Separator: comma, semicolon or tab."""
    csv.field_size_limit(streams.LIMIT)
    text = _text_lines(path)
    number = 0
    try:
        first = next(text, None)
        if first is None:
            return
        separator = max(",;\t", key=first.count)
        header = next(csv.reader([first], delimiter=separator), [])
        rows = csv.reader(text, delimiter=separator, strict=True)
        while True:
            number += 1
            where = Where(str(path), number)
            try:
                cells = next(rows, None)
            except csv.Error as fault:
                yield BadRow(f"is no row of CSV ({fault})", where)
                continue
            if cells is None:
                return
            if not cells:
                number -= 1
                continue
            yield _csv_record(header, cells, where)
    except streams.TornError as torn:
        yield BadRow(str(torn), Where(str(path), number), _DAMAGED)


def _csv_record(header: list[str], cells: list[str], where: Where) -> tuple[Where, object] | BadRow:
    if len(cells) != len(header):
        return BadRow(f"has {len(cells):,} cells where the header has {len(header):,}", where)
    record: dict[str, object] = {}
    for name, cell in zip(header, cells, strict=True):
        try:
            cell.encode()
        except UnicodeEncodeError:
            return BadRow("is not valid UTF-8", Where(where.file, where.row, name))
        if cell or name == "prompt":  # an empty prompt is a prompt; any other empty cell says nothing
            record[name] = cell
    return where, record


def _text_lines(path: Path) -> Iterator[str]:
    """Decoded lines with their ends; bytes that are no UTF-8 stay recognisable as lone surrogates."""
    for number, line in enumerate(streams.lines(streams.blocks(path))):
        if line is None:
            line = b'"' + b"\xff" + b'"'  # too long: one cell that is refused
        if number == 0:
            line = line.removeprefix(b"\xef\xbb\xbf")
        yield line.decode("utf-8", "surrogateescape") + "\n"
