"""An index as a file: for a log that is investigated again, with other settings say, rows are in order already.

Two Arrow streams one behind the other, rows and then accounts, uncompressed: reading it costs what its bytes cost.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from headwater.engine.arrange import Index
from headwater.engine.spool import Spool
from headwater.engine.steps import SESSION_GAP_S, SESSION_LENGTH_S, steps

_FORMAT = 1
_OF = b"headwater.index.of"
_COUNTS = b"headwater.index.counts"
_ROWS = {"account": np.int32, "at_us": np.int64, "session": np.int32, "half": np.uint8, "model": np.int32}


def index_of(spool: Spool) -> str:
    """What an index of these rows goes by: the parts that they lie in, and the way in which it is made."""
    parts = [(part.name, part.rows) for part in spool.parts]
    made = [_FORMAT, SESSION_GAP_S, SESSION_LENGTH_S, steps(), duckdb.__version__, parts]
    return hashlib.sha256(json.dumps(made).encode()).hexdigest()


def write_index(index: Index, of: str, file: Path) -> None:
    """Write an index down. OSError where that can't be done."""
    counts = {
        "models": index.models,
        "duplicates": index.duplicates,
        "shared": index.shared,
        "retimed": index.retimed,
    }
    told = {_OF: of.encode(), _COUNTS: json.dumps(counts).encode()}
    rows = pa.RecordBatch.from_pydict({name: getattr(index, name) for name in _ROWS}, metadata=told)
    names = pa.RecordBatch.from_pydict(
        {
            "account": pa.array(index.accounts, pa.large_string()),
            "organisation": pa.array(index.organisations, pa.large_string()),
        }
    )
    with pa.OSFile(str(file), "wb") as out:
        for batch in (rows, names):
            with pa.ipc.new_stream(out, batch.schema) as stream:
                stream.write_batch(batch)


def read_index(of: str, file: Path) -> Index | None:
    """An index that was written down; None where there is none, or it is torn, or of other rows."""
    try:
        with pa.memory_map(str(file)) as source:
            stream = pa.ipc.open_stream(source)
            told = stream.schema.metadata or {}
            if told.get(_OF) != of.encode():
                return None
            rows = stream.read_next_batch()
            stream.read_all()  # to its end, behind which the other one begins
            names = pa.ipc.open_stream(source).read_next_batch()
            counts = json.loads(told[_COUNTS])
            made: dict[str, Any] = {name: np.array(rows.column(name), kind) for name, kind in _ROWS.items()}
            made["accounts"] = tuple(names.column("account").to_pylist())
            made["organisations"] = tuple(names.column("organisation").to_pylist())
            made.update(counts, models=tuple(counts["models"]))
            return Index(**made)
    except (OSError, pa.ArrowException, KeyError, StopIteration, ValueError):
        return None
