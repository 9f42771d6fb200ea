"""One file as the store, for the processes of one machine: no server is needed, and a restart forgets nothing.

A batch is one transaction, on the disk before it is answered. The machine's clock decides which period it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from headwater.control.budget.granting import Epoch, Record, look, step
from headwater.control.budget.lease import Answer, Ask, StoreGone
from headwater.errors import HeadwaterError
from headwater.store import Migration, Store, Transaction

MIGRATIONS: Final = (
    Migration(
        "budgets",
        1,
        """
        CREATE TABLE budget_epoch (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            begun_us INTEGER NOT NULL,
            fresh INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE budget_cells (
            cell TEXT PRIMARY KEY,
            record BLOB NOT NULL,
            seen_us INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX budget_cells_seen ON budget_cells (seen_us);
        """,
    ),
)
#: Cells that nobody asked for in two months: quotas are over, buckets full.
_FORGOTTEN_US: Final = 62 * 86_400_000_000
_SWEEP_EVERY_US: Final = 3_600_000_000
_DECODE: Final = msgspec.json.Decoder(Record).decode
_ENCODE: Final = msgspec.json.Encoder().encode


def wall_us() -> int:
    """Microseconds since 1970 (UTC)."""
    return time.time_ns() // 1000


class SqliteStore:
    """See `lease.Store`. Use from one thread; several processes may have the file open at once."""

    def __init__(self, path: Path, *, clock: Callable[[], int] = wall_us) -> None:
        """The store at `path`, made where it isn't there: then nothing was spent before."""
        self._clock = clock
        self._store = Store.open(path, MIGRATIONS)
        self._swept_us = clock()
        with self._store.write() as tx:
            if tx.row("SELECT 1 FROM budget_epoch") is None:
                tx.run("INSERT INTO budget_epoch VALUES (1, ?, 1)", (clock(),))

    def begin(self, *, fresh: bool) -> None:
        """See `Store`."""
        with self._store.write() as tx:
            tx.run("DELETE FROM budget_cells")
            tx.run("UPDATE budget_epoch SET begun_us = ?, fresh = ?", (self._clock(), int(fresh)))

    def exchange(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`."""
        try:
            with self._store.write() as tx:
                return self._stepped(tx, replica, asks)
        except (HeadwaterError, msgspec.MsgspecError) as error:
            raise StoreGone(type(error).__name__) from error

    def look(self, asks: Sequence[Ask]) -> list[Answer]:
        """See `Store`."""
        try:
            with self._store.read() as tx:
                epoch, now_us = _epoch(tx), self._clock()
                return [look(_record(tx, ask.cell), ask, epoch, now_us) for ask in asks]
        except (HeadwaterError, msgspec.MsgspecError) as error:
            raise StoreGone(type(error).__name__) from error

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def _stepped(self, tx: Transaction, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        now_us = self._clock()
        epoch = _epoch(tx)
        records: dict[str, Record] = {}
        for ask in asks:
            if ask.cell not in records:
                records[ask.cell] = _record(tx, ask.cell)
        answers = [step(records[ask.cell], replica, ask, epoch, now_us) for ask in asks]
        tx.many(
            "INSERT INTO budget_cells VALUES (?, ?, ?) ON CONFLICT (cell) DO UPDATE SET record = excluded.record,"
            " seen_us = excluded.seen_us",
            [(cell, _ENCODE(record), now_us) for cell, record in records.items()],
        )
        if now_us - self._swept_us > _SWEEP_EVERY_US:
            self._swept_us = now_us
            tx.run("DELETE FROM budget_cells WHERE seen_us < ?", (now_us - _FORGOTTEN_US,))
        return answers


def _epoch(tx: Transaction) -> Epoch:
    begun = tx.row("SELECT begun_us, fresh FROM budget_epoch")
    if begun is None:
        raise StoreGone("the store has no epoch: begin one")
    return Epoch(int(begun[0]), bool(begun[1]))


def _record(tx: Transaction, cell: str) -> Record:
    kept = tx.row("SELECT record FROM budget_cells WHERE cell = ?", (cell,))
    return Record() if kept is None else _DECODE(kept[0])
