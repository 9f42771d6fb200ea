"""Sums of scores under many keys at once, without keeping a value for each key and unit: what tracing needs.

Engines with a compiled loop for it say so with a method `totals`; any other scheme is summed key by key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.scheme import MarkKey, Scheme, Units
from headwater.mark.score import Scorer, Table

#: Stands for the score of a bucket that an edge divides.
DIVIDED = -(2**31)
#: log2 of how many buckets a table is cut into.
_BUCKET_BITS = 12


class Tables(NamedTuple):
    """A scorer as compiled loops read it.

    `quick`: (classes, streams, buckets) scores; `begins`: (classes, streams+1) where the bins of each begin in `scores`
    and in `edges`, which has their lower edges.
    """

    shift: int
    quick: NDArray[np.int32]
    begins: NDArray[np.int64]
    edges: NDArray[np.int64]
    scores: NDArray[np.int64]


@runtime_checkable
class Fast(Protocol):
    """A scheme with a compiled loop over keys."""

    def totals(
        self,
        keys: NDArray[np.uint64],
        units: Units,
        of: NDArray[np.int64],
        tables: Tables,
        out: NDArray[np.int64],
    ) -> None:
        """Add to `out` (keys, documents) the scores of `units` under `keys` (keys, numbers).

        `of` (3, n): how often each unit counts, its class, its document (ascending).
        """
        ...

    def rows(self, keys: Sequence[MarkKey]) -> NDArray[np.uint64]:
        """The numbers of `keys` as `totals` takes them."""
        ...


def laid_out(scorer: Scorer, size: int) -> Tables:
    """The tables of `scorer` for values below `size`."""
    shift = max((size - 1).bit_length() - _BUCKET_BITS, 0)
    starts = np.arange(((size - 1) >> shift) + 1, dtype=np.int64) << shift
    quick = np.stack([[_quick(table, starts, shift) for table in tables] for tables in scorer.tables])
    counts = np.array([[len(table.scores) for table in tables] for tables in scorer.tables])
    ends = np.cumsum(counts).reshape(counts.shape)
    begins = np.concatenate([ends[:, :1] - counts[:, :1], ends], axis=1)
    every = [table for tables in scorer.tables for table in tables]
    edges = np.concatenate([table.edges[:-1] for table in every]).astype(np.int64)
    return Tables(
        shift, quick, begins, edges, np.concatenate([table.scores for table in every]).astype(np.int64)
    )


def _quick(table: Table, starts: NDArray[np.int64], shift: int) -> NDArray[np.int32]:
    """The score of each bucket, or `DIVIDED`."""
    first = np.searchsorted(table.edges, starts, side="right") - 1
    last = np.searchsorted(table.edges, starts + (1 << shift) - 1, side="right") - 1
    one = np.minimum(last, len(table.scores) - 1) == first
    return np.where(one, table.scores[np.minimum(first, len(table.scores) - 1)], DIVIDED).astype(np.int32)


def total_scores(
    scheme: Scheme,
    keys: Sequence[MarkKey],
    units: Units,
    scorer: Scorer,
    *,
    classes: NDArray[np.intp] | None = None,
    starts: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """The sum of the scores of `units`, each as often as its `times`, under each of `keys`: (keys,).

    `classes`: (n,) as the scorer wants them. `starts`: (documents+1,) where each document's units begin and the last
    ends; then the sums are by document, (keys, documents). Raises `UsageError` where they don't fit the units.
    """
    bounds = np.array([0, len(units)]) if starts is None else np.asarray(starts, np.int64)
    sizes = np.diff(bounds)
    if len(bounds) < 2 or bounds[0] != 0 or bounds[-1] != len(units) or (sizes < 0).any():
        raise UsageError("documents must begin where the one before ends")
    kinds = np.zeros(len(units), np.int64) if classes is None else np.asarray(classes, np.int64)
    if len(kinds) != len(units) or (len(kinds) and not 0 <= kinds.min() <= kinds.max() < len(scorer.tables)):
        raise UsageError("every unit needs a class that the scorer has a table for")
    found = np.zeros((len(keys), len(sizes)), np.int64)
    if len(keys) and len(units):
        of = np.stack([units.times, kinds, np.repeat(np.arange(len(sizes)), sizes)]).astype(np.int64)
        if isinstance(scheme, Fast):
            size = scheme.null.size if scheme.null.ones is None else 2
            scheme.totals(scheme.rows(keys), units, of, laid_out(scorer, size), found)
        else:
            _one_by_one(scheme, keys, units, scorer, of, found)
    return found[:, 0] if starts is None else found


def _one_by_one(
    scheme: Scheme,
    keys: Sequence[MarkKey],
    units: Units,
    scorer: Scorer,
    of: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:
    """The specification of every faster way."""
    for row, key in zip(found, keys, strict=True):
        np.add.at(row, of[2], scorer.scores(scheme.values(key, units), of[1].astype(np.intp)) * units.times)
