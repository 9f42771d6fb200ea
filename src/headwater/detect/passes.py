"""Folds over a log: every pass reads the columns that its folds ask for, once, wherever the engine has the rows.

Each part of the rows is folded into states of its own, which are merged at the end. States that hold too much wait on
disk until then.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.detect.attribution import RingObjects, keys
from headwater.detect.cells import OURS, Excess
from headwater.detect.fold import Batch, World
from headwater.detect.installed import blaming, checked
from headwater.detect.ordering import ByCode
from headwater.detect.spilled import LEAST, Spilled, held
from headwater.engine import ACCOUNT, AT_US, HALF, MODEL, SESSION, Arranged

#: Rows after which a thread looks how much its states hold.
LOOK = 250_000
#: However much states hold from their beginning, this part of the memory is left for what grows.
ROOM = 4


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
    """Fold all rows of the log; the result of each fold, in order.

    A fold that names another one in `gathers` has no state of its own: it finishes what that one made of the rows.
    """
    at_work, whose = _gathering(folds)
    columns = sorted({c for fold in at_work for c in fold.columns if c in world.columns})

    most, near = log.state_bytes, log.near  # what is sent to executors may not hold the log

    def work(batches: Iterator[pa.RecordBatch]) -> list[_Parts]:
        return [(part,) for part in _fold(at_work, batches, world, most)]

    def merge(left: list[_Parts], right: list[_Parts]) -> list[_Parts]:
        both = [a + b for a, b in zip(left, right, strict=True)]
        # In this process a fold's states are merged when it is finished, those of several folds at once.
        return both if near else [(_merged(fold, parts),) for fold, parts in zip(at_work, both, strict=True)]

    workers = max(1, log.workers)

    def finish(parts: list[Any]) -> tuple[list[Any], dict[str, Any]]:
        before = dict(world.context)
        found = _all_finished(folds, at_work, whose, parts, world, workers)
        return found, {name: new for name, new in world.context.items() if new is not before.get(name)}

    found, learned = log.fold(["row", *columns], work, merge, finish, progress)
    world.context.update(learned)  # where it was finished elsewhere
    return found


def _gathering(folds: Sequence[Pass]) -> tuple[list[Pass], list[tuple[int, bool]]]:
    """The folds that go over rows, and for each of `folds` which of them it is, or finishes (True)."""
    at_work: list[Pass] = []
    place: dict[int, int] = {}
    whose = []
    gatherers = [getattr(fold, "gathers", fold) for fold in folds]
    # Those that can do the work of one another become one.
    kinds: dict[type, list[Any]] = {}
    for fold, gatherer in zip(folds, gatherers, strict=True):
        if gatherer is not fold and hasattr(gatherer, "joined"):
            kinds.setdefault(type(gatherer), []).append(gatherer)
    one = {kind: some[0].joined(some[1:]) for kind, some in kinds.items()}
    for fold, own in zip(folds, gatherers, strict=True):
        gatherer = own if own is fold else one.get(type(own), own)
        if id(gatherer) not in place:
            place[id(gatherer)] = len(at_work)
            at_work.append(gatherer)
        whose.append((place[id(gatherer)], gatherer is not fold))
    return at_work, whose


def _all_finished(
    folds: Sequence[Pass],
    at_work: Sequence[Pass],
    whose: Sequence[tuple[int, bool]],
    parts: list[Any],
    world: World,
    workers: int,
) -> list[Any]:
    """What each fold found. What was gathered for others comes first, and is freed when all of these are done."""
    left = Counter(place for place, others in whose if others)
    made: dict[int, Any] = {}
    lock = threading.Lock()

    def gather(place: int) -> None:
        made[place] = _finished(at_work[place], parts, place, world)

    def finish(at: int) -> tuple[int, Any]:
        fold, (place, others) = folds[at], whose[at]
        if not others:
            return at, _finished(fold, parts, place, world)
        with blaming(fold):
            found = checked(fold, fold.finish(made[place], world), world)
        with lock:
            left[place] -= 1
            if not left[place]:
                del made[place]
        return at, found

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(gather, sorted(left)))
        found = dict(pool.map(finish, sorted(range(len(folds)), key=lambda at: not whose[at][1])))
    return [found[at] for at in range(len(folds))]


@dataclass
class _Part:
    """What a fold made of some rows: a state, and states before it that wait on disk."""

    state: Any
    spilled: Spilled


#: What a fold made of all rows that were read so far, in their order.
_Parts: TypeAlias = tuple[_Part, ...]


def _merged(fold: Pass, parts: _Parts) -> _Part:
    whole, *rest = parts
    with blaming(fold):
        for part in rest:
            left, right = whole.state, part.state
            whole.state = part.state = None  # whoever else holds the parts doesn't hold what was merged
            whole = _Part(fold.merge(left, right), whole.spilled.joined(part.spilled))
    return whole


def _finished(fold: Pass, parts: list[Any], at: int, world: World) -> Any:
    own, parts[at] = parts[at], None  # nobody else holds it: what is finished is freed
    part = _merged(fold, own)
    del own
    state, part.state = part.state, None
    with blaming(fold):
        for piece in range(len(part.spilled.pieces)):
            state = fold.merge(state, part.spilled.read(piece))
        return checked(fold, fold.finish(state, world), world)


def _fold(folds: Sequence[Pass], batches: Iterator[pa.RecordBatch], world: World, most: int) -> list[_Part]:
    parts = []
    for fold in folds:
        with blaming(fold):
            parts.append(_Part(fold.init(world), Spilled(world)))
    empty = [held(part.state, world) for part in parts]
    rows = 0
    for table in batches:
        batch = by_content(of(table, world), world)
        for fold, part in zip(folds, parts, strict=True):
            with blaming(fold):
                part.state = fold.update(part.state, batch)
        rows += len(batch)
        if rows >= LOOK:
            rows = 0
            _spill(folds, parts, empty, world, most)
    return parts


def _spill(
    folds: Sequence[Pass], parts: Sequence[_Part], empty: Sequence[int], world: World, most: int
) -> None:
    """Where states hold more than so many bytes, those that grew most are written down and begun anew.

    What a state holds from its beginning (`empty`: a count for every account) comes back with the next one: writing it
    down frees nothing.
    """
    grown = [held(part.state, world) - before for part, before in zip(parts, empty, strict=True)]
    if sum(grown) <= max(most - sum(empty), most // ROOM):
        return
    for fold, part, size in zip(folds, parts, grown, strict=True):
        with blaming(fold):
            if size * len(parts) >= sum(grown) / 2 and size >= LEAST and part.spilled.write(part.state):
                part.state = fold.init(world)


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
    return replace(batch, key=keys(owned, batch))


def by_content(batch: Batch, world: World) -> Batch:
    """The batch with the rows that are a ring's by their content, for rings that own no template."""
    known: Mapping[int, tuple[Excess, float]] = world.context.get("excess", {})
    if not known or not batch.has("imprint"):
        return batch
    templated = set(world.context["ring_objects"].ring.tolist())
    ours, by_ring = np.zeros(len(batch), bool), ByCode(batch.ring)
    for at in known.keys() - templated:
        rows = by_ring.of(at)
        if len(rows):
            cell = world.context["cells"].at(batch, rows).astype(np.int64)
            ours[rows] = known[at][0].chance(batch.account[rows], cell) > OURS
    return replace(batch, ours=ours)
