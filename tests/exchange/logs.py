"""Small logs for tests: rows of our own format, written to files in every form."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from headwater.exchange import EXCHANGE_SCHEMA, SetAside, read

AT = "2026-03-04T05:06:07.123456Z"
AT_US = 1_772_600_767_123_456


def row(number: int = 1, **other: Any) -> dict[str, Any]:
    """One exchange with what every exchange has."""
    return {"id": f"r{number}", "at": AT, "account": "a1", "prompt": f"What is {number}?", **other}


def write_lines(path: Path, records: Iterable[Any]) -> Path:
    """JSON lines; bytes are written as they are."""
    lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def read_all(*paths: Path, **options: Any) -> tuple[pa.Table, SetAside]:
    """Everything that can be read under `paths`, and what was set aside."""
    aside = options.pop("aside", None) or SetAside()
    batches = list(read(paths, aside=aside, **options))
    return pa.Table.from_batches(batches, schema=EXCHANGE_SCHEMA), aside


def ids(table: pa.Table) -> list[str]:
    """Identifiers in order of reading."""
    return [str(value) for value in table.column("id").to_pylist()]


def places(aside: SetAside) -> list[tuple[int | None, str | None, str]]:
    """(row, field, what) of the rows that were set aside."""
    return [(bad.where.row, bad.where.field, bad.what) for bad in aside.rows]
