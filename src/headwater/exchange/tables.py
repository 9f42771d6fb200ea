"""Our own Parquet, column by column: no Python per row where the types are right.

A column of another type is cast by Arrow where that means the same as the rules of `values`, and value by
value where it does not; a column that a file lacks is null. Rows that cannot be used are set aside one by
one, by the same rules and with the same words as rows from any other format.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute

from headwater.errors import BadRow, Where
from headwater.exchange.aside import SetAside
from headwater.exchange.model import IMPRINT_TYPE, Column, schema_of
from headwater.exchange.parquet import parquet_batches
from headwater.exchange.rows import MISSING, NO_PROMPT, NO_ZONE, Checker, Rules, time_fault
from headwater.exchange.source import LogFile
from headwater.exchange.times import TOO_LARGE, UNITS
from headwater.exchange.values import SHORT, lacks_a_part

#: Columns here are of many types, which pyarrow's stubs would have told apart.
Array = Any
pc: Any = pyarrow.compute

_UTF8: Final = "is not valid UTF-8"
#: Times of each unit that fit into microseconds.
_FARTHEST: Final = {unit: min((1 << 62) * by // times, (1 << 63) - 1) for unit, (times, by) in UNITS.items()}


def own_batches(
    file: LogFile, rules: Rules, aside: SetAside, rows: int, groups: tuple[int, int] | None = None
) -> Iterator[pa.RecordBatch]:
    """A Parquet file's good rows in the full schema of `rules.columns`; of `groups` of rows only, where given."""
    names = frozenset(column.name for column in rules.columns)
    for part in parquet_batches(file.path, rows, names, groups):
        if isinstance(part, BadRow):
            aside.add(part)
            continue
        done, batch = part
        good = Conforming(file.name, done, rules, aside).conformed(batch)
        if good.num_rows:
            yield good


class Conforming:
    """One batch on its way into the schema."""

    def __init__(self, file: str, done: int, rules: Rules, aside: SetAside) -> None:
        self._file = file
        self._done = done
        self._rules = rules
        self._aside = aside
        self._checker = Checker(rules, aside)
        self._why: dict[str, dict[int, str]] = {}  # column -> row in batch -> what is wrong with its value
        self._broken: dict[int, tuple[str, str]] = {}  # rows whose bytes cannot be decoded: (column, what)

    def conformed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The good rows of `batch`, which may have any columns; the others are set aside."""
        names = batch.schema.names
        arrays: dict[str, Array] = {}
        for column in self._rules.columns:
            if column.name in names:
                array = self._column(batch.column(names.index(column.name)), column)
            else:
                array = _nulls(batch.num_rows, column.type)
            arrays[column.name] = self._with_default(array, column)
        gone = self._gone(arrays)
        schema = schema_of(self._rules.columns)
        if not gone:
            return pa.RecordBatch.from_arrays([*arrays.values()], schema=schema)
        keep = np.ones(batch.num_rows, dtype=bool)
        keep[[*gone]] = False
        good = [array.filter(pa.array(keep)) for array in arrays.values()]
        return pa.RecordBatch.from_arrays(good, schema=schema)

    def _gone(self, arrays: dict[str, Array]) -> dict[int, tuple[str, str]]:
        """Rows that cannot stay: the column and what is wrong with it; also notes what was left empty."""
        gone: dict[int, tuple[str, str]] = {}
        if self._rules.exchanges and arrays["prompt"].null_count and arrays["imprint"].null_count:
            for row in _rows_of(pc.and_(arrays["prompt"].is_null(), arrays["imprint"].is_null())):
                what = self._fault("prompt", row) or self._fault("imprint", row) or NO_PROMPT
                gone[row] = ("prompt", what)
        required = [column.name for column in self._rules.columns if column.required]
        for name in reversed(required):  # of several faults the first required column is named
            for row in _rows_of(arrays[name].is_null()) if arrays[name].null_count else ():
                gone[row] = (name, self._fault(name, row) or MISSING)
        gone.update(self._broken)
        for row in sorted(gone):
            name, what = gone[row]
            self._aside.add(self._checker.refusal(name, what, self._where(row, name)))
        for name, faults in self._why.items():
            for row, what in faults.items():
                if row not in gone:
                    self._aside.note(f"{what}; left empty", self._where(row, name))
        return gone

    def _with_default(self, array: Array, column: Column) -> Array:
        default = self._rules.defaults.get(column.name)
        if default is None or not array.null_count:
            return array
        filled = pc.fill_null(array, pa.scalar(default, column.type))
        if not (faults := self._why.get(column.name)):
            return filled
        wrong = np.zeros(len(array), dtype=bool)  # a value that is wrong is not one that is lacking
        wrong[[*faults]] = True
        return pc.if_else(pa.array(wrong), pa.scalar(None, column.type), filled)

    def _fault(self, name: str, row: int) -> str | None:
        return self._why.get(name, {}).get(row)

    def _where(self, row: int, name: str) -> Where:
        return Where(self._file, self._done + row + 1, name)

    def _column(self, held: Array, column: Column) -> Array:
        """`held` as this column's type, null where a value cannot be used (see `_why`)."""
        kind = column.type
        if pa.types.is_dictionary(held.type):
            if (array := _by_dictionary(held, kind)) is not None:
                return array
            held = _decoded(held)
        if pa.types.is_null(held.type):
            return _nulls(len(held), kind)
        try:
            if pa.types.is_timestamp(kind):
                return self._times(held, column)
            if _is_text(held.type) and _is_text(kind):
                return _text(held, kind)
            if kind == IMPRINT_TYPE:
                return _imprints(held)
            if held.type == kind or _same_meaning(held.type, kind):
                return _number(held, kind)
        except (pa.ArrowException, UnicodeDecodeError):
            pass  # some value does not fit: find out which
        return self._one_by_one(held, column)

    def _times(self, held: Array, column: Column) -> Array:
        if pa.types.is_timestamp(held.type):
            held = self._in_micros(held, column)
            if held.type.tz is None and self._rules.zone is not UTC:
                return self._one_by_one(held, column)
            if held.type.tz is None and (present := len(held) - held.null_count):
                what = NO_ZONE.format(zone=self._rules.zone)
                self._aside.note(what, self._where(0, column.name), present)
            numbers = held.cast(pa.int64())
        elif pa.types.is_integer(held.type):
            numbers = _epochs(held.cast(pa.int64()))
        else:
            return self._one_by_one(held, column)
        bounds = pc.min_max(numbers).as_py()
        for end in ("min", "max"):
            if bounds[end] is None or time_fault(bounds[end], self._rules) is None:
                continue
            beyond = pc.less(numbers, self._rules.earliest_us)
            if end == "max":
                beyond = pc.greater(numbers, self._rules.latest_us)
            what = time_fault(bounds[end], self._rules) or ""
            self._why.setdefault(column.name, {}).update(dict.fromkeys(_rows_of(beyond), what))
            numbers = pc.if_else(beyond, pa.scalar(None, pa.int64()), numbers)
        return numbers.cast(column.type)

    def _in_micros(self, held: Array, column: Column) -> Array:
        """Times in microseconds; null where they are too far away to be counted so (a cast would wrap)."""
        numbers = held.cast(pa.int64())
        most = _FARTHEST[held.type.unit]
        beyond = pc.or_(pc.greater(numbers, most), pc.less(numbers, -most))
        if rows := _rows_of(beyond):
            self._why.setdefault(column.name, {}).update(dict.fromkeys(rows, TOO_LARGE))
            held = pc.if_else(beyond, pa.scalar(None, held.type), held)
        return held.cast(pa.timestamp("us", held.type.tz), safe=False)

    def _one_by_one(self, held: Array, column: Column) -> Array:
        """Values by the rules of any other format; slow, and only for columns that need it."""
        values: list[object] = []
        for row, scalar in enumerate(held):
            found: dict[str, object] = {}
            try:
                value = scalar.as_py()
                if isinstance(value, bytes):
                    value = value.decode()
                found, faults = self._checker.converted({column.name: value}, self._where(row, column.name))
                if faults:
                    self._why.setdefault(column.name, {})[row] = faults[column.name]
            except UnicodeDecodeError:
                self._broken.setdefault(row, (column.name, _UTF8))
            except (ValueError, OverflowError, pa.ArrowException):
                self._why.setdefault(column.name, {})[row] = "is a value out of range"
            values.append(found.get(column.name))
        return pa.array(values, column.type)


def _nulls(size: int, kind: Any) -> Array:
    return pa.nulls(size, kind)


def _rows_of(mask: Array) -> list[int]:
    """Rows where a mask is true (not null)."""
    return [int(row) for row in pc.indices_nonzero(mask).to_numpy()]


def _is_text(kind: pa.DataType) -> bool:
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return bool(text)


def _by_dictionary(held: Array, kind: pa.DataType) -> Array | None:
    """Texts that repeat, each checked once; None where one breaks the rules, or few of them are used."""
    if not (_is_text(held.dictionary.type) and _is_text(kind)) or len(held.dictionary) > len(held):
        return None
    try:
        return _text(held.dictionary, kind).take(held.indices)
    except (pa.ArrowException, UnicodeDecodeError):
        return None


def _decoded(held: Array) -> Array:
    """A dictionary's values in their rows; short offsets would overflow where a long text repeats."""
    values = held.dictionary
    return (values.cast(pa.large_string()) if pa.types.is_string(values.type) else values).take(held.indices)


def _same_meaning(held: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether Arrow's cast does what `values` does: numbers among themselves, whole numbers to text."""
    number = pa.types.is_integer(held) or pa.types.is_floating(held)
    if pa.types.is_integer(wanted) or pa.types.is_floating(wanted):
        return bool(number)
    return bool(pa.types.is_string(wanted) and pa.types.is_integer(held))


def _text(held: Array, kind: pa.DataType) -> Array:
    """Text in the width of its column, empty short texts as null; raises where a value breaks the rules."""
    held.validate(full=True)
    array = held.cast(kind)
    if pa.types.is_large_string(kind):
        return array
    lengths = pc.min_max(pc.binary_length(array)).as_py()
    if (lengths["max"] or 0) > SHORT:
        raise pa.ArrowInvalid("a text is too long")
    if lengths["min"] == 0:
        return pc.if_else(pc.equal(array, ""), pa.scalar(None, kind), array)
    return array


def _number(held: Array, kind: Any) -> Array:
    """Numbers (or their digits) in another width, NaN and infinity as null; raises where one does not fit."""
    cast = held.cast(kind, safe=not pa.types.is_floating(kind))
    if not pa.types.is_floating(kind) or pc.all(pc.is_finite(cast)).as_py() is not False:
        return cast
    if pa.types.is_floating(held.type) and not pc.is_finite(held).equals(pc.is_finite(cast)):
        raise pa.ArrowInvalid("a number is out of range")
    return pc.if_else(pc.is_finite(cast), cast, pa.scalar(None, kind))


def _imprints(held: Array) -> Array:
    """Imprints with all their parts; raises where one lacks a part."""
    whole = held.cast(IMPRINT_TYPE)
    if lacks_a_part(whole.drop_null()):
        raise pa.ArrowInvalid("an imprint lacks a part")
    return whole


def _epochs(held: Array) -> Array:
    """Microseconds of epoch numbers whose unit is told by magnitude, as `times.instant` does."""
    numbers = held.fill_null(0).to_numpy()
    size = np.abs(numbers.astype(float))  # the smallest whole number has no positive one
    found = np.select(
        [size < 100_000_000_000, size < 10**14, size < 10**17],
        [numbers * 1_000_000, numbers * 1_000, numbers],
        numbers // 1_000,
    )
    return pa.array(found, mask=held.is_null().to_numpy(zero_copy_only=False))
