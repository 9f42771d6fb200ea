"""From rows as they came to an index: which account, which session, which half, kept or a duplicate.

The index has one narrow entry a row, in row order, and depends on the rows' content alone: never on the order
of rows, files or threads. It is computed by the SQL of `steps`, each of which can be printed and run, and by
`sessions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.engine.resources import Resources
from headwater.engine.sessions import sessions
from headwater.engine.spool import Spool
from headwater.engine.steps import SESSION_GAP_S, SESSION_LENGTH_S, steps
from headwater.errors import UnreadableInput, UsageError, Where


@dataclass(frozen=True)
class Index:
    """One entry a row of the spool, in row order, as NumPy arrays of length `rows`.

    `account` int32 code (rank of the account's name; −1: a duplicate, to be left out), `at_us` int64 µs UTC,
    `session` int32, numbered over the whole log, `half` uint8 0 (propose) or 1 (confirm), `model` int32 (−1: none).
    `accounts`, `models` are the names behind the codes; `duplicates` counts the rows left out, `retimed` those of
    them that name another time than the row that was kept, `shared` exchanges whose id another one has too.
    """

    account: npt.NDArray[np.int32]
    at_us: npt.NDArray[np.int64]
    session: npt.NDArray[np.int32]
    half: npt.NDArray[np.uint8]
    model: npt.NDArray[np.int32]
    accounts: tuple[str, ...]
    organisations: tuple[str | None, ...]
    models: tuple[str, ...]
    duplicates: int
    shared: int = 0
    retimed: int = 0

    @property
    def rows(self) -> int:
        """Rows of the spool, duplicates included."""
        return len(self.account)


def arrange(spool: Spool, resources: Resources, scratch: Path) -> Index:
    """Compute the index of a spool that is closed.

    Sessions of an account alternate between the halves, beginning at a side that its name decides. An account with
    a single session has it cut in two in the middle.
    """
    with duckdb.connect() as db, _worded(spool.folder, scratch):
        db.execute(f"SET threads = {resources.workers}")
        db.execute(f"SET memory_limit = '{resources.memory_mb}MiB'")
        db.execute("SET temp_directory = ?", [str(scratch)])
        db.execute("SET preserve_insertion_order = false")
        *tables, (_, last) = steps()
        for _, sql in tables:
            db.execute(sql, given(spool, sql))
        table = db.sql(last).to_arrow_table()
        ((shared, retimed),) = db.execute("SELECT shared, retimed FROM conflicts").fetchall()
        accounts = db.sql("SELECT account, organisation, side FROM accounts ORDER BY code").to_arrow_table()
        models = [r[0] for r in db.execute("SELECT model FROM models ORDER BY model_code").fetchall()]
    return _index(table, spool.rows, accounts, models, resources.workers, shared=shared, retimed=retimed)


def given(spool: Spool, sql: str) -> dict[str, object] | None:
    """The parameters that a step asks for."""
    sizes = [part.rows for part in spool.parts]
    every = {"spool": list(map(str, spool.paths)), "first": [sum(sizes[:at]) for at in range(len(sizes))]}
    return {name: value for name, value in every.items() if f"${name}" in sql} or None


@contextmanager
def _worded(spool: Path, scratch: Path) -> Iterator[None]:
    """DuckDB's ways of saying that there is no room left, that parts can't be read, or that somebody pressed Ctrl-C."""
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise UsageError(
            "the index needs more memory, or more room for temporary files, than there is",
            where=Where(str(scratch)),
            hint="give more memory (--memory), or name a folder with more room in TMPDIR",
        ) from error
    except RuntimeError as error:
        if "interrupted" in str(error):
            raise KeyboardInterrupt from error
        raise
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except duckdb.Error as error:
        raise UnreadableInput(
            "holds imprints that can't be read",
            where=Where(str(spool)),
            hint="remove the folder of imprints: the log is read anew",
        ) from error


def _index(
    table: pa.Table,
    rows: int,
    accounts: pa.Table,
    models: list[str],
    workers: int,
    *,
    shared: int,
    retimed: int,
) -> Index:
    """Entries by row, which the table has in any order, and their sessions."""
    account, at_us = np.full(rows, -1, np.int32), np.zeros(rows, np.int64)
    model = np.full(rows, -1, np.int32)
    for batch in table.to_batches():
        at = np.asarray(batch.column("row"))
        for name, values in (("code", account), ("at_us", at_us), ("model", model)):
            values[at] = np.asarray(batch.column(name))
    names: list[Any] = accounts.column("account").to_pylist()
    owners = accounts.column("organisation").to_pylist()
    side = accounts.column("side").to_numpy().astype(np.uint8)
    session, half = sessions(
        account,
        at_us,
        side,
        gap_us=SESSION_GAP_S * 1_000_000,
        length_us=SESSION_LENGTH_S * 1_000_000,
        workers=workers,
    )
    return Index(
        account=account,
        at_us=at_us,
        session=session,
        half=half,
        model=model,
        accounts=tuple(names),
        organisations=tuple(owners),
        models=tuple(models),
        duplicates=rows - table.num_rows,
        shared=shared,
        retimed=retimed,
    )
