"""Parquet files as batches of bounded size, and as records for readers that take one record at a time.

A text that repeats costs a file next to nothing and memory its whole length each time. Texts therefore stay
dictionaries until a batch is cut by what it holds when decoded. A row longer than the longest record of other
formats is set aside unread. Our own files go on to `tables` as columns.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from headwater.errors import BadRow, UnreadableInput, Where
from headwater.exchange import streams
from headwater.exchange.gathering import gathered

pc: Any = pyarrow.compute

_ROWS: Final = 4096
#: Bytes of a batch when decoded, where it has more than one row.
_BYTES: Final = 64 << 20
#: Most rows read at a time where no dictionaries bound what they decode to.
_CAUTIOUS: Final = 64
#: Bytes of a file that are read at a time where only the beginning of a column is asked for.
_BUFFER: Final = 1 << 20
#: Bytes of each value of a list, however short.
_EACH: Final = 8
#: Said of the first row that can't be read; none behind it is.
DAMAGED: Final = "the Parquet data are damaged from here on"
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
    path: Path, rows: int, columns: Collection[str] | None = None, groups: tuple[int, int] | None = None
) -> Iterator[tuple[int, pa.RecordBatch] | BadRow]:
    """(rows before, batch), a BadRow per row that is too long, and one where the file is damaged.

    A batch has at most `rows` rows and, decoded, 64 MiB of text or one row; of `columns` those that there are. Of
    `groups` of rows, where given, those from the first to before the last.
    """
    file = open_parquet(path)
    names = None if columns is None else [name for name in file.schema_arrow.names if name in columns]
    first, end = groups or (0, file.metadata.num_row_groups)
    chosen = list(range(first, end))
    done = sum(file.metadata.row_group(at).num_rows for at in range(first))
    try:
        for batch in _read(path, file.metadata, rows, names, chosen):
            for start, part in _cut(batch):
                if isinstance(part, str):
                    yield streams.too_long(Where(str(path), done + start + 1, part))
                else:
                    yield done + start, part
            done += batch.num_rows
    except (pa.ArrowException, OSError):
        yield BadRow(DAMAGED, Where(str(path), done + 1), _DAMAGED)


def _read(
    path: Path, metadata: pq.FileMetaData, rows: int, names: list[str] | None, groups: list[int]
) -> Iterator[pa.RecordBatch]:
    folded, nested, cautious = _folded(metadata)
    rows = min(rows, _rows_that_fit(metadata))
    if cautious:
        file = pq.ParquetFile(path, metadata=metadata)
        size = min(rows, _cautious_rows(metadata))
        yield from _together(file.iter_batches(size, row_groups=groups, columns=names), rows)
        return
    every = metadata.schema.to_arrow_schema().names if names is None else names
    plain, fit = _plain_texts(path, metadata, [name for name in folded if name in every], groups)
    kept = [name for name in folded if name not in plain]
    few, rest = [name for name in every if name in plain], [name for name in every if name not in plain]

    def found(size: int, columns: list[str] | None, piece: list[int]) -> Iterator[pa.RecordBatch]:
        file = pq.ParquetFile(path, metadata=metadata, read_dictionary=[*kept, *nested])
        return file.iter_batches(size, row_groups=piece, columns=columns)

    # Arrow cannot join nested dictionaries of two groups.
    for piece in [[group] for group in groups] if nested else [groups]:
        if fit >= rows or not _told_apart(every):
            yield from found(min(rows, fit), names, piece)
            continue
        # Long texts come a few rows at a time; what stands beside them costs by the batch.
        texts = _together(found(fit, few, piece), rows)
        yield from _beside(texts, found(rows, rest, piece), every) if rest else texts


def _told_apart(names: list[str]) -> bool:
    """Whether some of the columns can be asked for by their names: to Arrow a dot leads into a column."""
    return all(name and "." not in name for name in names)


def _beside(
    texts: Iterator[pa.RecordBatch], others: Iterator[pa.RecordBatch], names: list[str]
) -> Iterator[pa.RecordBatch]:
    """Columns of the same rows put together, in the order of `names`; a batch ends where either's does."""
    filled = (batch for batch in others if batch.num_rows)
    other = next(filled, None)
    for text in texts:
        while text.num_rows and other is not None:
            rows = min(text.num_rows, other.num_rows)
            held = {
                name: batch.column(at).slice(0, rows)
                for batch in (text, other)
                for at, name in enumerate(batch.schema.names)
            }
            yield pa.RecordBatch.from_arrays([held[name] for name in names], names=names)
            text, other = text.slice(rows), other.slice(rows)
            if not other.num_rows:
                other = next(filled, None)
        if text.num_rows:
            raise _uneven()
    if other is not None:
        raise _uneven()


def _uneven() -> pa.ArrowInvalid:
    return pa.ArrowInvalid("columns of a group have different numbers of rows")


def _plain_texts(
    path: Path, metadata: pq.FileMetaData, folded: list[str], groups: list[int]
) -> tuple[set[str], int]:
    """Columns that are too large to be kept as dictionaries, and rows of them that decode to 64 MiB of what repeats.

    Arrow keeps every text of a group of rows that it reads as a dictionary, those that stand outside of it too. Only
    what stands in the file's own dictionary repeats, so that its longest text says how many rows may be read at once.
    """
    held = [metadata.row_group(group) for group in groups]
    at = {held[0].column(at).path_in_schema: at for at in range(held[0].num_columns)} if held else {}
    plain: dict[str, int] = {}
    for name in folded:
        sizes = [group.column(at[name]).total_uncompressed_size for group in held]
        if max(sizes, default=0) <= _BYTES:
            continue
        longest = max(
            _longest_repeated(path, metadata, name, *one) for one in zip(groups, sizes, strict=True)
        )
        if longest <= _BYTES:
            plain[name] = longest
    return set(plain), _BYTES // max(1, *plain.values(), 1)


def _longest_repeated(path: Path, metadata: pq.FileMetaData, name: str, group: int, size: int) -> int:
    """Bytes of the longest text in the dictionary of a group of rows; the column's `size` where that can't be told."""
    file = pq.ParquetFile(path, metadata=metadata, read_dictionary=[name], buffer_size=_BUFFER)
    try:
        first = next(file.iter_batches(1, row_groups=[group], columns=[name]), None)
    except (pa.ArrowException, OSError):  # damaged: told when the rows before it have been read
        return size
    column: Any = first.column(0) if first is not None else None
    # One text, or none: the first page may not use the dictionary, and others would.
    known = column is not None and len(column.dictionary) > 1
    return int(pc.max(pc.binary_length(column.dictionary)).as_py()) if known else size


def _folded(metadata: pq.FileMetaData) -> tuple[list[str], list[str], bool]:
    """Text columns to keep as dictionaries, those inside others, and whether more may repeat unseen."""
    used: dict[int, set[str]] = {}
    for group in range(metadata.num_row_groups):
        for at in range(metadata.num_columns):
            used.setdefault(at, set()).update(metadata.row_group(group).column(at).encodings)
    folded: list[str] = []
    nested: list[str] = []
    cautious = False
    for at, encodings in used.items():
        column = metadata.schema.column(at)
        if column.physical_type != "BYTE_ARRAY" or not encodings & (_DICTIONARIES | {"DELTA_BYTE_ARRAY"}):
            continue
        if encodings <= _FOLDABLE and column.converted_type != "DECIMAL":
            (folded if column.name == column.path else nested).append(column.path)
        else:
            cautious = True
    return folded, nested, cautious


def _cautious_rows(metadata: pq.FileMetaData) -> int:
    """Rows that decode to 64 MiB at most, as no text is longer than all of its column's bytes."""
    fit = _CAUTIOUS
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        size = 1
        for at in range(group.num_columns):
            column = group.column(at)
            each = -(-column.num_values // max(1, group.num_rows))  # values of a row, where there are lists
            if column.physical_type == "BYTE_ARRAY":
                size += column.total_uncompressed_size * each
        fit = min(fit, max(1, _BYTES // size))
    return fit


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
    return map(_joined, gathered(found, rows, _BYTES, lambda batch: int(_widths(batch).sum())))


def _joined(held: list[pa.RecordBatch]) -> pa.RecordBatch:
    columns = [pa.concat_arrays([batch.column(at) for batch in held]) for at in range(held[0].num_columns)]
    return pa.RecordBatch.from_arrays(columns, schema=held[0].schema)


def _cut(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch | str]]:
    """(rows before, part) of a batch, each part within 64 MiB when decoded, or one row.

    In place of a row that is too long: the name of its longest column.
    """
    if batch.num_rows and _fits(batch):
        yield 0, batch
        return
    widths = _widths(batch)
    ends = np.cumsum(widths)
    long = [*np.flatnonzero(widths > streams.LIMIT).tolist(), batch.num_rows]
    start = 0
    for stop in long:
        while start < stop:
            most = _BYTES + (int(ends[start - 1]) if start else 0)
            end = min(stop, max(start + 1, int(np.searchsorted(ends, most, "right"))))
            yield start, batch.slice(start, end - start)
            start = end
        if stop < batch.num_rows:
            one = batch.slice(stop, 1)
            sizes = [int(_width(column).sum()) for column in one.columns]
            yield stop, batch.schema.names[sizes.index(max(sizes))]
            start = stop + 1


def _fits(batch: pa.RecordBatch) -> bool:
    """Whether a batch is within all bounds already by what its columns hold at most, without a look at its rows."""
    most = sum(map(_most, batch.columns))
    return most <= min(_BYTES, streams.LIMIT)


def _most(array: Any) -> float:
    """Bytes that a column has at most when decoded; infinity where only its values tell."""
    kind = array.type
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        return (pc.max(pc.binary_length(array.dictionary)).as_py() or 0) * len(array)
    shared = pa.types.is_string_view(kind) or pa.types.is_binary_view(kind)
    plain = pa.types.is_primitive(kind) or (_is_text(kind) and not shared)
    return array.nbytes if plain else math.inf


def _widths(batch: pa.RecordBatch) -> Any:
    """Bytes of each row when decoded."""
    return sum(map(_width, batch.columns), np.zeros(batch.num_rows, dtype=np.int64))


def _width(array: Any) -> Any:
    """Bytes of each value when decoded; those that are no texts and hold none are spread evenly."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return _width(array.storage)
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        lengths = pc.binary_length(array.dictionary).fill_null(0).to_numpy(zero_copy_only=False)
        rows = array.indices.fill_null(0).to_numpy(zero_copy_only=False)
        filled = array.indices.is_valid().to_numpy(zero_copy_only=False)
        return (lengths[rows] * filled).astype(np.int64) if len(lengths) else np.zeros(len(array), np.int64)
    if _is_text(kind):
        return pc.binary_length(array).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    if pa.types.is_struct(kind):
        inner = [_width(array.field(at)) for at in range(kind.num_fields)]
        return sum(inner, np.zeros(len(array), np.int64))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        offsets = array.offsets.to_numpy()
        held = [array.keys, array.items] if pa.types.is_map(kind) else [array.values]
        ends = np.concatenate(([0], np.cumsum(sum(map(_width, held)) + _EACH)))
        return ends[offsets[1:]] - ends[offsets[:-1]]
    if pa.types.is_fixed_size_list(kind) and kind.list_size:
        size = kind.list_size
        inside = _width(array.values.slice(array.offset * size, len(array) * size)) + _EACH
        return inside.reshape(-1, size).sum(1)
    return np.full(len(array), array.nbytes // max(1, len(array)), dtype=np.int64)


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
