"""Columns of texts that repeat: each text once, and which of them each row has."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def dictionary(column: pa.Array[Any]) -> Any:
    """A column as dictionary array, as it is where it is one already."""
    return column if pa.types.is_dictionary(column.type) else cast(Any, column).dictionary_encode()


def by_row(of_texts: npt.NDArray[Any], coded: Any, nothing: Any) -> npt.NDArray[Any]:
    """What is known of each text of a dictionary array, row by row (n); `nothing` where the row has no text."""
    every = np.append(of_texts, of_texts.dtype.type(nothing))
    return np.asarray(every[coded.indices.fill_null(len(of_texts)).to_numpy(zero_copy_only=False)])
