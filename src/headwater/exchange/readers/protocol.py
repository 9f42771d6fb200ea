"""What a reader promises: one decoded record of somebody's log in, exchanges out.

A reader knows the shape of one foreign format and nothing of files, compression, Arrow or counting: those are
`source`, `rows` and `read`. It is found through the entry point group `headwater.readers`, whose value is a
callable without arguments (usually the class) that returns a fresh reader for one run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

from headwater.errors import BadRow, Where

#: One decoded JSON object (or a row of a table as a dict). Values are whatever the log held: check first.
Record = Mapping[str, object]

#: One exchange: keys are column names of EXCHANGE_SCHEMA, a missing key means "the log does not say".
#: Values may still be of the wrong type: `rows` converts what can be converted (numbers in text, ISO 8601
#: times, epoch seconds to nanoseconds told apart by magnitude), leaves other optional columns empty with a
#: notice, and sets the row aside where a required column cannot be used. `at` is best given as an aware
#: datetime or as int microseconds UTC.
Row = dict[str, object]


@runtime_checkable
class Reader(Protocol):
    """One foreign format.

    `name` is what a person types (`--format litellm`), `title` what they read. A reader never raises on any
    record: it yields a BadRow (see `bad`) for what it cannot use. It keeps no reference to a record, except a
    bounded number that wait for their other half (then it is a `Finishing` reader).

    Optional attribute `hints: Mapping[str, str]`: per required column, what a user can do when this format's
    records lack it ("set litellm_settings.…, or give --set account=NAME").
    """

    name: str
    title: str

    def recognises(self, record: Record) -> float:
        """How surely `record` is of this format: 0 is no, 1 is certain; by its keys, in microseconds."""
        ...

    def exchanges(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        """Zero or more exchanges of one record; `where` names its file and row."""
        ...


@runtime_checkable
class Finishing(Reader, Protocol):
    """A reader that joins several records (a trace's spans, a batch's requests and answers)."""

    def finish(self) -> Iterator[tuple[Where, Row] | BadRow]:
        """What still waited when the last record had been read; called once."""
        ...


def bad(where: Where, field: str | None, what: str, hint: str | None = None) -> BadRow:
    """A BadRow at `field` (dotted path) of the record at `where`; never put content in `what`."""
    return BadRow(what, replace(where, field=field), hint)
