"""What is said to PostgreSQL: tables, statements, and how a cell's record is written down.

A batch is one transaction of two round trips: it locks the rows of its cells in order (so that no two wait for each
other) and reads them with the server's time, makes each message's step, and writes them back. What was committed
stays, so that there is no epoch but the one in which the tables were made, or that an operator began.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from headwater.control.budget.granting import Epoch, Record, look, step
from headwater.control.budget.lease import Answer, Ask, StoreGone

#: Made where they aren't there; one process at a time.
TABLES: Final = (
    "SELECT pg_advisory_xact_lock(7214093851)",
    """CREATE TABLE IF NOT EXISTS headwater_budget_epoch
    (one boolean PRIMARY KEY DEFAULT true CHECK (one), begun_us bigint NOT NULL, fresh boolean NOT NULL)""",
    # Rows that are locked and written again and again: room for that beside them keeps the index still.
    """CREATE TABLE IF NOT EXISTS headwater_budget_cell
    (cell text PRIMARY KEY, record bytea, seen_us bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50)""",
)
_NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
BEGIN: Final = (
    f"INSERT INTO headwater_budget_epoch (begun_us, fresh) VALUES ({_NOW}, %s) "
    "ON CONFLICT (one) DO UPDATE SET begun_us = excluded.begun_us, fresh = excluded.fresh"
)
#: What was spent is forgotten.
FORGET: Final = "DELETE FROM headwater_budget_cell"
#: Locks the cells in order and reads them. The time of a row is read when it is locked; the last one counts, so that
#: time doesn't go back between two batches.
LOCK: Final = (
    "WITH locked AS (INSERT INTO headwater_budget_cell (cell) SELECT unnest(%s::text[]) "
    "ON CONFLICT (cell) DO UPDATE SET seen_us = headwater_budget_cell.seen_us RETURNING cell, record) "
    f"SELECT cell, record, {_NOW}, begun_us, fresh FROM locked LEFT JOIN headwater_budget_epoch ON true"
)
#: Reads the cells, and locks none.
LOOK: Final = (
    f"SELECT asked.cell, record, {_NOW}, begun_us, fresh FROM unnest(%s::text[]) AS asked (cell) "
    "LEFT JOIN headwater_budget_cell AS kept ON kept.cell = asked.cell LEFT JOIN headwater_budget_epoch ON true"
)
WRITE: Final = (
    "UPDATE headwater_budget_cell SET record = new.record, seen_us = new.seen_us "
    "FROM unnest(%s::text[], %s::bytea[], %s::bigint[]) AS new (cell, record, seen_us) "
    "WHERE headwater_budget_cell.cell = new.cell"
)

#: Cells that nobody asked for in two months: quotas are over, buckets full.
_FORGOTTEN_US: Final = 62 * 86_400_000_000
#: A store looks at some of the cells now and then, in the order of their names, and comes round in time: the moment of
#: one look is short however many there are, and needs no index that every write would have to keep.
_SWEEP_EVERY_US: Final = 60_000_000
_SWEPT_AT_ONCE: Final = 2_000
#: Who waits for a row isn't waited for, so that no two wait for each other.
SWEEP: Final = (
    "WITH looked AS (SELECT cell, seen_us FROM headwater_budget_cell WHERE cell > %s ORDER BY cell LIMIT %s), "
    "old AS (SELECT cell FROM headwater_budget_cell WHERE seen_us < %s "
    "AND cell IN (SELECT cell FROM looked WHERE seen_us < %s) FOR UPDATE SKIP LOCKED), "
    "gone AS (DELETE FROM headwater_budget_cell USING old WHERE headwater_budget_cell.cell = old.cell) "
    "SELECT max(cell), count(*) FROM looked"
)
_DECODER: Final = msgspec.json.Decoder(Record)
_ENCODER: Final = msgspec.json.Encoder()


def cells(asks: Sequence[Ask]) -> list[str]:
    """The cells of a batch, each once, in the order in which they are locked."""
    return sorted({ask.cell for ask in asks})


def stepped(
    replica: str, asks: Sequence[Ask], rows: Sequence[tuple[Any, ...]]
) -> tuple[list[Answer], tuple[list[str], list[bytes], list[int]]]:
    """The answers, given what `LOCK` read, and what `WRITE` is given; `StoreGone` where that isn't understood."""
    records, epoch, now_us = _read(rows)
    answers = [step(records[ask.cell], replica, ask, epoch, now_us) for ask in asks]
    names = sorted(records)
    return answers, (names, [_ENCODER.encode(records[name]) for name in names], [now_us] * len(names))


def looked(asks: Sequence[Ask], rows: Sequence[tuple[Any, ...]]) -> list[Answer]:
    """The answers to who only looks, given what `LOOK` read."""
    records, epoch, now_us = _read(rows)
    return [look(records[ask.cell], ask, epoch, now_us) for ask in asks]


def _read(rows: Sequence[tuple[Any, ...]]) -> tuple[dict[str, Record], Epoch, int]:
    if not rows or rows[0][3] is None:
        raise StoreGone("the store has no epoch: begin one")
    now_us, epoch = max(int(row[2]) for row in rows), Epoch(int(rows[0][3]), bool(rows[0][4]))
    try:
        records = {cell: Record() if kept is None else _DECODER.decode(kept) for cell, kept, *_ in rows}
    except msgspec.MsgspecError as error:
        raise StoreGone("a record in the store isn't understood") from error
    return records, epoch, now_us


class Sweeping:
    """Where a store is in sweeping out cells that nobody asks for any more."""

    def __init__(self) -> None:
        self._behind = ""
        self._due_us: int | None = None

    def due(self, now_us: int) -> tuple[str, int, int, int] | None:
        """What `SWEEP` is given, where it is time; `now_us`: the server's time."""
        if self._due_us is None:
            self._due_us = now_us + _SWEEP_EVERY_US
        if now_us < self._due_us:
            return None
        self._due_us = now_us + _SWEEP_EVERY_US
        old_us = now_us - _FORGOTTEN_US
        return self._behind, _SWEPT_AT_ONCE, old_us, old_us

    def swept(self, row: tuple[Any, ...] | None) -> None:
        """What `SWEEP` told: go on behind it the next time, or at the beginning."""
        last, count = row if row is not None else (None, 0)
        self._behind = str(last) if count == _SWEPT_AT_ONCE else ""
