"""Schema fixtures of foreign logs: records after a tool's public schema, and the exchanges that they are."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from headwater.errors import BadRow, Where
from headwater.exchange import SetAside
from headwater.exchange import read as read_files
from headwater.exchange.model import EXCHANGE_COLUMNS
from headwater.exchange.readers import Finishing, Reader, load
from headwater.exchange.readers.protocol import Record, Row

FOLDER = Path(__file__).parents[2] / "vectors" / "readers"
COLUMNS = frozenset(column.name for column in EXCHANGE_COLUMNS)


def fixture(name: str) -> dict[str, Any]:
    """The fixture file of one format: sources, schemas, cases."""
    held: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return held


def read(reader: Reader, records: Iterable[Record]) -> list[Row | BadRow]:
    """Everything that a reader makes of `records`, those that wait for others included."""
    found: list[Row | BadRow] = []
    for number, record in enumerate(records, 1):
        found.extend(reader.exchanges(record, Where("log", number)))
    if isinstance(reader, Finishing):
        found.extend(item if isinstance(item, BadRow) else item[1] for item in reader.finish())
    return found


@cache
def maker(name: str) -> Callable[[], Reader]:
    """Makes fresh readers of a format, looked up once."""
    return type(load(name))


def read_one(name: str, record: Record) -> list[Row | BadRow]:
    """Everything that a fresh reader makes of one record."""
    return read(maker(name)(), [record])


def good(found: Iterable[Row | BadRow]) -> list[Row]:
    return [item for item in found if not isinstance(item, BadRow)]


def aside(found: Iterable[Row | BadRow]) -> list[BadRow]:
    return [item for item in found if isinstance(item, BadRow)]


def from_csv(path: Path, rows: list[dict[str, str]]) -> tuple[list[Row], SetAside]:
    """What the whole room reads from a CSV file with these rows, its format found by itself."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    wrong = SetAside()
    found = [row for batch in read_files([path], aside=wrong) for row in batch.to_pylist()]
    return [{name: value for name, value in row.items() if value is not None} for row in found], wrong


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=True)
    | st.text(max_size=6)
    | st.sampled_from(
        ["", "[", "{}", '[{"role": 1}]', "[{'a': 1", "\ud800", "1e400", "=1+1", "\x1b[31m", "9" * 400]
    )
)
_PAIRS = st.lists(_LEAVES, max_size=2) | st.dictionaries(st.text(max_size=4), _LEAVES, max_size=2)
JUNK = _LEAVES | _PAIRS | st.lists(_PAIRS, max_size=2)


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Paths to every value inside a decoded JSON value, the value itself excepted."""
    inside: Iterable[tuple[object, object]] = ()
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    for key, held in inside:
        yield (*path, key)
        yield from places(held, (*path, key))


def replaced(value: Any, path: tuple[object, ...], by: object) -> Any:
    """A copy of `value` in which the value at `path` is `by`."""
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], by)
    return copy


@st.composite
def damaged(draw: st.DrawFn, record: Any) -> Any:
    """`record` with junk in one to three places, whatever their type was."""
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(record))
        if found:
            record = replaced(record, draw(st.sampled_from(found)), draw(JUNK))
    return record


#: Faults that a reader may find: none has room for content.
WORDED = re.compile(
    r"prompt not in log|is no kind of observation|holds something that is no (observation|request)"
    r"|is (null|true or false|a number|empty text|text of length [\d,]+|an? (list of length|object of size) [\d,]+),"
    r" not an? (list|object)"
)


def check_hostile(name: str, record: Record) -> None:
    """What holds for any record: no exception, known columns only, faults without content, in their place."""
    assert 0.0 <= maker(name)().recognises(record) <= 1.0
    for item in read_one(name, record):
        if isinstance(item, BadRow):
            assert item.where.file == "log"
            assert item.where.row == 1
            assert WORDED.fullmatch(item.what), item.what
        else:
            assert item.keys() <= COLUMNS
            assert isinstance(item.get("prompt", ""), str)
            assert isinstance(item.get("system", ""), str)
            assert isinstance(item.get("response", ""), str)
