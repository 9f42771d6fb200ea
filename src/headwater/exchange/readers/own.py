"""Our own JSON lines and CSV: keys are the column names of the exchange schema, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from headwater.errors import BadRow, Where
from headwater.exchange.model import EXCHANGE_COLUMNS
from headwater.exchange.readers.protocol import Record, Row

_NAMES: Final = frozenset(column.name for column in EXCHANGE_COLUMNS)
_NEEDED: Final = ("id", "at", "account")


class OwnReader:
    """Records that already are exchanges."""

    name = "headwater"
    title = "Headwater's own exchanges"

    def recognises(self, record: Record) -> float:
        """By the required columns; a record with none but `id` is anybody's."""
        found = sum(name in record for name in _NEEDED) + ("prompt" in record or "imprint" in record)
        if "at" not in record and "imprint" not in record and "account" not in record:
            return 0.0
        return (0.0, 0.1, 0.3, 0.75, 1.0)[found]

    def exchanges(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        """The record's own columns; keys that are no column are passed over."""
        yield {name: value for name, value in record.items() if name in _NAMES}


reader = OwnReader
