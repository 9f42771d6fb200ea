"""Imprints of a log in a folder, unit by unit: what is whole stays, through a kill and from one day to the next.

A unit is some files of a log, or some groups of rows of one. What it became (parts of a spool, and what was set aside)
is written down when all of it is there. The next run reads those units alone whose files it hasn't seen as they are
now; a unit of a file that changed, or is no longer asked for, is left out and removed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from headwater import intake
from headwater.engine import Index, Part, Spool, behind, index_of, read_index, write_index
from headwater.errors import UnreadableInput, UsageError, Where, unreadable
from headwater.exchange import EXCHANGE_SCHEMA, SCHEMA_VERSION, Log, Planned, SetAside, joins
from headwater.imprint import IMPRINT_VERSION
from headwater.keys import ImprintKey
from headwater.quoted import Placed

MANIFEST = "imprints.json"
#: What a cluster's store has in its place.
FAR_MANIFEST = "store.json"
INDEX = "index.arrows"
_LOCK = ".lock"
_OURS = re.compile(r"part-\d{6}\.parquet|aside-\d{6}\.jsonl")
#: What is read between two moments at which a kill costs nothing: rows of our own Parquet, bytes of other files.
UNIT_ROWS, UNIT_BYTES = 1_048_576, 256 << 20
Progress = Callable[[int], None]
Piece = TypeVar("Piece")


@dataclass(frozen=True)
class Source:
    """A file as it was when it was read; `groups` of rows of it, or all (None)."""

    path: str
    size: int
    mtime_ns: int
    format: str
    groups: tuple[int, int] | None = None


@dataclass(frozen=True)
class Unit:
    """What was read at once and what became of it; `held` are columns that had any value, prompts included."""

    sources: tuple[Source, ...]
    parts: tuple[Part, ...]
    held: tuple[str, ...]
    aside: dict[str, Any]
    sink: str
    #: size of the sink, 0 where nothing was set aside; −1: not written down
    sink_bytes: int = -1


@dataclass
class _Manifest:
    made_by: dict[str, str]
    units: list[Unit] = field(default_factory=list)
    next_part: int = 0


class Kept:
    """A folder of imprints, open for one run."""

    def __init__(
        self, folder: Path, manifest: _Manifest, schema: pa.Schema, lock: IO[bytes], lasting: bool
    ) -> None:
        self.folder = folder
        self._lasting = lasting
        self._manifest = manifest
        self._schema = schema
        self._lock = lock
        #: where the prompts lie that aren't in the spool
        self.placed: list[Placed] = []

    def close(self) -> None:
        """Let others use the folder."""
        self._lock.close()

    def filled(
        self,
        log: Log,
        key: ImprintKey,
        aside: SetAside,
        held: set[str],
        *,
        keep: int,
        workers: int,
        progress: Progress = lambda _: None,
    ) -> Spool:
        """The spool of a log: units that are whole are taken as they are, the others are read.

        What was set aside goes to `aside`, of each unit the first `keep` rows; names of columns with any value to
        `held`.
        """
        known = {unit.sources: unit for unit in self._manifest.units}
        wanted = beside_known(log.planned, known)
        self._forget({sources for sources, _ in wanted})
        spool = Spool(self.folder, self._schema, next_part=self._manifest.next_part)
        with behind() as follow:
            filling = _Filling(self, log, spool, aside, held, keep, progress, follow)
            intake.fill(spool, filling.items(wanted, known), key, workers=workers, progress=progress)
        spool.close()
        return spool

    def indexed(self, spool: Spool, make: Callable[[], Index]) -> Index:
        """The index of a spool: as it was when this log was last read, if nothing has come or gone; else made anew."""
        if not self._lasting:
            return make()
        of = index_of(spool)
        index = read_index(of, self.folder / INDEX)
        if index is None:
            index = made = make()
            try:
                self._put(INDEX, lambda fresh: write_index(made, of, fresh))
            except OSError:  # there is no room: the next run makes it again
                with suppress(OSError):
                    (self.folder / f".{INDEX}").unlink(missing_ok=True)
        return index

    def number(self, parts: int) -> int:
        """So many parts of a unit have their names; the next one's number. Of none, the name of its sink is taken."""
        self._manifest.next_part += max(1, parts)
        return self._manifest.next_part

    def vouch(self, unit: Unit) -> None:
        """Write down that a unit is whole; it must outlast a loss of power, where it is kept at all."""
        if self._lasting:
            for name in (*(part.name for part in unit.parts), unit.sink):
                _synced(self.folder / name)
        self._manifest.units.append(unit)
        self._write()

    def _forget(self, wanted: set[tuple[Source, ...]]) -> None:
        """Units that aren't asked for go, and whatever a killed run left."""
        gone = [unit for unit in self._manifest.units if unit.sources not in wanted]
        if gone:
            self._manifest.units = [unit for unit in self._manifest.units if unit.sources in wanted]
            self._write()
        known = {part.name for unit in self._manifest.units for part in unit.parts}
        known |= {unit.sink for unit in self._manifest.units}
        for path in self.folder.iterdir():
            # What others put here isn't ours to remove.
            if _OURS.fullmatch(path.name) and path.name not in known:
                path.unlink()

    def _write(self) -> None:
        self._put(MANIFEST, lambda fresh: fresh.write_bytes(msgspec.json.encode(asdict(self._manifest))))
        if self._lasting:
            _synced(self.folder)

    def _put(self, name: str, write: Callable[[Path], object]) -> None:
        """A file under its name once it is whole."""
        fresh = self.folder / f".{name}"
        write(fresh)
        if self._lasting:
            _synced(fresh)
        fresh.replace(self.folder / name)


class _Filling:
    """A log on its way into a spool, unit by unit: while one is imprinted and written, the next is read already."""

    def __init__(
        self,
        kept: Kept,
        log: Log,
        spool: Spool,
        aside: SetAside,
        held: set[str],
        keep: int,
        progress: Progress,
        follow: Callable[..., None],
    ) -> None:
        """`follow`: has each unit vouched for, while the next is on its way."""
        self._kept, self._log, self._spool, self._aside, self._held = kept, log, spool, aside, held
        self._keep, self._progress, self._follow = keep, progress, follow
        self._sinks = spool.next_part
        self._parts = 0  # of the units before

    def items(
        self,
        wanted: Iterable[tuple[tuple[Source, ...], Sequence[Planned]]],
        known: Mapping[tuple[Source, ...], Unit],
    ) -> Iterator[pa.RecordBatch | intake.Again | intake.Mark]:
        """The batches of units that are read, and behind each unit the mark that ends it."""
        for sources, planned in wanted:
            unit = known.get(sources)
            if unit is not None:
                yield partial(self._taken, unit, planned)
            else:
                yield from self._read(sources, planned)

    def _read(
        self, sources: tuple[Source, ...], planned: Sequence[Planned]
    ) -> Iterator[pa.RecordBatch | intake.Again | intake.Mark]:
        sink, held = f"aside-{self._sinks:06d}.jsonl", set[str]()
        self._sinks += 1
        place = self._kept.folder / sink
        place.unlink(missing_ok=True)
        with SetAside(keep=self._keep, sink=place, names=self._aside.names) as mine:
            batches = intake.noted(self._log.of(planned, mine), EXCHANGE_SCHEMA.names, held)
            yield from map(intake.Again, batches) if self._stays(planned) else batches
        yield partial(self._ended, sources, planned, held, mine, sink)

    def _stays(self, planned: Sequence[Planned]) -> bool:
        """Whether a row's prompt can be read again where it lies, by itself."""
        return all(file.columnar for file in planned) and "prompt" not in self._log.way.rules.defaults

    def _taken(self, unit: Unit, planned: Sequence[Planned]) -> None:
        """A unit that is there from before."""
        self._spool.parts += unit.parts
        self._progress(sum(part.rows for part in unit.parts))
        self._told(unit, planned)

    def _ended(
        self,
        sources: tuple[Source, ...],
        planned: Sequence[Planned],
        held: set[str],
        mine: SetAside,
        sink: str,
    ) -> None:
        """All rows of a unit lie in the spool."""
        self._spool.cut()
        parts = tuple(self._spool.parts[self._parts :])
        unit = Unit(sources, parts, tuple(sorted(held)), mine.counts(), sink, _size(self._kept.folder / sink))
        self._spool.next_part = self._kept.number(len(parts))
        self._follow(self._kept.vouch, unit)
        self._told(unit, planned)

    def _told(self, unit: Unit, planned: Sequence[Planned]) -> None:
        self._parts = len(self._spool.parts)
        sink = self._kept.folder / unit.sink
        self._aside.absorb(unit.aside, sink)
        rows = sum(part.rows for part in unit.parts)
        if "prompt" in unit.held and self._stays(planned):
            first = self._spool.rows - rows
            states = tuple((source.size, source.mtime_ns) for source in unit.sources)
            every = not any("prompt" in part.filled for part in unit.parts)
            placed = Placed(first, rows, tuple(planned), states, sink, self._aside.names, every)
            self._kept.placed.append(placed)
        self._held.update(unit.held)


def open_kept(
    folder: Path,
    key: ImprintKey,
    schema: pa.Schema,
    reading: Mapping[str, object],
    *,
    lasting: bool = True,
) -> Kept:
    """The folder's imprints, for this process alone until they are closed; made where there is none.

    Not `lasting`: the folder goes with the run, and nothing in it is waited for until it is on disk.

    Raises `UsageError` where it holds something else, or imprints that were made otherwise (with another key, another
    version, or read in another way), and `UnreadableInput` where what it says of itself is damaged.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        hint = "choose another name: imprints are kept in a folder"
        raise UsageError("is no folder", where=Where(str(folder)), hint=hint) from error
    if not (folder / MANIFEST).exists():
        refuse_others((path.name for path in folder.iterdir()), str(folder))
    lock = locked(folder)
    try:
        kept = Kept(folder, _manifest(folder, made_by(key, schema, reading)), schema, lock, lasting)
        kept._write()
    except OSError as error:
        lock.close()
        raise unreadable(folder, error) from error
    except BaseException:
        lock.close()
        raise
    return kept


def made_by(key: ImprintKey, schema: pa.Schema, reading: Mapping[str, object]) -> dict[str, str]:
    """What imprints depend on, apart from the log; of the key its public name."""
    return {
        "imprint key": key.id,
        "imprint version": str(IMPRINT_VERSION),
        "choice of columns": _digest([SCHEMA_VERSION, str(schema)]),
        "way of reading": _digest(reading),
    }


def refuse_others(names: Iterable[str], place: str) -> None:
    """`UsageError` where a folder without the manifest that is asked for holds anything."""
    held = set(names) - {_LOCK}
    for manifest, who in ((MANIFEST, "one machine"), (FAR_MANIFEST, "a cluster")):
        if manifest in held:
            what, hint = f"holds imprints that {who} made", "choose another folder: each keeps its own"
            raise UsageError(what, where=Where(place), hint=hint)
    if held:
        raise UsageError(
            "is not empty and holds no imprints", where=Where(place), hint="choose another folder"
        )


def refuse_made_otherwise(found: Mapping[str, str], made: Mapping[str, str], place: str) -> None:
    """`UsageError` where imprints were made by something else than `made`."""
    other = [name for name, value in made.items() if found.get(name) != value]
    if other:
        raise UsageError(
            f"holds imprints made with another {other[0]}",
            where=Where(place),
            hint="name another folder, or remove this one: the log is read anew",
        )


def locked(folder: Path) -> IO[bytes]:
    """The lock of a folder, held until it is closed; `UsageError` where another run holds it."""
    lock = (folder / _LOCK).open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise unreadable(folder, error) from error
        where = Where(str(folder))
        raise UsageError("is used by another run", where=where, hint="wait until it has ended") from error
    return lock


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _manifest(folder: Path, made: dict[str, str]) -> _Manifest:
    path = folder / MANIFEST
    if not path.exists():
        return _Manifest(made)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise UnreadableInput(
            "is damaged", where=Where(str(path)), hint="name another folder; what this one keeps is read anew"
        ) from error
    refuse_made_otherwise(found.made_by, made, str(folder))
    # What a lost disk cache or a hand left torn is read anew from the log.
    found.units = [
        unit
        for unit in found.units
        if all(_whole(folder / part.name, part.rows) for part in unit.parts)
        and unit.sink_bytes in (-1, _size(folder / unit.sink))
    ]
    return found


def _size(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def _synced(path: Path) -> None:
    """What a file or folder holds is on disk, if there is one."""
    if not path.exists():
        return
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _whole(path: Path, rows: int) -> bool:
    """Whether a part is there to its end."""
    try:
        with pq.ParquetFile(path) as file:
            return bool(file.metadata.num_rows == rows)
    except (OSError, pa.ArrowException):
        return False


def expected(planned: Iterable[Planned]) -> int | None:
    """Rows that the files say they hold; None where some don't say."""
    rows = 0
    for file in planned:
        if not file.columnar:
            return None
        with pq.ParquetFile(file.file.path) as opened_:
            rows += opened_.metadata.num_rows
    return rows


def units(planned: Iterable[Planned], parts: int = 1) -> list[tuple[Planned, ...]]:
    """What is read at once: large Parquet in groups of rows, small files together, what must be joined as a whole.

    With `parts`, units are so many times smaller.
    """
    planned = list(planned)
    alone = [piece for file in planned if not joins(file) for piece in _cut(file, parts)]
    return [*_joined(planned), *_packed(alone)]


def beside_known(
    planned: Iterable[Planned], known: Iterable[tuple[Source, ...]]
) -> list[tuple[tuple[Source, ...], tuple[Planned, ...]]]:
    """The units of a log with their sources, in order of the log: those that are known, and of the rest new ones.

    So files that come or go leave the units of all others whole.
    """
    planned = list(planned)
    alone = [each for file in planned if not joins(file) for each in _cut(file, 1)]
    pieces = {sources_of([piece])[0]: piece for piece, _ in alone}
    place = {source: at for at, source in enumerate(pieces)}
    left = dict(zip(pieces, (share for _, share in alone), strict=True))
    chosen: list[tuple[Source, ...]] = []
    for sources in known:
        if sources and all(source in left for source in sources):
            chosen.append(sources)
            for source in sources:
                del left[source]
    chosen += _packed(left.items())
    chosen.sort(key=lambda unit: place[unit[0]])
    whole = [(sources_of(unit), unit) for unit in _joined(planned)]
    return whole + [(unit, tuple(pieces[source] for source in unit)) for unit in chosen]


def _joined(planned: Sequence[Planned]) -> list[tuple[Planned, ...]]:
    """Files that belong together, by format."""
    files = sorted((file for file in planned if joins(file)), key=lambda file: file.format)
    return [tuple(some) for _, some in groupby(files, lambda file: file.format)]


def _packed(pieces: Iterable[tuple[Piece, float]]) -> Iterator[tuple[Piece, ...]]:
    """Pieces of files, each with its share of a unit, as units."""
    waiting: list[Piece] = []
    size = 0.0
    for piece, share in pieces:
        waiting.append(piece)
        size += share
        if size >= 1:
            yield tuple(waiting)
            waiting, size = [], 0.0
    if waiting:
        yield tuple(waiting)


def _cut(file: Planned, parts: int) -> Iterator[tuple[Planned, float]]:
    """Parts of a file, each with its share of a unit."""
    if not file.columnar:
        yield file, file.file.path.stat().st_size * parts / UNIT_BYTES
        return
    with pq.ParquetFile(file.file.path) as opened_:
        sizes = [opened_.metadata.row_group(at).num_rows for at in range(opened_.metadata.num_row_groups)]
    for groups, rows in cut(sizes, UNIT_ROWS // parts):
        yield replace(file, groups=groups), rows * parts / UNIT_ROWS


def cut(sizes: Sequence[int], most: int) -> Iterator[tuple[tuple[int, int] | None, int]]:
    """Groups of rows of a file (their sizes) in pieces of about `most` rows: from which to before which (None: all)."""
    if sum(sizes) <= most:
        yield None, sum(sizes)
        return
    begin, rows = 0, 0
    for at, size in enumerate(sizes):
        rows += size
        if rows >= most or at == len(sizes) - 1:
            yield (begin, at + 1), rows
            begin, rows = at + 1, 0


def sources_of(unit: Sequence[Planned]) -> tuple[Source, ...]:
    """The files of a unit as they are now."""
    out = []
    for planned in unit:
        status = planned.file.path.stat()
        path = str(planned.file.path.resolve())
        out.append(Source(path, status.st_size, status.st_mtime_ns, planned.format, planned.groups))
    return tuple(out)
