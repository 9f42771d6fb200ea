"""Records as rows of the exchange's columns, by day: what a journal's file becomes before it is written as Parquet.

Values follow the rules of any other log. What no row can be made of is set aside and counted. Where only imprints are
kept, no text leaves this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import pyarrow as pa

from headwater.errors import BadRow, Where
from headwater.exchange.aside import SetAside
from headwater.exchange.decoding import decode
from headwater.exchange.journal.records import Accepted, Outcome
from headwater.exchange.model import EXCHANGE_COLUMNS, IMPRINT_TYPE, Column, schema_of
from headwater.exchange.readers.calls import answer_columns, request_columns
from headwater.exchange.readers.events import is_stream, streamed_columns
from headwater.exchange.rows import Batches, Checker, Rules

#: Makes imprints (`IMPRINT_TYPE`) of a column of texts.
Imprinting: TypeAlias = Callable[[Any], Any]

#: The exchange's columns, and two that an investigation passes over.
JOURNAL_COLUMNS: Final = (
    *EXCHANGE_COLUMNS,
    Column("key", pa.string(), "Public id of the API key, or a keyed hash of it."),
    Column("batch_id", pa.string(), "The batch that the request was a line of."),
)
#: Answers that came after their request's row was written; `at` is when they ended.
LATE_COLUMNS: Final = tuple(
    column
    for column in EXCHANGE_COLUMNS
    if column.name in ("id", "at", *Outcome.__struct_fields__) and column.name != "body"
)
#: Columns that hold text of a conversation.
_TEXTS: Final = ("prompt", "system", "previous", "response")
_ROWS: Final = 8_192
_LAST_US: Final = 253_402_300_799_999_999  # of the year 9999
_NO_DAY: Final = "lies outside of the years 1970 to 9999"
_OWN: Final = frozenset(("at_us", "body"))


class Days:
    """Rows as they come, in batches by day (UTC)."""

    def __init__(
        self, columns: tuple[Column, ...], aside: SetAside, imprinting: Imprinting | None, *, texts: bool
    ) -> None:
        """`texts`: whether they are kept; `imprinting` fills the imprints' column, where it is given."""
        self.rows = 0
        self._columns = columns
        self._aside = aside
        self._imprinting = imprinting
        self._texts = texts
        self._checker = Checker(Rules(columns=tuple(c for c in columns if c.name != "at")), aside)
        self._collected: dict[str, Batches] = {}
        self._done: dict[str, list[pa.RecordBatch]] = {}

    def add(self, row: dict[str, object], at_us: int, where: Where) -> None:
        """One row, or its entry among those set aside."""
        checked = self._checker.checked(row, where)
        if checked is None:
            return
        if not 0 <= at_us <= _LAST_US:
            self._aside.add(BadRow(_NO_DAY, Where(where.file, where.row, "at")))
            return
        day = datetime.fromtimestamp(at_us // 1_000_000, UTC).date().isoformat()
        if day not in self._collected:
            self._collected[day] = Batches(self._columns, self._aside, _ROWS)
        self._collected[day].add({**checked, "at": at_us}, where)
        self.rows += 1
        if self._collected[day].full:
            self._take(day)

    def finish(self) -> dict[str, list[pa.RecordBatch]]:
        """The batches of each day."""
        for day, held in self._collected.items():
            if len(held):
                self._take(day)
        return self._done

    def _take(self, day: str) -> None:
        batch = self._collected[day].take()
        names = batch.schema.names
        arrays = list(batch.columns)
        if self._imprinting is not None and "imprint" in names:
            made = self._imprinting(batch.column(names.index("prompt")))
            whole = made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made
            arrays[names.index("imprint")] = whole.cast(IMPRINT_TYPE)
        if not self._texts:
            for name in _TEXTS:
                if name in names:
                    arrays[names.index(name)] = pa.nulls(batch.num_rows, pa.large_string())
        kept = pa.RecordBatch.from_arrays(arrays, schema=schema_of(self._columns))
        self._done.setdefault(day, []).append(kept)


def row_of(accepted: Accepted, outcome: Outcome | None) -> dict[str, object]:
    """The row of an exchange: what its fields say, then what its bodies say."""
    row = _given(accepted)
    _fill(row, _said(accepted.body, lambda body: request_columns(body, accepted.endpoint)))
    if outcome is not None:
        _fill(row, answer_of(outcome))
    return row


def answer_of(outcome: Outcome) -> dict[str, object]:
    """What is known of an exchange's end."""
    row = _given(outcome)
    _fill(row, _said(outcome.body, answer_columns))
    return row


def _given(record: Accepted | Outcome) -> dict[str, object]:
    names: Iterable[str] = record.__struct_fields__
    held = ((name, getattr(record, name)) for name in names if name not in _OWN)
    return {name: value for name, value in held if value is not None}


def _fill(row: dict[str, object], more: dict[str, object]) -> None:
    for name, value in more.items():
        if value is not None:
            row.setdefault(name, value)


def _said(data: bytes | None, columns: Callable[[dict[str, object]], dict[str, object]]) -> dict[str, object]:
    """What a body says; nothing where it is no JSON object, or one that can't be understood."""
    if not data:
        return {}
    try:
        if columns is answer_columns and is_stream(data):
            return streamed_columns(data)
        body = decode(data)
        return columns(body) if isinstance(body, dict) else {}
    except Exception:  # it came from a stranger, and must not keep a journal from being rotated
        return {}
