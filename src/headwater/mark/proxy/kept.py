"""Proxies in files: counts of own traffic, written and read; and any file of a proxy, whichever kind it is."""

from __future__ import annotations

import hashlib
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UnreadableInput, Where
from headwater.mark.proxy import gpt
from headwater.mark.proxy.arrays import LARGEST, read_arrays
from headwater.mark.proxy.counts import Counts, Order
from headwater.mark.proxy.features import Proxy
from headwater.mark.whole_file import whole_file

_SHAPE: Final = "counts"
_NAMES: Final = re.compile(r"counts|[0-7]\.[a-z]+")
_COLUMNS: Final = tuple(each.name for each in fields(Order))
_HASHES: Final = ("grams", "contexts")


def save_counts(counts: Counts, path: Path) -> None:
    """Write `counts` as an `.npz`. It holds hashes of windows of the texts, and how often each stood there."""
    arrays: dict[str, NDArray[Any]] = {_SHAPE: np.array([counts.tokens, len(counts.orders)], np.int64)}
    for number, order in enumerate(counts.orders):
        arrays |= {f"{number}.{name}": getattr(order, name) for name in _COLUMNS}
    with path.open("xb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> Proxy:
    """The proxy in the file at `path`: counts, or a small GPT's weights. It is called by its file's SHA-256.

    Raises `UnreadableInput` for a file that isn't there, isn't a regular one, is too large or holds neither.
    """
    content, where = whole_file(path, largest=LARGEST), Where(file=str(path))
    arrays = read_arrays(content, _NAMES, where)
    if _SHAPE not in arrays:
        return gpt.load(path)
    shape = arrays[_SHAPE]
    if (
        shape.shape != (2,)
        or shape.dtype.kind not in "iu"
        or not 1 <= shape[0] < 2**32
        or not 1 <= shape[1] <= 8
    ):
        raise UnreadableInput("holds no counts", where=Where(str(path), field=_SHAPE))
    orders = tuple(_order(arrays, number, path) for number in range(int(shape[1])))
    return Counts(f"counts-{hashlib.sha256(content).hexdigest()[:16]}", int(shape[0]), orders)


def _order(arrays: dict[str, NDArray[Any]], number: int, path: Path) -> Order:
    found: dict[str, NDArray[Any]] = {}
    for name in _COLUMNS:
        column = arrays.get(f"{number}.{name}")
        kind = np.uint64 if name in _HASHES else np.float64
        if column is None or column.ndim != 1 or column.dtype != kind:
            raise UnreadableInput("holds no counts", where=Where(str(path), field=f"{number}.{name}"))
        found[name] = column
    for key, columns in (("grams", ("times",)), ("contexts", ("total", "kinds", "entropy"))):
        hashes = found[key]
        sizes = {len(found[each]) for each in columns} | {len(hashes)}
        ascends = bool((hashes[1:] > hashes[:-1]).all())
        finite = all(np.isfinite(found[each]).all() and (found[each] >= 0).all() for each in columns)
        if len(sizes) != 1 or not ascends or not finite:
            raise UnreadableInput("the counts aren't whole", where=Where(str(path), field=f"{number}.{key}"))
    return Order(**found)
