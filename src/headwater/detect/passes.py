"""Folds over a log: every pass reads the columns that its folds ask for, once, wherever the engine has the rows.

Each part of the rows is folded into states of its own, which are merged at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.detect.attribution import RingObjects, keys
from headwater.detect.cells import OURS, Excess
from headwater.detect.fold import Batch, World
from headwater.detect.installed import blaming, checked
from headwater.detect.objects import objects_of
from headwater.engine import ACCOUNT, AT_US, HALF, MODEL, SESSION, Arranged


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
    log: Arranged,
    world: World,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Any]:
    """Fold all rows of the log; the result of each fold, in order."""
    columns = sorted({c for fold in folds for c in fold.columns if c in world.columns})

    def work(batches: Iterator[pa.RecordBatch]) -> list[Any]:
        return _fold(folds, batches, world)

    def merge(left: list[Any], right: list[Any]) -> list[Any]:
        return [_merged(fold, a, b) for fold, a, b in zip(folds, left, right, strict=True)]

    workers = max(1, log.workers)

    def finish(states: list[Any]) -> tuple[list[Any], dict[str, Any]]:
        before = dict(world.context)
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(lambda fold, state: _finished(fold, state, world), folds, states))
        return found, {name: new for name, new in world.context.items() if new is not before.get(name)}

    found, learned = log.fold(["row", *columns], work, merge, finish, progress)
    world.context.update(learned)  # where it was finished elsewhere
    return found


def _merged(fold: Pass, left: Any, right: Any) -> Any:
    with blaming(fold):
        return fold.merge(left, right)


def _finished(fold: Pass, state: Any, world: World) -> Any:
    with blaming(fold):
        return checked(fold, fold.finish(state, world), world)


def _fold(folds: Sequence[Pass], batches: Iterator[pa.RecordBatch], world: World) -> list[Any]:
    states = []
    for fold in folds:
        with blaming(fold):
            states.append(fold.init(world))
    for table in batches:
        batch = by_content(of(table, world), world)
        for at, fold in enumerate(folds):
            with blaming(fold):
                states[at] = fold.update(states[at], batch)
    return states


def of(table: pa.RecordBatch, world: World) -> Batch:
    """A batch of an arranged log, duplicates left out, with the rings under test."""
    account, at_us, session, half, model, row = (
        np.asarray(table.column(name).to_numpy(zero_copy_only=False))
        for name in (ACCOUNT, AT_US, SESSION, HALF, MODEL, "row")
    )
    ring_of: npt.NDArray[np.int32] | None = world.context.get("ring_of")
    if ring_of is None:
        ring = np.full(len(account), -1, np.int32)
    else:
        ring = np.where(account >= 0, ring_of[account], -1).astype(np.int32)
    batch = Batch(row, account, at_us, session, half, model, ring, source=table)
    if not (account >= 0).all():
        batch = batch.where(account >= 0)
    owned: RingObjects | None = world.context.get("ring_objects")
    if owned is None or not batch.has("imprint"):
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
