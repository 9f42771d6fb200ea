"""Texts of a few rows of our own Parquet, read once more where somebody wants to see them.

Whoever reads a log need not keep its texts for that: they lie where they lay.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.errors import BadRow
from headwater.exchange.aside import SetAside
from headwater.exchange.model import EXCHANGE_COLUMNS
from headwater.exchange.parquet import open_parquet, parquet_batches
from headwater.exchange.rows import Rules
from headwater.exchange.tables import Conforming

Ints = npt.NDArray[np.int64]
_ROWS: Final = 65_536


def texts_again(path: Path, name: str, rows: Ints, *, workers: int = 1) -> dict[int, str]:
    """The texts of the column `name` in some rows of a file (ascending, from 0), by row; rows without one are left out.

    Raises `UnreadableInput` where the file is no Parquet any more.
    """
    with open_parquet(path) as file:
        metadata = file.metadata
        sizes = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
    ends = np.cumsum(sizes, dtype=np.int64)
    groups = np.unique(np.searchsorted(ends, rows[rows < sum(sizes)], side="right")).tolist()
    rules = Rules(columns=tuple(column for column in EXCHANGE_COLUMNS if column.name == name))

    def read(group: int) -> list[tuple[int, str]]:
        return list(_read(path, rules, rows, group))

    with ThreadPoolExecutor(workers) as pool:
        return {row: text for some in pool.map(read, groups) for row, text in some}


def _read(path: Path, rules: Rules, rows: Ints, group: int) -> Iterator[tuple[int, str]]:
    """Row and text of those rows that lie in one group."""
    names = [column.name for column in rules.columns]
    for part in parquet_batches(path, _ROWS, names, (group, group + 1)):
        if isinstance(part, BadRow):
            continue
        done, batch = part
        mine = rows[(rows >= done) & (rows < done + batch.num_rows)]
        if not len(mine) or not batch.num_columns:
            continue
        few = pa.RecordBatch.from_arrays(
            [column.take(pa.array(mine - done)) for column in batch.columns], schema=batch.schema
        )
        good = Conforming(str(path), done, rules, SetAside(keep=0)).conformed(few)
        if good.num_rows == len(mine):  # else nobody can say whose text is whose
            texts = good.column(0).to_pylist()
            yield from ((row, text) for row, text in zip(mine.tolist(), texts, strict=True) if text)
