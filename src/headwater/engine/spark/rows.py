"""A log's rows where they lie: parts of spools in a store, and beside each its part of the index.

Whoever holds a `Rows` reads any group of them through Arrow, driver or executor; it pickles to names and sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.engine.arranged import ACCOUNT, AT_US, HALF, INDEX, MODEL, SESSION, beside
from headwater.engine.packed import packed_schema, parts, unpack
from headwater.engine.spark.store import Store
from headwater.engine.spool import Group, Part, groups_of, packed_group

#: The index as it lies in files, one beside each part, in the same groups.
INDEX_SCHEMA = pa.schema(
    [
        (ACCOUNT, pa.int32()),
        (AT_US, pa.int64()),
        (SESSION, pa.int32()),
        (HALF, pa.uint8()),
        (MODEL, pa.int32()),
    ]
)
#: What stands in it for a duplicate, which is left out.
ABSENT = {ACCOUNT: -1, AT_US: 0, SESSION: -1, HALF: 0, MODEL: -1}
#: Rows that one task folds at most: a killed executor costs no more than this twice.
A_TASK = 1_048_576


@dataclass(frozen=True)
class Rows:
    """Parts in a store under one schema; `index` is the folder of the index, once there is one.

    `bare` are parts of whose rows none is kept: they have no file in the index.
    """

    store: Store
    schema: pa.Schema
    parts: tuple[Part, ...]
    index: str | None = None
    bare: frozenset[str] = field(default_factory=frozenset)

    @property
    def count(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)

    def groups(self) -> list[Group]:
        """All groups in row order."""
        return groups_of(self.parts)

    def slices(self, tasks: int) -> list[list[Group]]:
        """Groups that lie together, for about `tasks` tasks or as many more as keep each small."""
        groups = self.groups()
        size = min(A_TASK, max(1, -(-self.count // max(1, tasks))))
        out: list[list[Group]] = []
        held = size
        for group in groups:
            if held >= size:
                out.append([])
                held = 0
            out[-1].append(group)
            held += group.rows
        return out

    def read(self, groups: Iterable[Group], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns of some groups with `row` and those of the index, where there is one."""
        names = [name for name in dict.fromkeys(columns) if name != "row"]
        packed = [part for name in names for part in parts(name, self.schema)]
        at, file, index = -1, None, None
        for group in groups:
            if file is None or at != group.part:
                at = group.part
                file, index = self.store.parquet(self.parts[at].name), self._index(at)
            batch = unpack(packed_group(file, group, packed), names, self.schema)
            yield beside(batch, group, self._entries(index, group))

    def packed(self, group: Group) -> pa.RecordBatch:
        """All columns of a group as they lie in the file."""
        file = self.store.parquet(self.parts[group.part].name)
        return packed_group(file, group, packed_schema(self.schema).names)

    def _index(self, at: int) -> pq.ParquetFile | None:
        name = self.parts[at].name
        if self.index is None or name in self.bare:
            return None
        return self.store.parquet(f"{self.index}/{name}")

    def _entries(self, index: pq.ParquetFile | None, group: Group) -> list[Any]:
        if self.index is None:
            return []
        if index is None:
            return [
                pa.array(np.full(group.rows, ABSENT[f.name]), type=f.type, safe=False) for f in INDEX_SCHEMA
            ]
        return list(packed_group(index, group, list(INDEX)).columns)
