"""Texts of a few rows of our own Parquet, read once more where somebody wants to see them.

Whoever reads a log need not keep its texts for that: they lie where they lay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.errors import BadRow, UnreadableInput
from headwater.exchange.aside import SetAside
from headwater.exchange.model import EXCHANGE_COLUMNS
from headwater.exchange.parquet import open_parquet, parquet_batches
from headwater.exchange.rows import Rules
from headwater.exchange.tables import Conforming

Ints = npt.NDArray[np.int64]
#: What is kept of a text.
Kept = TypeVar("Kept")
#: Rows that are decoded at a time: what lies behind the last one that is wanted isn't.
_ROWS: Final = 16_384


def texts_again(
    wanted: Sequence[tuple[Path, Ints]],
    name: str,
    keep: Callable[[list[str]], list[Kept]],
    *,
    workers: int = 1,
) -> list[dict[int, Kept] | None]:
    """What `keep` keeps of the texts of the column `name` in some rows (ascending, from 0) of files, by row.

    `keep` is called with a few texts at a time, so that whole ones aren't held for long. Rows without a text are left
    out; None stands for a file that can't be read any more.
    """
    rules = Rules(columns=tuple(column for column in EXCHANGE_COLUMNS if column.name == name))
    out: list[dict[int, Kept] | None] = [None] * len(wanted)
    tasks = []
    for at, (path, rows) in enumerate(wanted):
        with suppress(OSError, UnreadableInput, pa.ArrowException):
            tasks += [(at, path, rows, group) for group in _groups(path, rows)]
            out[at] = {}

    def read(task: tuple[int, Path, Ints, int]) -> tuple[int, dict[int, Kept] | None]:
        at, path, rows, group = task
        with suppress(OSError, UnreadableInput, pa.ArrowException):
            found: dict[int, Kept] = {}
            for some, texts in _read(path, rules, rows, group):
                found.update(zip(some, keep(texts), strict=True))
            return at, found
        return at, None

    with ThreadPoolExecutor(workers) as pool:
        for at, found in pool.map(read, tasks):
            held = out[at]
            if found is None:
                out[at] = None
            elif held is not None:
                held.update(found)
    return out


def _groups(path: Path, rows: Ints) -> list[int]:
    """The groups of a file that hold some of the rows."""
    with open_parquet(path) as file:
        metadata = file.metadata
        ends = np.cumsum(
            [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)], dtype=np.int64
        )
    found = np.unique(np.searchsorted(ends, rows, side="right"))
    return [int(group) for group in found if group < len(ends)]


def _read(path: Path, rules: Rules, rows: Ints, group: int) -> Iterator[tuple[list[int], list[str]]]:
    """Rows and texts of those rows that lie in one group."""
    names = [column.name for column in rules.columns]
    for part in parquet_batches(path, _ROWS, names, (group, group + 1)):
        if isinstance(part, BadRow):
            continue
        done, batch = part
        if done > rows[-1]:
            return
        mine = rows[(rows >= done) & (rows < done + batch.num_rows)]
        if not len(mine) or not batch.num_columns:
            continue
        chosen: Any = pa.array(mine - done)
        few = pa.RecordBatch.from_arrays(
            [column.take(chosen) for column in batch.columns], schema=batch.schema
        )
        good = Conforming(str(path), done, rules, SetAside(keep=0)).conformed(few)
        if good.num_rows == len(mine):  # else nobody can say whose text is whose
            texts = zip(mine.tolist(), good.column(0).to_pylist(), strict=True)
            there = [(row, text) for row, text in texts if text is not None]
            yield [row for row, _ in there], [text for _, text in there]
