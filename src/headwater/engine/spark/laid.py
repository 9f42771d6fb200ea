"""A log laid out in a store, folded on the executors of a cluster: `Arranged` for what outgrows one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.engine.arranged import Ints, Made, Merge, Outcome, State, Work
from headwater.engine.spark.arrange import arrange
from headwater.engine.spark.cluster import Cluster
from headwater.engine.spark.rows import Rows
from headwater.engine.spark.tree import A_SLOT, folded
from headwater.engine.spool import Group


class Spark:
    """Rows in a store with their index beside them."""

    #: Rows are in other processes: what one of them remembers of a row, the others don't know.
    near = False
    #: Threads of this process, for what is left to it.
    workers = 1
    #: A task's states are bounded by its rows, and travel: none may wait on a disk that the next task doesn't see.
    state_bytes = 1 << 62

    def __init__(self, cluster: Cluster, rows: Rows) -> None:
        self.cluster = cluster
        self._rows, self.census = arrange(rows, cluster)
        self.filled = frozenset[str]().union(*(part.filled for part in rows.parts))

    def with_workers(self, workers: int) -> Spark:
        """The same: folds run elsewhere."""
        return self

    def fold(
        self,
        columns: Sequence[str],
        work: Work[State],
        merge: Merge[State],
        finish: Callable[[State], Outcome],
        progress: Callable[[int], None] = lambda _: None,
    ) -> Outcome:
        """`Arranged.fold`: what it is given is pickled, and so are states; here comes what `finish` made."""
        found = folded(self.cluster, self._rows, columns, work, merge, finish, "fold")
        progress(self._rows.count)
        return found

    def take(self, columns: Sequence[str], rows: Ints) -> pa.Table:
        """The column `row` and the named columns of some rows (ascending), picked where they lie."""
        laid, wanted = self._rows, []
        for group in laid.groups():
            mine = rows[(rows >= group.first) & (rows < group.first + group.rows)]
            if len(mine):
                wanted.append((group, mine))

        def picked(item: tuple[Group, Ints]) -> pa.Table:
            group, mine = item
            (batch,) = laid.read([group], columns)
            chosen: Any = pa.array(mine - group.first)
            return pa.Table.from_batches([batch]).select(["row", *columns]).take(chosen)

        found = self.cluster.each(picked, wanted, "show some rows")
        if not found:
            fields = [pa.field("row", pa.int64()), *(laid.schema.field(name) for name in columns)]
            return pa.schema(fields).empty_table()
        return pa.concat_tables(found)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows, one group after another, through this process: for those who ask for them all."""
        return self._rows.read(self._rows.groups(), columns)

    def write(self, columns: Sequence[str], made: Made, schema: pa.Schema, file: Path) -> None:
        """Into a folder of the store with the file's name, a file for each slice of rows; what lay there goes."""
        laid, name = self._rows, file.name
        laid.store.clear(name)

        def written(item: tuple[int, list[Group]]) -> None:
            at, groups = item
            sink = pa.BufferOutputStream()
            with pq.ParquetWriter(sink, schema, compression="zstd") as out:
                for batch in laid.read(groups, columns):
                    out.write_batch(made(batch))
            laid.store.write(f"{name}/part-{at:06d}.parquet", sink.getvalue().to_pybytes())

        slices = laid.slices(self.cluster.slots * A_SLOT)
        self.cluster.each(written, list(enumerate(slices)), "write annotated exchanges")

    def place(self, name: str) -> str:
        """Where `write` puts what is called so, as messages show it."""
        return self._rows.store.place(name)

    def close(self) -> None:
        """Remove the index, and end the session if it was begun here."""
        try:
            if self._rows.index is not None:
                self._rows.store.clear(self._rows.index)
        finally:
            self.cluster.close()
