"""Folds over a spool: every pass reads the columns that its folds ask for, once, in as many threads as allowed.

Each thread folds its own batches into its own states, which are merged at the end: that is all a cluster would do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.detect.attribution import RingObjects, keys
from headwater.detect.cells import OURS, Excess
from headwater.detect.fold import Batch, World
from headwater.detect.installed import blaming, checked
from headwater.detect.objects import objects_of
from headwater.engine import Index, Spool

#: Below so many rows one thread is done before several have begun.
ALONE_BELOW = 200_000


class Pass(Protocol):
    """What a pass needs of a fold (evidence, population, harvest)."""

    columns: tuple[str, ...]

    def init(self, world: World) -> Any:
        """An empty state."""

    def update(self, state: Any, batch: Batch) -> Any:
        """The state after some more rows."""

    def merge(self, left: Any, right: Any) -> Any:
        """The state of both."""

    def finish(self, state: Any, world: World) -> Any:
        """What the fold found."""


def run(
    folds: Sequence[Pass],
    spool: Spool,
    index: Index,
    world: World,
    *,
    workers: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Any]:
    """Fold all rows of the spool; the result of each fold, in order."""
    columns = sorted({c for fold in folds for c in fold.columns if c in world.columns})
    ring_of: npt.NDArray[np.int32] = world.context.get("ring_of", np.full(world.size, -1, np.int32))
    source = spool.batches(["row", *columns])
    if workers <= 1 or index.rows < ALONE_BELOW:
        states = _fold(folds, source, index, world, ring_of, progress)
    else:
        parts = _dealt(source, workers)
        with ThreadPoolExecutor(workers) as pool:
            done = list(pool.map(lambda part: _fold(folds, part, index, world, ring_of, progress), parts))
        states = done[0]
        for other in done[1:]:
            states = [_merged(fold, a, b) for fold, a, b in zip(folds, states, other, strict=True)]
    with ThreadPoolExecutor(max(1, workers)) as pool:
        return list(pool.map(lambda fold, state: _finished(fold, state, world), folds, states))


def _merged(fold: Pass, left: Any, right: Any) -> Any:
    with blaming(fold):
        return fold.merge(left, right)


def _finished(fold: Pass, state: Any, world: World) -> Any:
    with blaming(fold):
        return checked(fold, fold.finish(state, world), world)


def _fold(
    folds: Sequence[Pass],
    source: Iterator[pa.RecordBatch],
    index: Index,
    world: World,
    ring_of: npt.NDArray[np.int32],
    progress: Callable[[int], None],
) -> list[Any]:
    states = []
    for fold in folds:
        with blaming(fold):
            states.append(fold.init(world))
    for table in source:
        batch = of(table, index, ring_of, world.context.get("ring_objects"))
        batch = by_content(batch, world)
        for at, fold in enumerate(folds):
            with blaming(fold):
                states[at] = fold.update(states[at], batch)
        progress(table.num_rows)
    return states


def of(
    table: pa.RecordBatch, index: Index, ring_of: npt.NDArray[np.int32], owned: RingObjects | None = None
) -> Batch:
    """A batch of the spool with its part of the index, duplicates left out."""
    row = table.column("row").to_numpy()
    account = index.account[row]
    batch = Batch(
        row=row,
        account=account,
        at_us=index.at_us[row],
        session=index.session[row],
        half=index.half[row],
        model=index.model[row],
        ring=np.where(account >= 0, ring_of[account], -1).astype(np.int32),
        source=table,
    )
    if not (account >= 0).all():
        batch = batch.where(account >= 0)
    if owned is None or "imprint" not in table.schema.names:
        return batch
    return replace(batch, key=keys(owned, objects_of(batch), batch))


def by_content(batch: Batch, world: World) -> Batch:
    """The batch with the rows that are a ring's by their content, for rings that own no template."""
    known: Mapping[int, tuple[Excess, float]] = world.context.get("excess", {})
    if not known or not batch.has("imprint"):
        return batch
    templated = set(world.context["ring_objects"].ring.tolist())
    ours = np.zeros(len(batch), bool)
    for at in known.keys() - templated:
        rows = np.flatnonzero(batch.ring == at)
        if len(rows):
            cell = world.context["cells"].at(batch, rows).astype(np.int64)
            ours[rows] = known[at][0].chance(batch.account[rows], cell) > OURS
    return replace(batch, ours=ours)


class _Shared(Iterator[pa.RecordBatch]):
    """One source for several threads."""

    def __init__(self, source: Iterator[pa.RecordBatch]) -> None:
        self._source = source
        self._lock = threading.Lock()

    def __next__(self) -> pa.RecordBatch:
        with self._lock:
            return next(self._source)


def _dealt(source: Iterator[pa.RecordBatch], workers: int) -> list[Iterator[pa.RecordBatch]]:
    shared = _Shared(source)
    return [islice(shared, None) for _ in range(workers)]
