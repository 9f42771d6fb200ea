"""Imprints of a log made on a cluster: each task reads one unit and leaves its parts in a store that all machines see.

A unit is written down beside its parts, by the task that read it, when all of it is there: what a lost executor or a
killed driver had finished isn't done again, and a day more of logs costs that day. The driver sees names and counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

import msgspec
import pyarrow as pa

from headwater import intake
from headwater.engine import Part, Spool
from headwater.engine.spark import Cluster, Rows, Spark, Store, check_master, connect
from headwater.errors import UnreadableInput, UsageError, Where
from headwater.exchange import EXCHANGE_SCHEMA, Log, Planned, SetAside, Way
from headwater.kept import (
    FAR_MANIFEST,
    Source,
    Unit,
    locked,
    made_by,
    refuse_made_otherwise,
    refuse_others,
    sources_of,
    units,
)
from headwater.keys import ImprintKey
from headwater.object_logs import Objects, objects, planned_as, sparse_copy
from headwater.places import Scratch

#: What a store says of itself.
MANIFEST = FAR_MANIFEST
#: Units are so many times smaller than on one machine, where nobody else could go on with what is left.
SMALLER = 8
Progress = Callable[[int], None]


@dataclass(frozen=True)
class _Task:
    """One unit to read: files that every machine sees, or objects (`planned` is then empty)."""

    digest: str
    sources: tuple[Source, ...]
    planned: tuple[Planned, ...]

    @property
    def receipt(self) -> str:
        return f"units/{self.digest}.json"


class Imprinting:
    """A store of imprints, open for one run."""

    def __init__(
        self, store: Store, cluster: Cluster, made: Mapping[str, str], lock: IO[bytes] | None
    ) -> None:
        self.store = store
        self.cluster = cluster
        self._made = made
        self._lock = lock

    def close(self) -> None:
        """Let others use the store."""
        if self._lock is not None:
            self._lock.close()

    def filled(
        self,
        log: Log,
        found: Objects,
        key: ImprintKey,
        schema: pa.Schema,
        aside: SetAside,
        held: set[str],
        *,
        keep: int,
        progress: Progress = lambda _: None,
    ) -> Rows:
        """The rows of a log: units that are whole are taken as they are, the others are read on the executors.

        What was set aside goes to `aside`, of each unit the first `keep` rows; names of columns with any value to
        `held`.
        """
        tasks = [self._task(sources_of(unit), unit) for unit in units(log.planned, SMALLER)]
        tasks += [self._task(sources, ()) for sources in found.units(SMALLER)]
        whole = self._whole({task.receipt for task in tasks})
        missing = [task for task in tasks if task.receipt not in whole]
        work = _Reading(self.store, log.way, key, schema, keep)
        read = self.cluster.each(work, missing, "read and imprint")
        if missing:
            self.store.sweep()  # of executors that were lost
        whole |= {task.receipt: unit for task, unit in zip(missing, read, strict=True)}
        parts: list[Part] = []
        with _copies(self.store) as copy:
            for unit in (whole[task.receipt] for task in tasks):
                parts += unit.parts
                aside.absorb(unit.aside, copy(unit.sink if unit.aside["total"] else None))
                held.update(unit.held)
        progress(sum(part.rows for part in parts))
        return Rows(self.store, schema, tuple(parts))

    def _task(self, sources: tuple[Source, ...], planned: tuple[Planned, ...]) -> _Task:
        text = msgspec.json.encode([sorted(self._made.items()), [asdict(source) for source in sources]])
        return _Task(hashlib.sha256(text).hexdigest()[:24], sources, planned)

    def _whole(self, wanted: set[str]) -> dict[str, Unit]:
        """Units that are there, by receipt. Those that aren't asked for go, and whatever was left of a killed run."""
        there = self.store.files()
        out: dict[str, Unit] = {}
        known: set[str] = set()
        for name in sorted(wanted & there.keys()):
            unit = _unit(self.store, name)
            parts = {part.name for part in unit.parts} if unit else set()
            if unit is not None and parts <= there.keys():
                out[name] = unit
                known |= {name, unit.sink} | parts
        ours = ("units/", "parts/", "aside/", "index-")
        self.store.remove(name for name in there if name not in known and name.startswith(ours))
        return out


def open_store(
    store: Store, cluster: Cluster, key: ImprintKey, schema: pa.Schema, reading: Mapping[str, object]
) -> Imprinting:
    """The imprints of a store; of a folder for this process alone until they are closed.

    Raises `UsageError` where it holds something else, or imprints that were made otherwise.
    """
    lock = None
    if store.folder is not None:
        store.folder.mkdir(parents=True, exist_ok=True)
    found = store.read(MANIFEST)
    made = made_by(key, schema, reading)
    if found is None:
        refuse_others((name.partition("/")[0] for name in store.files()), store.name)
    else:
        try:
            refuse_made_otherwise(msgspec.json.decode(found, type=dict[str, str]), made, store.name)
        except msgspec.DecodeError as error:
            raise UnreadableInput(
                "is damaged",
                where=Where(store.place(MANIFEST)),
                hint="remove the store: the log is read anew",
            ) from error
    if store.folder is not None:
        lock = locked(store.folder)
    try:
        store.write(MANIFEST, msgspec.json.encode(made))
    except BaseException:
        if lock is not None:
            lock.close()
        raise
    return Imprinting(store, cluster, made, lock)


def store_of(
    place: str | Path | None, engine: str, scratch: Path, sources: Sequence[Path], far: Sequence[str]
) -> Store:
    """Where imprints go: `place`, or on this machine alone a folder that goes with the investigation."""
    if place is None:
        check_master(engine)
        if not engine.startswith("local"):
            raise UsageError(
                "a cluster needs a store that all of its machines see",
                hint="name one with --store: a path on a shared file system, or s3://bucket/prefix",
            )
        return Store(scratch / "store")
    store = Store(place)
    inside = any(f"{store.name}/".startswith(f"{Store(other).name.rstrip('/')}/") for other in far)
    folders = [path.resolve() for path in sources if path.is_dir()]
    if inside or (store.folder is not None and any(map(store.folder.is_relative_to, folders))):
        hint = "choose a folder for imprints beside it"
        raise UsageError("lies in the log", where=Where(store.name), hint=hint)
    return store


class LaidOut:
    """A log read and laid out on a cluster; `outputs` are reports of our own that lie in object stores."""

    def __init__(self, laid: Spark, imprinting: Imprinting, outputs: tuple[str, ...]) -> None:
        self.laid = laid
        self.outputs = outputs
        self._imprinting = imprinting

    def close(self) -> None:
        """End the session, and let others use the store."""
        self.laid.close()
        self._imprinting.close()


def laid_out(
    engine: str,
    store: Store,
    log: Log,
    far: Sequence[str],
    key: ImprintKey,
    schema: pa.Schema,
    aside: SetAside,
    held: set[str],
    *,
    reading: Mapping[str, object],
    keep: int,
    tell: Callable[[str, int, int | None], None],
) -> LaidOut:
    """Read a log (files of `log`, objects under the URIs of `far`) on the cluster `engine`, and arrange it there."""
    found = objects(far, log.way.rules.defaults, aside)
    tell("wait for the cluster", 0, None)
    cluster = connect(engine)
    imprinting = None
    try:
        imprinting = open_store(store, cluster, key, schema, reading)
        rows = imprinting.filled(
            log,
            found,
            key,
            schema,
            aside,
            held,
            keep=keep,
            progress=lambda n: tell("read and imprint", n, None),
        )
        if not rows.count:
            raise intake.no_rows()
        return LaidOut(Spark(cluster, rows), imprinting, found.outputs)
    except BaseException:
        if imprinting is not None:
            imprinting.close()
        cluster.close()
        raise


@dataclass(frozen=True)
class _Reading:
    """What a task does with its unit; the key travels in here, and nowhere else."""

    store: Store
    way: Way
    key: ImprintKey
    schema: pa.Schema
    keep: int

    def __call__(self, task: _Task) -> Unit:
        """Read it, unless another task has; its parts are in the store before its receipt is."""
        unit = _unit(self.store, task.receipt)
        if unit is not None:
            return unit
        scratch = Scratch()
        try:
            unit = self._read(task, scratch.path)
        finally:
            scratch.remove()
        self.store.write(task.receipt, msgspec.json.encode(asdict(unit)))
        return unit

    def _read(self, task: _Task, folder: Path) -> Unit:
        planned, names = task.planned, {}
        if not planned:
            copies = [sparse_copy(source, folder / f"{at}.parquet") for at, source in enumerate(task.sources)]
            planned = tuple(planned_as(*pair) for pair in zip(task.sources, copies, strict=True))
            names = {
                str(copy): Store(each.path).name for each, copy in zip(task.sources, copies, strict=True)
            }
        sink, held = folder / "aside.jsonl", set[str]()
        with (
            SetAside(keep=self.keep, sink=sink, names=names) as aside,
            Spool(folder / "spool", self.schema) as spool,
        ):
            read = intake.noted(self.way(planned, aside), EXCHANGE_SCHEMA.names, held)
            intake.fill(spool, read, self.key, workers=1)
        parts = []
        for at, part in enumerate(spool.parts):
            name = f"parts/{task.digest}-{at:03d}.parquet"
            self.store.put(spool.folder / part.name, name)
            parts.append(replace(part, name=name))
        kept = f"aside/{task.digest}.jsonl"
        if sink.exists():
            self.store.put(sink, kept)
        return Unit(task.sources, tuple(parts), tuple(sorted(held)), aside.counts(), kept)


def _unit(store: Store, receipt: str) -> Unit | None:
    found = store.read(receipt)
    return None if found is None else msgspec.json.decode(found, type=Unit)


class _copies:  # noqa: N801  (a context manager, used like a function)
    """Files of a store as files of this machine, one at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._scratch = Scratch()

    def __enter__(self) -> Callable[[str | None], Path]:
        return self._copy

    def __exit__(self, *_: object) -> None:
        self._scratch.remove()

    def _copy(self, name: str | None) -> Path:
        if name is None:
            return self._scratch.path / "nothing"
        if self._store.folder is not None:
            return self._store.folder / name
        place = self._scratch.path / "copy"
        data = self._store.read(name)
        place.unlink(missing_ok=True)
        if data is not None:
            place.write_bytes(data)
        return place
