"""Columns of exchanges as arrays in which what the log doesn't say stays told apart from no and from nothing.

A column that this log lacks is all unknown. Keyed hashes never pass through floating point, which can't hold them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from headwater.detect.coded import by_row
from headwater.detect.fold import Batch

#: What the log doesn't say of a flag.
UNKNOWN = np.int8(-1)


def numbers(batch: Batch, name: str) -> npt.NDArray[np.float64]:
    """A column of numbers (n, float64), NaN where it is null or not finite."""
    if not batch.has(name):
        return np.full(len(batch), np.nan)
    return batch.once(("numbers", name), lambda: _numbers(batch.column(name)))


def _numbers(column: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    out = column.astype(np.float64)
    return np.where(np.isfinite(out), out, np.nan)


def flags(batch: Batch, name: str) -> npt.NDArray[np.int8]:
    """A column of booleans (n): 1 yes, 0 no, UNKNOWN where it is null."""
    if not batch.has(name):
        return np.full(len(batch), UNKNOWN)
    column: Any = batch.arrow(name).cast(pa.int8())
    return np.asarray(column.fill_null(int(UNKNOWN)).to_numpy(zero_copy_only=False), np.int8)


def hashes(batch: Batch, name: str) -> npt.NDArray[np.uint64]:
    """A column of keyed hashes (n, uint64), 0 where it is null."""
    if not batch.has(name):
        return np.zeros(len(batch), np.uint64)
    column: Any = batch.arrow(name)
    return np.asarray(column.fill_null(0).to_numpy(zero_copy_only=False), np.uint64)


def among(batch: Batch, name: str, words: Collection[str]) -> npt.NDArray[np.bool_]:
    """Rows (n) whose column of words says one of `words` (given in lower case), however it is capitalised."""
    if not batch.has(name):
        return np.zeros(len(batch), bool)
    coded = batch.coded(name)
    texts = cast(Any, pc).utf8_lower(coded.dictionary.cast(pa.large_string()))
    hit: Any = pc.is_in(texts, value_set=pa.array(sorted(words), pa.large_string()))
    return by_row(np.asarray(hit.to_numpy(zero_copy_only=False), bool), coded, False)


def exact(batch: Batch) -> npt.NDArray[np.uint64]:
    """The hash of each row's text (n)."""
    return batch.column("imprint.exact")


def failed(batch: Batch) -> npt.NDArray[np.bool_]:
    """Rows (n) whose answer was an error, as far as the log says."""
    return np.nan_to_num(numbers(batch, "status")) >= 400
