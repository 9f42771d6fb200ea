"""An index as a file: for a log that is investigated again, with other settings say, rows are in order already.

A head, then two Arrow streams one behind the other, rows and accounts, uncompressed: reading it costs what its bytes
cost. The head says of which rows it is, and the digest of all behind it, which is looked at before anything is decoded.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import IO, Any

import duckdb
import numpy as np
import pyarrow as pa

from headwater.engine.arrange import Index
from headwater.engine.spool import Spool
from headwater.engine.steps import SESSION_GAP_S, SESSION_LENGTH_S, steps

_FORMAT = 1
#: What the head begins with; behind it 32 bytes of what it is of, 32 of the digest, and zeros up to its length.
_MAGIC, _HEAD = b"headwater index\n", 128
_COUNTS = b"headwater.index.counts"
_ROWS = {"account": np.int32, "at_us": np.int64, "session": np.int32, "half": np.uint8, "model": np.int32}


def index_of(spool: Spool) -> bytes:
    """What an index of these rows goes by: the parts that they lie in, and the way in which it is made."""
    parts = [(part.name, part.rows) for part in spool.parts]
    made = [_FORMAT, SESSION_GAP_S, SESSION_LENGTH_S, steps(), duckdb.__version__, parts]
    return hashlib.sha256(json.dumps(made).encode()).digest()


def write_index(index: Index, of: bytes, file: Path) -> None:
    """Write an index down. OSError where that can't be done."""
    counts = {
        "models": index.models,
        "duplicates": index.duplicates,
        "shared": index.shared,
        "retimed": index.retimed,
    }
    rows = pa.RecordBatch.from_pydict(
        {name: getattr(index, name) for name in _ROWS}, metadata={_COUNTS: json.dumps(counts).encode()}
    )
    names = pa.RecordBatch.from_pydict(
        {
            "account": pa.array(index.accounts, pa.large_string()),
            "organisation": pa.array(index.organisations, pa.large_string()),
        }
    )
    with file.open("wb") as out:
        out.write(bytes(_HEAD))
        for batch in (rows, names):
            with pa.ipc.new_stream(out, batch.schema) as stream:
                stream.write_batch(batch)
    with file.open("r+b") as head:
        digest = _digest(head)
        head.seek(0)
        head.write(_MAGIC + of + digest)


def read_index(of: bytes, file: Path) -> Index | None:
    """An index that was written down; None where there is none, or it is damaged, or of other rows."""
    try:
        with file.open("rb") as head:
            told = head.read(len(_MAGIC) + 64)
            if told[:-32] != _MAGIC + of or told[-32:] != _digest(head):
                return None
        with pa.memory_map(str(file)) as source:
            source.seek(_HEAD)
            stream = pa.ipc.open_stream(source)
            counts = json.loads((stream.schema.metadata or {})[_COUNTS])
            rows = stream.read_next_batch()
            stream.read_all()  # to its end, behind which the other one begins
            names = pa.ipc.open_stream(source).read_next_batch()
            made: dict[str, Any] = {name: np.asarray(rows.column(name), kind) for name, kind in _ROWS.items()}
            made["accounts"] = tuple(names.column("account").to_pylist())
            made["organisations"] = tuple(names.column("organisation").to_pylist())
            made.update(counts, models=tuple(counts["models"]))
            return Index(**made)
    except (OSError, pa.ArrowException, KeyError, StopIteration, TypeError, ValueError):
        return None


def _digest(file: IO[bytes]) -> bytes:
    """The digest of all behind the head."""
    file.seek(_HEAD)
    return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type,unused-ignore]
