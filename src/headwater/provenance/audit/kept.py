"""An audit that was written, read again: its report, one row's annotations, and disputes about rows.

Everything that a person does after an audit goes through here. Nothing here changes an annotation: a dispute is a
record beside it, with the person's reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from headwater.errors import UnreadableInput, UsageError, Where, unreadable
from headwater.provenance.audit.annotations import parts
from headwater.provenance.audit.record import SCHEMA, Group, Report, RowVerdict, written

pc: Any = pyarrow.compute

_NAME_IT = "name the folder that headwater audit wrote"
_AGAIN = "audit the corpus again"
_DISPUTES = "disputes.jsonl"
#: Bytes of a report that are read at most.
_MOST = 1 << 30


class Place(msgspec.Struct, frozen=True):
    """A row of the corpus: the file as the report names it, and its number, counted from 1."""

    file: str
    row: int


class FindingTold(msgspec.Struct, frozen=True):
    """One finding in one row: characters `start` to before `end` of `field`."""

    stage: str
    kind: str
    provider: str | None
    language: str | None
    field: str
    start: int
    end: int


class Dispute(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody's objection to what an audit says of a row, or a person's decision on one.

    `sha256` is the file's, so that the record holds for that state of it and no other.
    `decided`: the verdict that a person gave the row; None while the dispute is open.
    """

    file: str
    row: int
    reason: str
    by: str
    at: datetime
    sha256: str
    finding: str = ""
    decided: RowVerdict | None = None


class RowTold(msgspec.Struct, frozen=True):
    """Everything that an audit says of one row."""

    place: Place
    id: str | None
    verdict: RowVerdict
    contradicted: bool
    groups: tuple[Group, ...]
    findings: tuple[FindingTold, ...]
    disputes: tuple[Dispute, ...]

    @property
    def stands(self) -> RowVerdict | Literal["disputed"]:
        """The verdict after disputes: what a person decided last, else "disputed" while one is open."""
        return standing(self.verdict, self.disputes)


def standing(verdict: RowVerdict, disputes: tuple[Dispute, ...]) -> RowVerdict | Literal["disputed"]:
    """A row's verdict after the disputes about it."""
    if not disputes:
        return verdict
    return disputes[-1].decided or "disputed"


def load_report(folder: Path) -> Report:
    """The report of an audit. Raises UnreadableInput where there is none, or one of another version."""
    place = folder / "audit.json" if folder.is_dir() else folder
    try:
        if place.stat().st_size > _MOST:
            raise UnreadableInput("is larger than 1 GiB", where=Where(str(place)), hint=_NAME_IT)
        data = place.read_bytes()
    except OSError as error:
        if (folder / ".audit-work").is_dir():
            what, hint = "holds an audit that isn't finished", "start the same audit again: it goes on"
            raise UnreadableInput(what, where=Where(str(folder)), hint=hint) from error
        raise unreadable(place, error) from error
    try:
        report = msgspec.json.decode(data, type=Report)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        where = Where(str(place), field=path.rstrip("`").lstrip(".") or None)
        raise UnreadableInput(what, where=where, hint=_NAME_IT) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableInput("is not JSON", where=Where(str(place)), hint=_NAME_IT) from error
    if report.schema_ != SCHEMA:
        raise UnreadableInput("is of another version", where=Where(str(place), field="schema"), hint=_NAME_IT)
    return report


def place_of(text: str, report: Report) -> Place:
    """FILE:ROW as a place in the corpus; a bare ROW where there is only one file. Raises UsageError."""
    name, _, number = text.rpartition(":")
    known = [file.path for file in report.files]
    if not name and len(known) == 1:
        name = known[0]
    if len(number) > 15 or not number.isdecimal() or int(number) < 1:
        raise UsageError("a row is named FILE:ROW, rows counted from 1", hint=f"for example {known[0]}:1")
    if name not in known:
        from difflib import get_close_matches

        near = get_close_matches(name, known, n=1) or known[:1]
        raise UsageError("the audit read no file of that name", hint=f"did you mean {near[0]}:{int(number)}?")
    return Place(name, int(number))


def explain_row(folder: Path, text: str) -> RowTold:
    """What the audit in `folder` says of the row FILE:ROW. Raises UsageError where it has no such row."""
    report = load_report(folder)
    place = place_of(text, report)
    found = _annotation(folder, place)
    if found is None:
        raise UsageError(
            "the audit says nothing of that row",
            where=Where(place.file, place.row),
            hint="it was set aside (see set_aside.jsonl), is blank, or is behind the file's end",
        )
    groups = {group.key: group for group in report.groups}
    return RowTold(
        place,
        found["id"],
        found["verdict"],
        found["contradicted"],
        tuple(_of_row(found, groups)),
        tuple(FindingTold(**one) for one in found["findings"]),
        tuple(one for one in disputes(folder) if (one.file, one.row) == (place.file, place.row)),
    )


def _of_row(found: dict[str, Any], groups: dict[str, Group]) -> Iterator[Group]:
    """A row's groups, each with what claims it in this row alone; an older audit tells only what does in any."""
    keys = found["groups"]
    for key, basis in zip(keys, found.get("basis") or [None] * len(keys), strict=True):
        if key in groups:
            group = groups[key]
            yield group if basis is None else msgspec.structs.replace(group, basis=tuple(basis))


def disputes(folder: Path) -> Iterator[Dispute]:
    """The disputes about files as they were audited, in order; a line whose writing was cut off is passed over."""
    path = folder / _DISPUTES
    if not path.exists():
        return
    yield from _about(path, {(file.path, file.sha256) for file in load_report(folder).files})


def disputed(folder: Path, files: Iterable[tuple[str, str]]) -> int:
    """How many disputes are recorded in `folder` about these files, given by path and SHA-256."""
    path = folder / _DISPUTES
    return sum(1 for _ in _about(path, set(files))) if path.exists() else 0


def _about(path: Path, audited: set[tuple[str, str]]) -> Iterator[Dispute]:
    for line in path.read_bytes().splitlines():
        try:
            one = msgspec.json.decode(line, type=Dispute)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if (one.file, one.sha256) in audited:
            yield one


def dispute(
    folder: Path, text: str, *, reason: str, by: str, at: datetime, decided: RowVerdict | None
) -> RowTold:
    """Record a dispute of a row, or a person's decision on it; the row as it then stands."""
    told = explain_row(folder, text)
    if not reason.strip() or not by.strip():
        raise UsageError("a dispute says why and by whom", hint="--reason TEXT --by NAME")
    digest = next(file.sha256 for file in load_report(folder).files if file.path == told.place.file)
    one = Dispute(told.place.file, told.place.row, reason.strip(), by.strip(), at, digest, decided=decided)
    with (folder / _DISPUTES).open("a+b") as file:
        file.seek(max(0, file.tell() - 1))
        torn = file.read() not in (b"", b"\n")
        file.write((b"\n" if torn else b"") + msgspec.json.encode(one) + b"\n")
    report = load_report(folder)
    fresh = folder / "audit.json.new"
    counted = msgspec.structs.replace(report, disputes=report.disputes + 1)
    fresh.write_bytes(written(counted))
    fresh.replace(folder / "audit.json")
    return msgspec.structs.replace(told, disputes=(*told.disputes, one))


def check_annotations(folder: Path) -> None:
    """UnreadableInput where annotations are damaged, or not all there."""
    rows = 0
    for path in parts(folder):
        try:
            rows += pq.read_metadata(path).num_rows
        except (pa.ArrowException, OSError) as error:
            raise UnreadableInput("is damaged", where=Where(str(path)), hint=_AGAIN) from error
    if rows != load_report(folder).rows:
        raise UnreadableInput("lacks annotations", where=Where(str(folder)), hint=_AGAIN)


def _annotation(folder: Path, place: Place) -> dict[str, Any] | None:
    check_annotations(folder)
    for path in parts(folder):
        file = pq.ParquetFile(path)
        column = file.schema_arrow.names.index("row")
        groups = [
            at
            for at in range(file.num_row_groups)
            if (told := file.metadata.row_group(at).column(column).statistics) is None
            or (told.min or 0) <= place.row <= (told.max or place.row)
        ]
        if not groups:
            continue
        table = file.read_row_groups(groups)
        here = pc.equal(table["row"], place.row)
        for row in table.filter(here).to_pylist():
            if row["file"] == place.file:
                return row
    return None
