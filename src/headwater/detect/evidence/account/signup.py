"""What is read of a column of the table of accounts, said once for all evidence that needs nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from headwater.detect.fold import World


def created_us(world: World) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """When each account was opened (accounts, µs UTC; 0 where unknown), and whether that is known."""
    column = _whole(world, "created_at")
    known = pc.is_valid(column).to_numpy(zero_copy_only=False)
    return column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), known


def texts(world: World, name: str) -> list[str | None]:
    """A column of texts (accounts); None where it is null or blank."""
    return [v if v and v.strip() else None for v in _whole(world, name).to_pylist()]


def coded(world: World, name: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], list[str]]:
    """Accounts that have a value, the position of each one's value, and the values in order."""
    column = _whole(world, name).cast(pa.string()).dictionary_encode()
    # By code points, as Python sorts them: so UTF-8 lies by its bytes.
    order = pc.array_sort_indices(column.dictionary)
    values = column.dictionary.take(order).to_pylist()
    said = np.array([not value.isspace() and value != "" for value in values], bool)
    at_value = np.full(len(values) + 1, -1, np.int64)
    at_value[order.to_numpy()[said]] = np.arange(said.sum())
    at = at_value[column.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)]
    have = np.flatnonzero(at >= 0)
    return (
        have.astype(np.int32),
        at[have],
        [value for value, it_says in zip(values, said, strict=True) if it_says],
    )


def _whole(world: World, name: str) -> Any:
    column = world.accounts_table.column(name)
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
