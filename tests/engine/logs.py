"""Little logs for the engine: an id, a time, an account and a text's hash are all that it looks at."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa

from headwater.engine import Index, Resources, Spool, arrange

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("account", pa.string(), nullable=False),
        pa.field("organisation", pa.string()),
        pa.field("model", pa.string()),
        pa.field("imprint", pa.struct([pa.field("exact", pa.uint64())])),
    ]
)
SECOND = 1_000_000
_NUMBERS = count()


def row(number: int, account: str, second: float, **other: Any) -> dict[str, Any]:
    """One exchange; its id is its number unless told otherwise."""
    values: dict[str, Any] = {"id": f"r{number}", "at": int(second * SECOND), "account": account}
    values |= {"organisation": None, "model": None, "imprint": {"exact": number}}
    return values | other


def spooled(rows: list[dict[str, Any]], folder: Path, name: str = "", batch: int = 0) -> Spool:
    """A closed spool of rows, written in batches of `batch` (0: one)."""
    spool = Spool(folder / (name or f"spool-{next(_NUMBERS)}"), SCHEMA)
    with spool:
        for start in range(0, len(rows), batch or max(len(rows), 1)):
            part = rows[start : start + (batch or len(rows))]
            spool.append(pa.RecordBatch.from_pylist(part, schema=SCHEMA))
    return spool


def arranged(rows: list[dict[str, Any]], folder: Path, threads: int = 1) -> Index:
    """The index of these rows."""
    spool = spooled(rows, folder)
    return arrange(spool, Resources(threads=threads), folder)
