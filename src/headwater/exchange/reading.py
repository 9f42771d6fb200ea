"""Anybody's logs as record batches in the full exchange schema.

Joins what the other modules do: files (`source`), formats (`formats`, `readers`), checks (`rows`, `tables`).
What cannot be used is set aside and counted, never dropped in silence. Two exchanges with one id are both
handed on: telling duplicates apart needs all of the log at once and belongs to the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

import pyarrow as pa

from headwater.errors import BadRow, ConfigurationError, Where
from headwater.exchange.aside import SetAside
from headwater.exchange.formats import SURE, Plan, Planned, best, confidence, plan
from headwater.exchange.model import EXCHANGE_COLUMNS
from headwater.exchange.outputs import not_read
from headwater.exchange.readers import Finishing, Reader, Record, load, load_all
from headwater.exchange.readers.mapping import MappingReader, load_mapping
from headwater.exchange.rows import Batches, Checker, Rules, defaults_for
from headwater.exchange.source import files, records
from headwater.exchange.tables import own_batches
from headwater.exchange.times import described

BATCH_ROWS = 65_536
HOLDS_ACCOUNTS: Final = "holds accounts and was not read as a log"
#: Rows that are collected one by one before they become a batch: more would leave the processor's caches.
_COLLECTED = 8_192


@dataclass(frozen=True)
class Way:
    """How files are read, apart from which: checks, a mapping, whether each record's format is told. It pickles."""

    rules: Rules
    mapping: MappingReader | None
    auto: bool
    batch_rows: int

    def __call__(self, files: Sequence[Planned], aside: SetAside) -> Iterator[pa.RecordBatch]:
        """Read files; what can't be used goes to `aside`."""
        return _Reading(self.rules, self.mapping, self.auto, self.batch_rows, aside).batches(files)


class Log(Iterable[pa.RecordBatch]):
    """A log that was found and told apart.

    `planned` names each file's format, `accounts` are account tables that lie among the files and aren't read,
    `outputs` reports of our own, likewise.
    """

    def __init__(
        self,
        planned: Plan,
        way: Way,
        aside: SetAside,
    ) -> None:
        self.planned = planned.files
        self.accounts = tuple(file.path for file in planned.accounts)
        self.outputs = tuple(file.path for file in planned.outputs)
        self.way = way
        self._aside = aside

    def of(self, planned: Sequence[Planned], aside: SetAside) -> Iterator[pa.RecordBatch]:
        """Some of the files, or groups of rows of them, read by themselves; what can't be used goes to `aside`."""
        return self.way(planned, aside)

    def passed_over(self, given: Iterable[str | Path] = ()) -> tuple[Path, ...]:
        """Account tables among the files, but for those that are under `given`, because they are read by themselves."""
        known = {file.path.resolve() for file in files(given)}
        return tuple(path for path in self.accounts if path.resolve() not in known)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self.way(self.planned, self._aside)


def open_log(
    paths: Iterable[str | Path],
    *,
    aside: SetAside,
    format: str = "auto",
    mapping: str | Path | Mapping[str, object] | None = None,
    defaults: Mapping[str, object] | None = None,
    zone: tzinfo = UTC,
    batch_rows: int = BATCH_ROWS,
) -> Log:
    """As `read`, and says which files it found and as what they are read."""
    filled = defaults_for(defaults, EXCHANGE_COLUMNS, zone)
    described_by = load_mapping(mapping) if mapping is not None else None
    if described_by is None and format != "auto":
        load(format)  # an unknown name is an error even where every file is our own
    name = described_by.name if described_by else format
    if described_by is not None:
        _check_complete(described_by, filled, mapping)
    planned = plan(paths, format=name, defaults=filled, aside=aside)
    way = Way(Rules(zone=zone, defaults=filled), described_by, format == "auto", batch_rows)
    return Log(planned, way, aside)


def _check_complete(
    reader: MappingReader, defaults: Mapping[str, object], mapping: str | Path | Mapping[str, object] | None
) -> None:
    """Refuse a mapping that can't give what every exchange needs."""
    there = reader.columns | defaults.keys()
    lacking = [column.name for column in EXCHANGE_COLUMNS if column.required and column.name not in there]
    if there.isdisjoint(("prompt", "imprint")):
        lacking.append("prompt")
    if lacking:
        hint = f'write where it is, for example {lacking[0]} = "path.to.it"'
        raise ConfigurationError(
            f"gives no {' and no '.join(lacking)}, without which no row can be used",
            where=Where(None if isinstance(mapping, Mapping) else str(mapping)),
            hint=f"{hint}, or give --set account=NAME (all of it becomes one account: no campaign can be found)"
            if "account" in lacking
            else hint,
        )


def read(
    paths: Iterable[str | Path],
    *,
    aside: SetAside,
    format: str = "auto",
    mapping: str | Path | Mapping[str, object] | None = None,
    defaults: Mapping[str, object] | None = None,
    zone: tzinfo = UTC,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[pa.RecordBatch]:
    """Exchanges of all files and folders in `paths`, in EXCHANGE_SCHEMA, at most `batch_rows` a batch.

    `format` names a reader, or "auto" tells each file's format by its records; `mapping` (a TOML file or its
    content) describes any other. `defaults` fill columns that a log lacks (`{"account": "acme"}`); `zone` is
    that of times that name none, each of which is noted. Rows that cannot be used go to `aside`.

    Files are found, told apart and checked before this returns: UnreadableInput, UsageError and
    ConfigurationError are raised here, not on the way.
    """
    log = open_log(
        paths,
        aside=aside,
        format=format,
        mapping=mapping,
        defaults=defaults,
        zone=zone,
        batch_rows=batch_rows,
    )
    for path in log.accounts:
        aside.note(HOLDS_ACCOUNTS, Where(str(path)))
    for told in not_read(log.outputs):
        aside.note(told, Where())
    return iter(log)


class _Reading:
    """One run over planned files."""

    def __init__(
        self, rules: Rules, mapping: MappingReader | None, auto: bool, rows: int, aside: SetAside
    ) -> None:
        self._rules = rules
        self._rows = rows
        self._aside = aside
        self._mapping = mapping
        #: With "auto", a record that its file's reader does not know may still be another's.
        self._others: list[Reader] = load_all() if auto and mapping is None else []
        self._readers: dict[str, Reader] = {reader.name: reader for reader in self._others}
        if mapping is not None:
            self._readers[mapping.name] = mapping
        self._collected = Batches(EXCHANGE_COLUMNS, aside, min(rows, _COLLECTED))

    def batches(self, planned: Sequence[Planned]) -> Iterator[pa.RecordBatch]:
        latest = max((entry.file.latest_us for entry in planned), default=0)
        for entry in planned:
            if entry.columnar:
                rules = replace(self._rules, latest_us=entry.file.latest_us)
                yield from own_batches(entry.file, rules, self._aside, self._rows, entry.groups)
            else:
                yield from self._file(entry)
        for reader in sorted(self._readers.values(), key=lambda reader: reader.name):
            if isinstance(reader, Finishing):
                yield from self._finish(reader, latest)
        if len(self._collected):
            yield self._collected.take()

    def _reader(self, name: str) -> Reader:
        if name not in self._readers:
            self._readers[name] = load(name)
        return self._readers[name]

    def _checker(self, reader: Reader, latest_us: int) -> Checker:
        rules = replace(self._rules, latest_us=latest_us).hinting(getattr(reader, "hints", None))
        return Checker(rules, self._aside)

    def _file(self, entry: Planned) -> Iterator[pa.RecordBatch]:
        main = self._reader(entry.format)
        checkers: dict[str, Checker] = {}
        for found in records(entry.file):
            if isinstance(found, BadRow):
                self._aside.add(found)
                continue
            where, record = found
            if not isinstance(record, dict):
                self._aside.add(BadRow(f"is {described(record)}, not an object", where))
                continue
            if (reader := self._for(record, main)) is None:
                self._aside.add(BadRow("is of no known format", where))
                continue
            if reader.name not in checkers:
                checkers[reader.name] = self._checker(reader, entry.file.latest_us)
            yield from self._take(_exchanges(reader, record, where), checkers[reader.name])

    def _for(self, record: Record, main: Reader) -> Reader | None:
        """The file's reader, unless it does not know the record and another does."""
        if not self._others or (sure := confidence(main, record)) >= SURE:
            return main
        return best(record, self._others) or (main if sure > 0 else None)

    def _finish(self, reader: Finishing, latest_us: int) -> Iterator[pa.RecordBatch]:
        yield from self._take(_rest(reader), self._checker(reader, latest_us))

    def _take(
        self, found: Iterable[tuple[Where, dict[str, object]] | BadRow], checker: Checker
    ) -> Iterator[pa.RecordBatch]:
        for row in found:
            if isinstance(row, BadRow):
                self._aside.add(row)
                continue
            where, values = row
            if (checked := checker.checked(values, where)) is not None:
                self._collected.add(checked, where)
                if self._collected.full:
                    yield self._collected.take()


def joins(planned: Planned) -> bool:
    """Whether the records of a file may wait for others in another file, so that both must be read together."""
    return not planned.columnar and isinstance(load(planned.format), Finishing)


def _exchanges(
    reader: Reader, record: Mapping[str, object], where: Where
) -> Iterator[tuple[Where, dict[str, object]] | BadRow]:
    """A reader's rows with their place; a reader that raises costs its record, not the run."""
    try:
        for row in reader.exchanges(record, where):
            yield row if isinstance(row, BadRow) else (where, row)
    except Exception as error:  # a stranger's reader may do anything
        yield BadRow(f"could not be read by the reader {reader.name} ({type(error).__name__})", where)


def _rest(reader: Finishing) -> Iterator[tuple[Where, dict[str, object]] | BadRow]:
    try:
        yield from reader.finish()
    except Exception as error:  # as above
        yield BadRow(f"the reader {reader.name} could not finish ({type(error).__name__})")
