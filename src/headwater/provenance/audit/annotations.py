"""The sidecar: one row of annotations for each row of the corpus, in Parquet parts beside the report.

The corpus itself is never written to. Spans are characters within a field, as dolma's attributes have them; rows are
found by file and number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.provenance.audit.scan import Row

_WORD: Final = pa.dictionary(pa.int32(), pa.string())
FINDING: Final = pa.struct(
    [
        pa.field("stage", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("provider", pa.string()),
        pa.field("language", pa.string()),
        pa.field("field", pa.string(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
    ]
)
#: `basis`: for each group, what in this row or the card claims or proves it. `contradicted`: a finding speaks against
#: what the row claims.
SCHEMA: Final = pa.schema(
    [
        pa.field("file", _WORD, nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("id", pa.string()),
        pa.field("verdict", _WORD, nullable=False),
        pa.field("groups", pa.list_(pa.string()), nullable=False),
        pa.field("basis", pa.list_(pa.list_(_WORD)), nullable=False),
        pa.field("contradicted", pa.bool_(), nullable=False),
        pa.field("findings", pa.list_(FINDING), nullable=False),
    ]
)


class Writer:
    """Writes the annotations of one chunk; `close` makes the file whole."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")

    def write(self, file: str, rows: Iterable[Row]) -> None:
        """Add rows of one file of the corpus."""
        rows = list(rows)
        name = file.encode("utf-8", "backslashreplace").decode()
        columns = [
            pa.array([name] * len(rows), _WORD),
            pa.array([row.number for row in rows], pa.int64()),
            pa.array([row.id if row.id is None else _whole(row.id) for row in rows], pa.string()),
            pa.array([row.verdict for row in rows], _WORD),
            pa.array([row.groups for row in rows], pa.list_(pa.string())),
            pa.array(
                [[list(map(_whole, each)) for each in row.basis] for row in rows], pa.list_(pa.list_(_WORD))
            ),
            pa.array([row.contradicted for row in rows], pa.bool_()),
            pa.array(
                [[one._replace(field=_whole(one.field))._asdict() for one in row.findings] for row in rows],
                pa.list_(FINDING),
            ),
        ]
        self._writer.write_table(pa.table(columns, schema=SCHEMA))

    def close(self) -> None:
        """End the file."""
        self._writer.close()


def parts(folder: Path) -> list[Path]:
    """The parts of the sidecar in `folder`, in order of the corpus."""
    return sorted((folder / "annotations").glob("part-*.parquet"))


def annotated(folder: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """All annotations in order of the corpus, a batch at a time."""
    for path in parts(folder):
        yield from pq.ParquetFile(path).iter_batches(columns=columns)


def _whole(text: str) -> str:
    """A text as Arrow can hold it: half a surrogate pair is written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()
