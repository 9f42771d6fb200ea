"""Rows from readers, checked and collected into Arrow batches.

A required column that is missing or cannot be used sets its row aside; any other value that cannot be used
is left empty and counted. Tables that are already columns take the faster way (`tables`) by the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from difflib import get_close_matches
from typing import Any, Final

import pyarrow as pa

from headwater.errors import BadRow, UsageError, Where
from headwater.exchange.aside import SetAside
from headwater.exchange.model import EXCHANGE_COLUMNS, ONE_ACCOUNT, Column, schema_of
from headwater.exchange.times import EARLIEST_US, TimeFormatError, instant
from headwater.exchange.values import ValueFaultError, converter

#: Characters of long texts after which a batch is closed, however few its rows.
_TEXT: Final = 64 << 20

SKEW: Final = "lies more than a day after the file was written"
EARLY: Final = "lies before 2015"
ANCIENT: Final = "lies before 1970"
NO_ZONE: Final = "names no time zone and was read as {zone}"
NO_PROMPT: Final = "is missing, and so is its imprint"
MISSING: Final = "is missing"
HALF_PAIR: Final = "holds half of a surrogate pair, which was replaced"
_TIME_HINT: Final = "times are ISO 8601 with an offset, or seconds, ms, µs or ns since 1970"
_CLOCK_HINT: Final = "check its unit, and the clock of the machine that wrote it"

HINTS: Final[Mapping[str, str]] = {
    "id": "name the field that identifies a request in a mapping file (--mapping)",
    "at": "name the field that holds the time in a mapping file (--mapping), or give --set at=TIME",
    "account": f"name its field in a mapping file (--mapping), or {ONE_ACCOUNT}",
    "prompt": "turn on the logging of prompts where this log is written, or read imprints",
}


@dataclass(frozen=True)
class Rules:
    """What a table's values must be: its columns, and what fills or reads them.

    `zone`: zone of times that name none. `defaults`: values for columns that a row lacks, already converted
    (see `defaults_for`). `latest_us`: later times are clock errors; `hints`: per required column, what to do.
    """

    columns: tuple[Column, ...] = EXCHANGE_COLUMNS
    zone: tzinfo = UTC
    defaults: Mapping[str, object] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=lambda: HINTS)
    latest_us: int = 1 << 62

    @property
    def exchanges(self) -> bool:
        """Whether these are exchanges, which need a prompt or its imprint."""
        return self.columns is EXCHANGE_COLUMNS

    @property
    def earliest_us(self) -> int:
        """Exchanges begin in 2015; accounts may be older than that."""
        return EARLIEST_US if self.exchanges else 0

    def hinting(self, hints: object) -> Rules:
        """These rules with a reader's own hints before the general ones."""
        return replace(self, hints={**HINTS, **hints}) if isinstance(hints, Mapping) and hints else self


def time_fault(at_us: int, rules: Rules) -> str | None:
    """Why a time cannot be right, if so."""
    if at_us < rules.earliest_us:
        return EARLY if rules.exchanges else ANCIENT
    return SKEW if at_us > rules.latest_us else None


def defaults_for(
    given: Mapping[str, object] | None, columns: tuple[Column, ...], zone: tzinfo
) -> dict[str, object]:
    """Converted values for columns that a log lacks (`--set account=NAME`); UsageError for what cannot be."""
    rules = Rules(columns=columns, zone=zone)
    names = [column.name for column in columns]
    made: dict[str, object] = {}
    for name, value in (given or {}).items():
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"columns are {', '.join(names)}"
            raise UsageError(f"there is no column {name} to set", hint=hint)
        aside = SetAside()
        found, faults = Checker(rules, aside).converted({name: value}, Where())
        if faults:
            raise UsageError(f"the value given for {name} {faults[name]}")
        made.update(found)
    return made


class Checker:
    """Turns one row after another into values of the right type, or sets it aside."""

    def __init__(self, rules: Rules, aside: SetAside) -> None:
        self.rules = rules
        self._aside = aside
        self._no_zone = NO_ZONE.format(zone=rules.zone)
        times = {column.name for column in rules.columns if pa.types.is_timestamp(column.type)}
        self._times = frozenset(times)
        self._required = tuple(column.name for column in rules.columns if column.required)
        self._convert = {c.name: converter(c.type) for c in rules.columns if c.name not in times}

    def checked(self, row: Mapping[str, object], where: Where) -> dict[str, object] | None:
        """The row's values, times in microseconds; None where it was set aside."""
        found, faults = self.converted(row, where)
        for name, value in self.rules.defaults.items():
            if found.get(name) is None and name not in faults:
                found[name] = value
        for name in self._required:
            if found.get(name) is None:
                self._aside.add(self.refusal(name, faults.get(name, MISSING), where))
                return None
        if self.rules.exchanges and found.get("prompt") is None and found.get("imprint") is None:
            what = faults.get("prompt") or faults.get("imprint") or NO_PROMPT
            self._aside.add(self.refusal("prompt", what, where))
            return None
        for name, what in faults.items():
            self._aside.note(f"{what}; left empty", replace(where, field=name))
        return found

    def converted(self, row: Mapping[str, object], where: Where) -> tuple[dict[str, object], dict[str, str]]:
        """What could be converted, and what is wrong with the rest, by column."""
        found: dict[str, object] = {}
        faults: dict[str, str] = {}
        for name, value in row.items():
            if value is None:
                continue
            convert = self._convert.get(name)
            try:
                if convert is not None:
                    found[name] = convert(value)
                elif name in self._times and value != "":
                    found[name] = self._time(name, value, where)
            except (ValueFaultError, TimeFormatError) as fault:
                faults[name] = str(fault)
        return found, faults

    def _time(self, name: str, value: object, where: Where) -> int:
        at_us, naive = instant(value, zone=self.rules.zone)
        if fault := time_fault(at_us, self.rules):
            raise ValueFaultError(fault)
        if naive:
            self._aside.note(self._no_zone, replace(where, field=name))
        return at_us

    def refusal(self, name: str, what: str, where: Where) -> BadRow:
        """The entry for a row that is set aside because of its column `name`, with what to do."""
        hint = None
        if what in (MISSING, NO_PROMPT):
            hint = self.rules.hints.get(name)
        elif name in self._times:
            hint = _CLOCK_HINT if what in (SKEW, EARLY, ANCIENT) else _TIME_HINT
        return BadRow(what, replace(where, field=name), hint)


class Batches:
    """Collects checked rows; a batch is `full` after so many rows, or so much text."""

    def __init__(self, columns: tuple[Column, ...], aside: SetAside, rows: int) -> None:
        self._columns = columns
        self._schema = schema_of(columns)
        self._aside = aside
        self._most = rows
        self._rows: list[dict[str, object]] = []
        self._places: list[Where] = []
        self._text = 0
        self._long = [column.name for column in columns if pa.types.is_large_string(column.type)]

    def add(self, row: dict[str, object], where: Where) -> None:
        """One checked row."""
        self._rows.append(row)
        self._places.append(where)
        for name in self._long:
            text = row.get(name)
            if isinstance(text, str):
                self._text += len(text)

    @property
    def full(self) -> bool:
        """Whether it is time to take the batch."""
        return len(self._rows) >= self._most or self._text >= _TEXT

    def take(self) -> pa.RecordBatch:
        """The rows so far as one batch, and begin again."""
        arrays = [self._array(column) for column in self._columns]
        self._rows, self._places, self._text = [], [], 0
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def __len__(self) -> int:
        return len(self._rows)

    def _array(self, column: Column) -> Any:
        name = column.name
        values = [row.get(name) for row in self._rows]
        try:
            return pa.array(values, column.type)
        except UnicodeEncodeError:
            return pa.array([self._whole(value, name, at) for at, value in enumerate(values)], column.type)

    def _whole(self, value: object, name: str, at: int) -> object:
        if not isinstance(value, str):
            return value
        plain = value.encode("utf-8", "replace").decode()
        if plain != value:
            self._aside.note(HALF_PAIR, replace(self._places[at], field=name))
        return plain
