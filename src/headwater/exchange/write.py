"""Our own format on disk: exchanges as Parquet or JSON lines, whole or not at all.

A file appears under its name only when it is complete. The same batches give the same bytes. Reading either
back gives the same table.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.errors import UsageError, Where
from headwater.exchange.gathering import gathered
from headwater.exchange.model import EXCHANGE_SCHEMA, SCHEMA_VERSION
from headwater.places import together

#: Key and value in a Parquet file's metadata that say which schema its columns follow.
VERSION_KEY: Final = b"headwater.schema"
#: Rows of a group, and bytes in memory, unless one batch has more.
_GROUP_ROWS: Final = 65_536
_GROUP_BYTES: Final = 64 << 20
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_parquet(
    batches: Iterable[pa.RecordBatch], path: str | Path, *, schema: pa.Schema = EXCHANGE_SCHEMA
) -> int:
    """Write batches of `schema` as Parquet (zstd); returns the number of rows. The folder must exist."""
    path = Path(path)
    marked = schema.with_metadata({VERSION_KEY: SCHEMA_VERSION.encode()})
    rows = 0
    with (
        _whole(path) as unfinished,
        pq.ParquetWriter(unfinished, marked, compression="zstd", use_dictionary=True) as writer,
    ):
        # Small groups of rows compress badly and are slow to read.
        for group in gathered(batches, _GROUP_ROWS, _GROUP_BYTES, lambda batch: batch.nbytes):
            whole = pa.Table.from_batches([batch.replace_schema_metadata(marked.metadata) for batch in group])
            writer.write_table(whole, max(1, whole.num_rows))
            rows += whole.num_rows
    return rows


def write_jsonl(batches: Iterable[pa.RecordBatch], path: str | Path) -> int:
    """Write batches as JSON lines, compressed where the path ends in .gz or .zst; returns the number of rows.

    Times are ISO 8601 in UTC, columns without a value are left out.
    """
    path = Path(path)
    rows = 0
    encoder = msgspec.json.Encoder()
    with _whole(path) as unfinished, _packed(unfinished, path.suffix.lower()) as file:
        for batch in batches:
            for row in batch.to_pylist():
                file.write(encoder.encode({name: value for name, value in row.items() if value is not None}))
                file.write(b"\n")
            rows += batch.num_rows
    return rows


def safe_cell(text: str) -> str:
    """Text for a CSV cell that no spreadsheet runs: an apostrophe goes before = + - @, tab, CR and LF."""
    return f"'{text}" if text.startswith(_FORMULA) else text


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A place to write to, which becomes `path` at the end and goes where writing fails."""
    if not path.parent.is_dir():
        raise UsageError("the folder to write to does not exist", where=Where(str(path.parent)))
    with together(path.parent) as place:
        yield place(path.name)


@contextmanager
def _packed(path: Path, suffix: str) -> Iterator[IO[bytes] | Any]:
    if suffix == ".gz":  # no name and no time in the header: the same rows give the same bytes
        with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
            yield file
    elif suffix in (".zst", ".zstd"):
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            yield file
    else:
        with path.open("wb") as file:
            yield file
