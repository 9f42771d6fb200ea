"""A log's rows on disk, in the order in which they were read: a folder of Parquet parts with fixed columns.

Rows are numbered from 0 over all parts; every later pass reads the columns that it needs, group by group, and finds
what belongs to a row by its number. Nothing is sorted and nothing is held in memory. Structs and lists lie in it
packed, so that a pass costs what its bytes cost. A part takes its name when it is whole: what a killed run left
behind is either one of these or nothing.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.engine.packed import pack, packed_schema, parts, unpack
from headwater.engine.plain import plain_values
from headwater.errors import UnreadableInput, UsageError, Where

ROWS_A_GROUP = 65_536
#: Rows of a part, or a few more: what one batch brings stays together.
ROWS_A_PART = 524_288
#: Bytes of a page at most: those of a group of rows are one, but for long texts, which are packed page by page.
_PAGE = 256 * ROWS_A_GROUP
#: A batch may keep so many times its own bytes in memory.
_PART_OF = 8
#: What a part is called until it is whole; folders of logs pass over such names.
_UNDONE = "_undone.parquet"


@dataclass(frozen=True)
class Part:
    """A file of a spool: its name in the folder, its rows, the columns that hold anything, the rows of its groups."""

    name: str
    rows: int
    filled: tuple[str, ...]
    groups: tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """Some rows that are read at once: the number of the first one, and how many."""

    part: int
    group: int
    first: int
    rows: int


class Spool:
    """Writes batches under one schema, then reads chosen columns back in row order.

    `parts` are those that lie in the folder already and are to be used; further ones are named after `next_part`.
    """

    def __init__(
        self, folder: Path, schema: pa.Schema, parts: Sequence[Part] = (), *, next_part: int = 0
    ) -> None:
        self.folder = folder
        self.schema = schema
        self.parts = list(parts)
        self._packed = packed_schema(schema)
        self.next_part = next_part
        self._writer: pq.ParquetWriter | None = None
        self._filled: set[str] = set()
        self._sizes: list[int] = []
        self._waiting: list[pa.RecordBatch] = []
        self._held = 0
        self._closed = False
        folder.mkdir(exist_ok=True)

    @property
    def rows(self) -> int:
        """Rows of all parts, and of the one that is being written."""
        return sum(part.rows for part in self.parts) + sum(self._sizes) + self._held

    @property
    def filled(self) -> frozenset[str]:
        """Names of columns that hold at least one value."""
        return frozenset(self._filled).union(*(part.filled for part in self.parts))

    @property
    def paths(self) -> list[Path]:
        """The files of the parts."""
        return [self.folder / part.name for part in self.parts]

    def append(self, batch: pa.RecordBatch) -> None:
        """Add a batch with the spool's columns."""
        if self._closed:
            raise ValueError("the spool is closed")
        self._waiting.append(batch)
        self._held += batch.num_rows
        if self._held >= ROWS_A_GROUP:
            self._flush(self._held // ROWS_A_GROUP * ROWS_A_GROUP)
        if sum(self._sizes) >= ROWS_A_PART:
            self._end()

    def _flush(self, rows: int) -> None:
        """So many rows of what waits become groups: those of small batches would be small."""
        waiting = pa.Table.from_batches(self._waiting, self.schema)
        # Before anything is written: what a write that failed has left isn't written again.
        self._waiting = [_alone(batch) for batch in waiting.slice(rows).to_batches()]
        self._held -= rows
        for start in range(0, rows, ROWS_A_GROUP):
            self._group(waiting.slice(start, min(ROWS_A_GROUP, rows - start)).to_batches())

    def _group(self, batches: Sequence[pa.RecordBatch]) -> None:
        """Write some rows as one group."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self.folder / _UNDONE,
                self._packed,
                compression=_compression(self._packed),  # type: ignore[arg-type]
                write_statistics=False,
                use_dictionary=repeating(self._packed),  # type: ignore[arg-type]
                data_page_size=_PAGE,
                max_rows_per_page=ROWS_A_GROUP,
            )
        packed = []
        for batch in batches:
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                if column.null_count < len(column):
                    self._filled.add(name)
            columns = pack(list(batch.columns), self.schema)
            packed.append(pa.RecordBatch.from_arrays(columns, schema=self._packed))
        table = pa.Table.from_batches(packed)
        with _room(self.folder):
            self._writer.write_table(table, ROWS_A_GROUP)
        self._sizes.append(table.num_rows)

    def cut(self) -> None:
        """End the part that is being written; the next batch begins another."""
        self._flush(self._held)
        self._end()

    def _end(self) -> None:
        if self._writer is None:
            return
        with _room(self.folder):
            self._writer.close()
        self._writer = None
        name = f"part-{self.next_part:06d}.parquet"
        (self.folder / _UNDONE).replace(self.folder / name)
        self.parts.append(Part(name, sum(self._sizes), tuple(sorted(self._filled)), tuple(self._sizes)))
        self.next_part += 1
        self._filled, self._sizes = set(), []

    def close(self) -> None:
        """Finish; it can be read from now on."""
        self.cut()
        self._closed = True

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def groups(self) -> list[Group]:
        """All groups in row order."""
        return groups_of(self.parts)

    def read(
        self, groups: Iterable[Group], columns: Sequence[str], *, coded: bool = False
    ) -> Iterator[tuple[Group, pa.RecordBatch]]:
        """The named columns of some groups, which several threads may ask for at once, each for its own.

        `imprint` is a struct with all of its fields, `imprint.exact` one with this field alone. `coded`: short texts
        that repeat come as dictionary arrays, as they lie there.
        """
        dictionaries = repeating(self._packed) if coded else None
        names = list(dict.fromkeys(columns))
        packed = [part for name in names for part in parts(name, self.schema)]
        at, file, mapped = -1, None, None
        try:
            for group in groups:
                if file is None or at != group.part:
                    _close(file, mapped)
                    at, path = group.part, self.folder / self.parts[group.part].name
                    file = pq.ParquetFile(path, memory_map=True, read_dictionary=dictionaries)
                    mapped = pa.memory_map(str(path))
                yield group, unpack(packed_group(file, group, packed, mapped), names, self.schema)
        finally:
            _close(file, mapped)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns in row order."""
        return (batch for _, batch in self.read(self.groups(), columns))

    def take(self, columns: Sequence[str], rows: npt.NDArray[np.int64], workers: int = 1) -> pa.Table:
        """The column `row` and the named columns of the given row numbers (ascending), in that order."""
        groups = self.groups()
        first = np.array([group.first for group in groups], np.int64)
        rows = rows[rows < self.rows]
        whose = np.searchsorted(first, rows, side="right") - 1
        wanted = [groups[at] for at in np.unique(whose).tolist()]
        each = -(-len(wanted) // workers) or 1
        shares = [wanted[at : at + each] for at in range(0, len(wanted), each)]
        with ThreadPoolExecutor(workers) as pool:
            parts = pool.map(lambda share: self._taken(columns, rows, share), shares)
            found = [batch for part in parts for batch in part]
        if not found:
            fields = [pa.field("row", pa.int64()), *(self.schema.field(name) for name in columns)]
            return pa.schema(fields).empty_table()
        return pa.Table.from_batches(found)

    def _taken(
        self, columns: Sequence[str], rows: npt.NDArray[np.int64], groups: Sequence[Group]
    ) -> list[pa.RecordBatch]:
        """Those of the rows that are in these groups."""
        found = []
        for group, batch in self.read(groups, columns):
            mine = rows[(rows >= group.first) & (rows < group.first + group.rows)]
            chosen: Any = pa.array(mine - group.first)
            numbers = pa.array(mine, pa.int64())
            taken = [column.take(chosen) for column in batch.columns]
            found.append(pa.RecordBatch.from_arrays([numbers, *taken], names=["row", *batch.schema.names]))
        return found


def _alone(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch, copied where it is a small part of one that would stay in memory with it."""
    if batch.get_total_buffer_size() <= _PART_OF * batch.nbytes:
        return batch
    every: Any = pa.array(np.arange(batch.num_rows))
    return batch.take(every)


def groups_of(parts: Iterable[Part]) -> list[Group]:
    """All groups of some parts in row order."""
    out, first = [], 0
    for at, part in enumerate(parts):
        for number, rows in enumerate(part.groups):
            out.append(Group(at, number, first, rows))
            first += rows
    return out


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    """Says in words that a disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        hint = (
            "make room there, or name a folder with more (--store; without it, TMPDIR): what is whole is kept"
        )
        raise UsageError("there is no room for imprints", where=Where(str(folder)), hint=hint) from error


def _close(*files: Any) -> None:
    for file in files:
        if file is not None:
            file.close()


def packed_group(
    file: pq.ParquetFile, group: Group, columns: list[str], mapped: pa.MemoryMappedFile | None = None
) -> pa.RecordBatch:
    """A group of rows of a part, packed as it lies there; where the file is `mapped`, copied only where it must be."""
    try:
        known = {} if mapped is None else _as_they_lie(file, group, columns, mapped)
        rest = [name for name in columns if name not in known]
        table = file.read_row_group(group.group, columns=rest, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise UnreadableInput(
            "holds imprints that can't be read", hint="remove the folder of imprints: the log is read anew"
        ) from error
    if not columns:
        return pa.RecordBatch.from_arrays([pa.nulls(group.rows)], names=["nothing"])
    if rest:
        (batch,) = table.combine_chunks().to_batches()
        known.update(zip(batch.schema.names, batch.columns, strict=True))
    return pa.RecordBatch.from_arrays([known[name] for name in columns], names=columns)


def _as_they_lie(
    file: pq.ParquetFile, group: Group, columns: list[str], mapped: pa.MemoryMappedFile
) -> dict[str, Any]:
    """Columns of a group whose values are bytes of one length, as far as they need no copy."""
    kinds: Any = file.schema_arrow
    wanted = [name for name in columns if pa.types.is_fixed_size_binary(kinds.field(name).type)]
    if not wanted:
        return {}
    rows, leaves = file.metadata.row_group(group.group), file.schema
    place = {leaves.column(at).path: at for at in range(len(leaves))}
    out = {}
    for name in wanted:
        kind, at = kinds.field(name).type, place[name]
        values = plain_values(mapped, leaves.column(at), rows.column(at), kind.byte_width)
        if values is not None:
            out[name] = pa.Array.from_buffers(kind, rows.num_rows, [None, values])
    return out


def repeating(schema: pa.Schema) -> list[str]:
    """Columns worth a dictionary: short strings repeat; hashes, sketches and prompts don't, and would only fill it."""
    return [f.name for f in schema if pa.types.is_string(f.type) and f.name not in ("id", "conversation")]


def _compression(schema: pa.Schema) -> dict[str, str]:
    """Texts get shorter; of hashes and sketches nothing is left out by packing them."""
    long = (pa.types.is_string, pa.types.is_large_string)
    return {f.name: "lz4" if any(is_(f.type) for is_ in long) else "none" for f in schema}
