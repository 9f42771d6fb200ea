"""A log laid out: every row with its account, session and half, folded wherever the rows lie.

What is asked of a log is always a fold: some work over batches of rows that ends in a state, and a way to merge two
states. `Arranged` is all that detection knows of an engine; this one keeps rows in a spool on this machine and their
index in memory, `spark` leaves both where they are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.engine.arrange import Index
from headwater.engine.behind import behind
from headwater.engine.census import Census, Tally
from headwater.engine.resources import Resources
from headwater.engine.spool import Group, Spool, repeating

#: Columns of the index, which stand in every batch beside those that were asked for: int32 code (−1: a duplicate, to be
#: left out), int64 µs UTC, int32, uint8 0 (propose) or 1 (confirm), int32 code (−1: none).
ACCOUNT, AT_US, SESSION, HALF, MODEL = INDEX = ("#account", "#at_us", "#session", "#half", "#model")
#: Below so many rows one thread is done before several have begun.
ALONE_BELOW = 200_000

State = TypeVar("State")
Outcome = TypeVar("Outcome")
Ints = npt.NDArray[np.int64]
Work = Callable[[Iterator[pa.RecordBatch]], State]
Merge = Callable[[State, State], State]
Made = Callable[[pa.RecordBatch], pa.RecordBatch]


class Arranged(Protocol):
    """What detection asks of an engine."""

    @property
    def census(self) -> Census: ...

    @property
    def filled(self) -> frozenset[str]:
        """Columns that hold anything."""

    @property
    def workers(self) -> int:
        """Threads that this process may use."""

    @property
    def state_bytes(self) -> int:
        """Bytes that the states of one part of the rows may hold in memory."""

    @property
    def near(self) -> bool:
        """Whether all folds run in this process, so that one may remember what another found of a row."""

    def with_workers(self, workers: int) -> Arranged:
        """The same rows, for folds that use fewer threads of this process."""

    def fold(
        self,
        columns: Sequence[str],
        work: Work[State],
        merge: Merge[State],
        finish: Callable[[State], Outcome],
        progress: Callable[[int], None],
    ) -> Outcome:
        """Work over all rows, in parts of unknown number and order; the states of the parts merged from the left.

        What `finish` makes of the last state is returned: it may run elsewhere, and changes nothing here. Batches have
        `columns` and those of INDEX, duplicates included; texts may be dictionary arrays. `progress` is told of rows.
        """

    def take(self, columns: Sequence[str], rows: Ints) -> pa.Table:
        """The named columns of some rows (ascending)."""

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows, as `fold` gives them, to this process."""

    def write(self, columns: Sequence[str], made: Made, schema: pa.Schema, file: Path) -> None:
        """Write what `made` makes of all rows as Parquet: to `file`, or where the rows lie under its name."""

    def place(self, name: str) -> str:
        """Where `write` puts a file of that name, if rows aren't near."""


class Local:
    """A spool on this machine with its index in memory."""

    near = True

    def __init__(self, spool: Spool, index: Index, resources: Resources) -> None:
        self._spool = spool
        self._index = index
        self.workers = resources.workers
        self.state_bytes = (resources.memory_mb << 20) // 2 // self.workers
        self.filled = frozenset(spool.filled)
        self.census = census(index)

    def with_workers(self, workers: int) -> Local:
        """The same spool and index; each thread's states may hold what they could before."""
        fewer = copy(self)
        fewer.workers = workers
        return fewer

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows in the order in which they were read."""
        return self._read(iter(self._spool.groups()), columns)

    def _read(
        self, groups: Iterator[Group], columns: Sequence[str], *, coded: bool = False
    ) -> Iterator[pa.RecordBatch]:
        index = self._index
        arrays = (index.account, index.at_us, index.session, index.half, index.model)
        wanted = [name for name in columns if name != "row"]
        for group, batch in self._spool.read(groups, wanted, coded=coded):
            mine = [pa.array(array[group.first : group.first + group.rows]) for array in arrays]
            yield beside(batch, group, mine)

    def fold(
        self,
        columns: Sequence[str],
        work: Work[State],
        merge: Merge[State],
        finish: Callable[[State], Outcome],
        progress: Callable[[int], None] = lambda _: None,
    ) -> Outcome:
        """Each thread works over groups as it comes to them."""

        def told(groups: Iterator[Group]) -> Iterator[pa.RecordBatch]:
            for batch in self._read(groups, columns, coded=True):
                yield batch
                progress(batch.num_rows)

        groups = iter(self._spool.groups())
        if self.workers <= 1 or self._index.rows < ALONE_BELOW:
            return finish(work(told(groups)))
        shared = _Shared(groups)
        with ThreadPoolExecutor(self.workers) as pool:
            states = list(pool.map(lambda part: work(told(part)), [shared] * self.workers))
        whole = states[0]
        for state in states[1:]:
            whole = merge(whole, state)
        return finish(whole)

    def write(self, columns: Sequence[str], made: Made, schema: pa.Schema, file: Path) -> None:
        """One file, in the order of rows: while some are compressed, the next ones are made."""
        repeat: Any = repeating(schema)
        with (
            pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=repeat) as out,
            behind() as follow,
        ):
            for batch in self.batches(columns):
                follow(out.write_batch, made(batch))

    def place(self, name: str) -> str:
        """Where it was asked for."""
        return name

    def take(self, columns: Sequence[str], rows: Ints) -> pa.Table:
        """From the groups of rows that hold them."""
        return self._spool.take(columns, rows, self.workers)


class _Shared(Iterator[Group]):
    """One source for several threads."""

    def __init__(self, source: Iterator[Group]) -> None:
        self._source = source
        self._lock = threading.Lock()

    def __next__(self) -> Group:
        with self._lock:
            return next(self._source)


def beside(batch: pa.RecordBatch, group: Group, index: Sequence[Any]) -> pa.RecordBatch:
    """Columns of a group (there may be none) with the numbers of its rows, and its columns of the index if any."""
    row = pa.array(np.arange(group.first, group.first + group.rows))
    names = [*batch.schema.names, "row", *INDEX[: len(index)]]
    return pa.RecordBatch.from_arrays([*batch.columns, row, *index], names=names)


def census(index: Index) -> Census:
    """What an index says of the log as a whole."""
    size, models = len(index.accounts), len(index.models)
    tally = Tally.of(index.account, index.at_us, index.half, index.model, accounts=size, models=models)
    return tally.census(
        index.rows,
        index.accounts,
        index.organisations,
        index.models,
        shared=index.shared,
        retimed=index.retimed,
    )
