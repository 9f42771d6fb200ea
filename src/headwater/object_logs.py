"""Logs in object stores: Parquet of our own under a prefix, in folders such as `day=2026-01-02/` or without.

Footers are read where the run is planned; the rows of a unit are copied to the executor that reads it, byte range by
byte range into a sparse file, so that the same readers and checks see the same file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from headwater import kept
from headwater.engine.spark import Store
from headwater.errors import BadRow, UnreadableInput, Where
from headwater.exchange import Planned, SetAside, is_annotated, own, own_columns
from headwater.kept import Source

#: No time in a log is later than a day after its file was written.
_DAY_US = 86_400_000_000
_AT_ONCE = 16
_BLOCK = 8 << 20
_NO_PARQUET = "is no Parquet file, or was torn: its footer cannot be read"
_NOT_OURS = "is Parquet of no known format"
_ONLY = "only Headwater's own Parquet is read from object stores: headwater ingest makes it"


@dataclass(frozen=True)
class _Object:
    source: Source
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Objects:
    """Parquet objects of a log, in order of their names, with the rows of their groups; and our own reports there."""

    found: tuple[_Object, ...] = ()
    outputs: tuple[str, ...] = ()

    def units(self, parts: int) -> Iterator[tuple[Source, ...]]:
        """What is read at once: large objects in groups of rows, small ones together."""
        waiting: list[Source] = []
        held = 0
        for each in self.found:
            for groups, rows in kept.cut(each.rows, kept.UNIT_ROWS // parts):
                waiting.append(Source(*_identity(each.source), groups))
                held += rows
                if held >= kept.UNIT_ROWS // parts:
                    yield tuple(waiting)
                    waiting, held = [], 0
        if waiting:
            yield tuple(waiting)


def _identity(source: Source) -> tuple[str, int, int, str]:
    return source.path, source.size, source.mtime_ns, source.format


def objects(uris: Sequence[str], defaults: Mapping[str, object], aside: SetAside) -> Objects:
    """The Parquet objects under some URIs. Those that can't be read are set aside as one row each.

    Raises `UnreadableInput` where there is none that can, or something else than Parquet lies there.
    """
    found: list[_Object] = []
    outputs: list[str] = []
    lost: list[UnreadableInput] = []
    for uri in dict.fromkeys(uris):
        store = Store(uri)
        named = _named(store)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            footers = list(pool.map(lambda name, at=store: _footer(at, name), named))
        for (name, info), footer in zip(named.items(), footers, strict=True):
            where = Where(store.place(name) if name else store.name)
            if footer is None:
                lost.append(UnreadableInput(_NO_PARQUET, where=where, hint="write it again"))
            elif is_annotated(footer.schema.to_arrow_schema()):
                outputs.append(str(where))
            elif not own_columns(footer.schema.to_arrow_schema().names, defaults):
                lost.append(UnreadableInput(_NOT_OURS, where=where, hint=_ONLY))
            else:
                sizes = tuple(footer.row_group(at).num_rows for at in range(footer.num_row_groups))
                found.append(
                    _Object(Source(store.uri_of(name), info.size, info.mtime_ns or 0, "headwater"), sizes)
                )
    if lost and not found:
        raise lost[0]
    for error in lost:
        aside.add(BadRow(error.what, error.where, error.hint))
    return Objects(tuple(found), tuple(outputs))


def _named(store: Store) -> dict[str, fs.FileInfo]:
    """The objects under a prefix, or the one that it names; those named like scratch files are passed over."""
    one = store.info("")
    if one is not None:
        return {"": one}
    every = store.files()
    if not every:
        raise UnreadableInput("holds no log files", where=Where(store.name), hint="check bucket and prefix")
    seen = {
        name: info
        for name, info in every.items()
        if not any(part.startswith((".", "_")) for part in name.split("/"))
    }
    named = {name: info for name, info in seen.items() if name.lower().endswith(".parquet")}
    if not named:
        raise UnreadableInput("holds no Parquet", where=Where(store.name), hint=_ONLY)
    return named


def _footer(store: Store, name: str) -> pq.FileMetaData | None:
    try:
        with store.system.open_input_file(store.path(name)) as file:
            return pq.read_metadata(file)
    except (OSError, pa.ArrowException):
        return None


def planned_as(source: Source, copy: Path) -> Planned:
    """A copied object as a file to read."""
    return own(copy, source.mtime_ns // 1000 + _DAY_US, source.groups)


def sparse_copy(source: Source, place: Path) -> Path:
    """A file as long as the object that holds its footer and its groups of rows, at their places. Returns `place`."""
    store = Store(source.path)
    try:
        with store.system.open_input_file(store.path("")) as file, place.open("wb") as out:
            out.truncate(file.size())
            for begin, end in _ranges(file, source.groups):
                for at in range(begin, end, _BLOCK):
                    file.seek(at)
                    out.seek(at)
                    out.write(file.read(min(_BLOCK, end - at)))
    except (OSError, pa.ArrowException) as error:
        where = Where(store.name)
        raise UnreadableInput(f"cannot be read ({type(error).__name__})", where=where) from error
    return place


def _ranges(file: Any, groups: tuple[int, int] | None) -> Iterator[tuple[int, int]]:
    """Bytes of the object that are needed, from and to before."""
    size = file.size()
    if groups is None:
        yield 0, size
        return
    metadata = pq.read_metadata(file)
    file.seek(max(0, size - 8))
    yield max(0, size - 8 - int.from_bytes(file.read(4), "little")), size
    for at in range(*groups):
        group = metadata.row_group(at)
        for column in map(group.column, range(group.num_columns)):
            begin = column.data_page_offset
            if column.has_dictionary_page and column.dictionary_page_offset:
                begin = min(begin, column.dictionary_page_offset)
            yield begin, begin + column.total_compressed_size
