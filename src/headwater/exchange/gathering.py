"""Batches put together to larger ones, within so many rows and bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa


def gathered(
    batches: Iterable[pa.RecordBatch], rows: int, most_bytes: int, size: Callable[[pa.RecordBatch], int]
) -> Iterator[list[pa.RecordBatch]]:
    """Neighbours that together have `rows` rows and `most_bytes` bytes, by `size`, at most; or one batch."""
    held: list[pa.RecordBatch] = []
    count = total = 0
    for batch in batches:
        width = size(batch)
        if held and (count + batch.num_rows > rows or total + width > most_bytes):
            yield held
            held, count, total = [], 0, 0
        held.append(batch)
        count, total = count + batch.num_rows, total + width
    if held:
        yield held
