"""A log's rows on disk, in the order in which they were read, one Parquet file of fixed columns.

Rows are numbered from 0 by the column `row`; every later pass reads the columns that it needs, batch by
batch, and finds what belongs to a row by its number. Nothing is sorted and nothing is held in memory. Structs and
lists lie in it packed, so that a pass costs what its bytes cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.engine.packed import pack, packed_schema, parts, unpack

ROWS_A_GROUP = 65_536


class Spool:
    """Writes batches under one schema, then reads chosen columns back in row order."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = pa.schema([pa.field("row", pa.int64(), nullable=False), *schema])
        self._packed = packed_schema(self.schema)
        self.rows = 0
        #: names of columns that held at least one value
        self.filled: set[str] = set()
        self._writer: pq.ParquetWriter | None = pq.ParquetWriter(
            path,
            self._packed,
            compression=_compression(self._packed),  # type: ignore[arg-type]
            write_statistics=False,
            use_dictionary=_dictionary(self._packed),  # type: ignore[arg-type]
        )

    def append(self, batch: pa.RecordBatch) -> None:
        """Add a batch with the spool's columns (without `row`)."""
        if self._writer is None:
            raise ValueError("the spool is closed")
        numbers = pa.array(np.arange(self.rows, self.rows + batch.num_rows), pa.int64())
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if column.null_count < len(column):
                self.filled.add(name)
        columns = pack([numbers, *batch.columns], self.schema)
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._packed), ROWS_A_GROUP)
        self.rows += batch.num_rows

    def close(self) -> None:
        """Finish the file; it can be read from now on."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the named columns in row order, `ROWS_A_GROUP` rows at a time.

        `imprint` is a struct with all of its fields, `imprint.exact` one with this field alone.
        """
        with pq.ParquetFile(self.path, memory_map=True) as file:
            yield from self._read(file, columns, None)

    def take(self, columns: Sequence[str], rows: npt.NDArray[np.int64]) -> pa.Table:
        """Return the named columns of the given row numbers (ascending), in that order."""
        wanted = pa.array(rows, pa.int64())
        with pq.ParquetFile(self.path, memory_map=True) as file:
            sizes = [file.metadata.row_group(at).num_rows for at in range(file.metadata.num_row_groups)]
            group = np.searchsorted(np.cumsum(sizes), rows[rows < self.rows], side="right")
            if not len(group):
                return self.schema.empty_table().select(["row", *columns])
            return pa.Table.from_batches(
                batch.filter(pc.is_in(batch.column("row"), value_set=wanted))
                for batch in self._read(file, ["row", *columns], np.unique(group).tolist())
            )

    def _read(
        self, file: pq.ParquetFile, columns: Sequence[str], groups: list[int] | None
    ) -> Iterator[pa.RecordBatch]:
        names = list(dict.fromkeys(columns))
        packed = [part for name in names for part in parts(name, self.schema)]
        for batch in file.iter_batches(ROWS_A_GROUP, row_groups=groups, columns=packed, use_threads=False):
            yield unpack(batch, names, self.schema)


def _dictionary(schema: pa.Schema) -> list[str]:
    """Short strings repeat; hashes, sketches and prompts don't, and would only fill the dictionary."""
    return [f.name for f in schema if pa.types.is_string(f.type) and f.name not in ("id", "conversation")]


def _compression(schema: pa.Schema) -> dict[str, str]:
    """Texts get shorter; of hashes and sketches nothing is left out by packing them."""
    long = (pa.types.is_string, pa.types.is_large_string)
    return {f.name: "lz4" if any(is_(f.type) for is_ in long) else "none" for f in schema}
