"""Parquet files as batches of bounded size, and as records for readers that take one record at a time.

A text that repeats costs a file next to nothing and memory its whole length each time. Texts therefore stay
dictionaries until a batch is cut by what it holds when decoded. Our own files go on to `tables` as columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from headwater.errors import BadRow, UnreadableInput, Where

pc: Any = pyarrow.compute

_ROWS: Final = 4096
#: Bytes of a batch when decoded, where it has more than one row.
_BYTES: Final = 64 << 20
#: Rows read at a time where neither the file's own sizes nor dictionaries bound what they decode to.
_CAUTIOUS: Final = 64
_DAMAGED: Final = "write or fetch the file again; the rows before it were read"
_DICTIONARIES: Final = frozenset(("RLE_DICTIONARY", "PLAIN_DICTIONARY"))
#: Encodings of which Arrow makes dictionaries; of the others only DELTA_BYTE_ARRAY hides what repeats.
_FOLDABLE: Final = _DICTIONARIES | {"PLAIN", "RLE", "BIT_PACKED"}


def open_parquet(path: Path) -> pq.ParquetFile:
    """The open file; UnreadableInput where it is damaged (a Parquet file that was torn has no footer)."""
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
    except (pa.ArrowException, OSError) as error:
        what = "is no Parquet file, or was torn: its footer cannot be read"
        raise UnreadableInput(what, where=Where(str(path)), hint="write or fetch it again") from error
    only_once(names, Where(str(path)))
    return file


def only_once(names: list[str], where: Where) -> None:
    """UnreadableInput where two columns have one name, so that nobody can say which is meant.

    Columns without a name are never read, and may be many.
    """
    first: dict[str, int] = {}
    for at, name in enumerate(names, 1):
        if name and first.setdefault(name, at) != at:
            what = f"has two columns of one name (columns {first[name]:,} and {at:,})"
            raise UnreadableInput(what, where=where, hint="rename or remove one of them")


def parquet_batches(
    path: Path, rows: int, columns: Collection[str] | None = None
) -> Iterator[tuple[int, pa.RecordBatch] | BadRow]:
    """(rows before, batch), then one BadRow where the file is damaged.

    A batch has at most `rows` rows and, decoded, 64 MiB of text or one row; of `columns` those that there are.
    """
    done = 0
    metadata = open_parquet(path).metadata
    folded, cautious = _folded(metadata)
    file = pq.ParquetFile(path, metadata=metadata, read_dictionary=[] if cautious else folded)
    names = None if columns is None else [name for name in file.schema_arrow.names if name in columns]
    size = min(rows, _rows_that_fit(metadata), _CAUTIOUS if cautious else rows)
    try:
        found = file.iter_batches(batch_size=size, columns=names)
        for batch in _together(found, rows) if cautious else found:
            for start, part in _cut(batch):
                yield done + start, part
            done += batch.num_rows
    except (pa.ArrowException, OSError):
        yield BadRow("the Parquet data are damaged from here on", Where(str(path), done + 1), _DAMAGED)


def _folded(metadata: pq.FileMetaData) -> tuple[list[str], bool]:
    """Text columns to keep as dictionaries, and whether others may decode to any multiple of their size."""
    used: dict[int, set[str]] = {}
    for group in range(metadata.num_row_groups):
        for at in range(metadata.num_columns):
            used.setdefault(at, set()).update(metadata.row_group(group).column(at).encodings)
    folded: list[str] = []
    cautious = False
    for at, encodings in used.items():
        column = metadata.schema.column(at)
        if column.physical_type != "BYTE_ARRAY" or not encodings & (_DICTIONARIES | {"DELTA_BYTE_ARRAY"}):
            continue
        if column.name == column.path and encodings <= _FOLDABLE and column.converted_type != "DECIMAL":
            folded.append(column.path)
        else:
            cautious = True
    return folded, cautious


def _rows_that_fit(metadata: pq.FileMetaData) -> int:
    """Rows of 64 MiB in the densest part of the file; lists of equal numbers count as if they were not."""
    fit = max(1, metadata.num_rows)
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        values = sum(group.column(at).num_values for at in range(group.num_columns))
        size = max(1, group.total_byte_size, 8 * values)
        fit = min(fit, max(1, group.num_rows * _BYTES // size))
    return fit


def _together(found: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Small batches joined to larger ones, in 64 MiB."""
    held: list[pa.RecordBatch] = []
    size = count = 0
    for batch in found:
        width = int(_widths(batch).sum())
        if held and (count + batch.num_rows > rows or size + width > _BYTES):
            yield _joined(held)
            held, size, count = [], 0, 0
        held.append(batch)
        size += width
        count += batch.num_rows
    if held:
        yield _joined(held)


def _joined(held: list[pa.RecordBatch]) -> pa.RecordBatch:
    columns = [pa.concat_arrays([batch.column(at) for batch in held]) for at in range(held[0].num_columns)]
    return pa.RecordBatch.from_arrays(columns, schema=held[0].schema)


def _cut(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """(rows before, part) of a batch, each part within 64 MiB when decoded, or one row."""
    ends = np.cumsum(_widths(batch))
    start = 0
    while start < batch.num_rows:
        most = _BYTES + (int(ends[start - 1]) if start else 0)
        end = max(start + 1, int(np.searchsorted(ends, most, "right")))
        yield start, batch.slice(start, end - start)
        start = end


def _widths(batch: pa.RecordBatch) -> Any:
    """Bytes of each row when decoded; columns that are no texts are spread evenly."""
    widths = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        array: Any = column
        if pa.types.is_dictionary(array.type) and _is_text(array.type.value_type):
            lengths = pc.binary_length(array.dictionary).fill_null(0).to_numpy(zero_copy_only=False)
            rows = array.indices.fill_null(0).to_numpy(zero_copy_only=False)
            widths += lengths[rows] if len(lengths) else 0
        elif _is_text(array.type):
            widths += pc.binary_length(array).fill_null(0).to_numpy(zero_copy_only=False)
        elif batch.num_rows:
            widths += array.nbytes // batch.num_rows
    return widths


def _is_text(kind: pa.DataType) -> bool:
    """Whether values of this type are texts, or their bytes."""
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def parquet_records(path: Path) -> Iterator[tuple[Where, object] | BadRow]:
    """Rows of a Parquet file as dicts, whatever its columns."""
    for part in parquet_batches(path, _ROWS):
        if isinstance(part, BadRow):
            yield part
            continue
        done, batch = part
        batch = _plain(batch)
        try:
            records = batch.to_pylist()
        except (ValueError, OverflowError, pa.ArrowException):  # one value that Python cannot hold
            yield from _one_by_one(path, done, batch)
            continue
        for number, record in enumerate(records, done + 1):
            yield Where(str(path), number), record


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
    """The batch without dictionaries, and with times in microseconds: Python's own hold no nanoseconds."""
    for index, field in enumerate(batch.schema):
        if pa.types.is_dictionary(field.type):
            column: Any = batch.column(index)
            batch = batch.set_column(index, field.name, column.dictionary_decode())
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            kind = pa.timestamp("us", field.type.tz)
            batch = batch.set_column(index, field.name, batch.column(index).cast(kind, safe=False))
    return batch
