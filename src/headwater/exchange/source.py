"""Files and folders as decoded records, each with its place.

Knows Parquet, JSON lines, JSON documents and CSV, compressed or not; knows nothing of what a record means. A
record that cannot be decoded is yielded as a BadRow in its place, and reading goes on behind it. Rows are
counted from 1: lines in JSON lines, values in a JSON document, rows without the header in CSV and Parquet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Literal

from headwater.errors import BadRow, UnreadableInput, Where, unreadable
from headwater.exchange import parquet, sheets, streams
from headwater.exchange.decoding import DecodingError, decode
from headwater.exchange.times import DAY_US

Kind = Literal["parquet", "lines", "document", "sheet"]

_KINDS: Final[dict[str, Kind]] = {
    ".parquet": "parquet",
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".json": "document",
    ".csv": "sheet",
    ".tsv": "sheet",
}
_PACKED: Final = (".gz", ".zst", ".zstd")
_READABLE: Final = f"readable are {', '.join(_KINDS)}; text also packed as {' or '.join(_PACKED[:2])}"
#: Keys under which an API's answer keeps the list of records that was asked for.
_LISTS: Final = ("data", "items", "records", "rows", "logs", "results")

#: Files that describe a folder's data and are no log.
_MANIFESTS: Final = ("croissant.json",)
#: Blocks in which the end of a .json file's first line is looked for.
_LOOK_AHEAD: Final = 256
_CONVERT: Final = "convert it to UTF-8, for example with iconv"


@dataclass(frozen=True)
class LogFile:
    """One file to read. `latest_us`: no time in it can be later (a day after the file was last touched).

    `walked`: it was found in a folder, and nobody named it.
    """

    path: Path
    kind: Kind
    latest_us: int
    walked: bool = False

    @property
    def name(self) -> str:
        """The path as messages show it."""
        return str(self.path)


def files(paths: Iterable[str | Path]) -> list[LogFile]:
    """The files under `paths`: given ones as they are, folders recursively in order of name.

    In folders only known extensions count; names that begin with "." or "_" are passed over, and manifests. A file that
    has several names by links is read once, under the first. Raises UnreadableInput where a path is missing, is of no
    known kind, or a folder holds nothing to read.
    """
    found: dict[Path, LogFile] = {}
    named = [Path(given) for given in paths]
    for given in named:
        for inner in _inside(given):
            place = inner.resolve()
            if place not in found:
                found[place] = _opened(inner, walked=inner not in named)
    return list(found.values())


def _inside(path: Path) -> list[Path]:
    """The files that a path stands for."""
    where = Where(str(path))
    if path.is_dir():
        try:
            inside = [inner for inner in _walk(path) if _kind_by_name(inner) is not None]
        except OSError as error:
            raise unreadable(path, error) from error
        if not inside:
            raise UnreadableInput("holds no log files", where=where, hint=_READABLE)
        return inside
    if path.is_file():
        return [path]
    if path.exists():
        raise UnreadableInput(
            "is not a regular file", where=where, hint="write what it gives to a file first"
        )
    raise unreadable(path, FileNotFoundError())


def records(file: LogFile) -> Iterator[tuple[Where, object] | BadRow]:
    """Decoded records of a file, or a BadRow for one that cannot be decoded. Raises UnreadableInput."""
    try:
        if file.kind == "parquet":
            yield from parquet.parquet_records(file.path)
        elif file.kind == "sheet":
            yield from sheets.csv_records(file.path)
        elif file.kind == "document" and not holds_lines(file.path):
            yield from _document(file)
        else:
            yield from _lines(file)
    except OSError as error:
        raise unreadable(file.path, error) from error


def _lines(file: LogFile) -> Iterator[tuple[Where, object] | BadRow]:
    number = 0
    try:
        for number, line in enumerate(streams.lines(streams.blocks(file.path)), 1):
            if number == 1 and line:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line is None or line.strip():
                yield _record(file, number, line)
    except streams.TornError as torn:
        yield BadRow(str(torn), Where(file.name, number + 1), _torn_hint(number))


def _document(file: LogFile) -> Iterator[tuple[Where, object] | BadRow]:
    cutter = streams.Cutter()
    number = 0
    try:
        for block in _without_mark(streams.blocks(file.path)):
            for record in cutter.feed(block):
                number += 1
                yield from _unwrapped(_record(file, number, record))
        for record in cutter.finish():
            number += 1
            yield from _unwrapped(_record(file, number, record))
    except streams.TornError as torn:
        yield BadRow(str(torn), Where(file.name, number + 1), _torn_hint(number))
        return
    if rest := cutter.rest:
        whole = _record(file, number + 1, rest)
        yield BadRow("ends inside a record", whole.where) if isinstance(whole, BadRow) else whole


def _record(file: LogFile, number: int, data: bytes | None) -> tuple[Where, object] | BadRow:
    where = Where(file.name, number)
    if data is None:
        return streams.too_long(where)
    try:
        return where, decode(data)
    except DecodingError as fault:
        return BadRow(str(fault), where)


def _unwrapped(record: tuple[Where, object] | BadRow) -> Iterator[tuple[Where, object] | BadRow]:
    """The records of lists that are wrapped as an API's answer, counted from 1; others as they are."""
    if not isinstance(record, BadRow) and isinstance(held := record[1], dict) and "id" not in held:
        lists = [inside for key in _LISTS if isinstance(inside := held.get(key), list) and inside]
        if any(all(isinstance(value, dict) for value in inside) for inside in lists):
            values = (value for inside in lists for value in inside)
            yield from ((Where(record[0].file, number), value) for number, value in enumerate(values, 1))
            return
    yield record


def _without_mark(source: Iterator[bytes]) -> Iterator[bytes]:
    for block in source:
        yield block.removeprefix(b"\xef\xbb\xbf")
        break
    yield from source


def holds_lines(path: Path) -> bool:
    """Whether a .json file is JSON lines in truth: its first line is a whole object and there is another."""
    begun: list[bytes] = []
    try:
        for block in islice(streams.blocks(path), _LOOK_AHEAD):
            begun.append(block)
            if b"\n" in block:
                break
    except streams.TornError:
        pass
    first, separator, other = b"".join(begun).removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    if not separator or not other.strip() or not first.strip().startswith(b"{"):
        return False
    try:
        decode(first)
    except DecodingError:
        return False
    return True


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")) or path.name in _MANIFESTS:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        elif path.is_file():
            yield path


def _kind_by_name(path: Path) -> Kind | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return _KINDS.get(suffixes[-1]) if suffixes else None


def _opened(path: Path, *, walked: bool) -> LogFile:
    try:
        kind = _kind_by_name(path)
        if kind != "parquet":
            kind = _kind_by_content(path, kind)
        if kind is None:
            raise UnreadableInput("is of no kind that can be read", where=Where(str(path)), hint=_READABLE)
        touched = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    # The later of the two: archives and images restore old modification times, never the change of the inode.
    latest = max(touched.st_mtime_ns, touched.st_ctime_ns) // 1000 + DAY_US
    return LogFile(path, kind, latest, walked)


def _kind_by_content(path: Path, named: Kind | None) -> Kind | None:
    """The kind of a text file by its name, or by how it begins where the name does not tell."""
    try:
        begun = next(streams.blocks(path), b"")
    except streams.TornError:
        return named
    if begun.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableInput("is UTF-16", where=Where(str(path)), hint=_CONVERT)
    if named is not None:
        return named
    if begun.startswith(b"PAR1"):
        return "parquet"
    first = begun.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "document" if first in (b"{", b"[") else None


def _torn_hint(number: int) -> str:
    return f"the {number:,} rows before it were read; fetch the file again for the rest"
