"""What a ring took, when, and with which of its exchanges: a fold over all rows of its members."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.detect.cells import Cells
from headwater.detect.fold import NO_KEY, Batch, World
from headwater.detect.ordering import by_code
from headwater.detect.setups import COLUMNS

HOUR_US = 3_600_000_000
INTENT_BITS = 32


@dataclass
class Rows:
    """Rows of members: which, whose, when, what they ask for, attributed or not, and by which template object."""

    row: list[npt.NDArray[np.int64]] = field(default_factory=list)
    account: list[npt.NDArray[np.int32]] = field(default_factory=list)
    at_us: list[npt.NDArray[np.int64]] = field(default_factory=list)
    intents: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    model: list[npt.NDArray[np.int32]] = field(default_factory=list)
    exact: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    key: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    cell: list[npt.NDArray[np.int16]] = field(default_factory=list)
    setup: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    cells: Cells | None = None


@dataclass(frozen=True)
class Harvest:
    """All members' rows, sorted by row content (account, time, text); `key` is NO_KEY where not attributed."""

    row: npt.NDArray[np.int64]
    account: npt.NDArray[np.int32]
    at_us: npt.NDArray[np.int64]
    intents: npt.NDArray[np.uint32]
    model: npt.NDArray[np.int32]
    exact: npt.NDArray[np.uint64]
    key: npt.NDArray[np.uint64]
    #: of content, −1 where the log was too small to be divided
    cell: npt.NDArray[np.int16]
    #: of the client that asked
    setup: npt.NDArray[np.uint64]

    def with_all_of(self, accounts: npt.NDArray[np.integer[Any]], rows: Harvest) -> Harvest:
        """This harvest with `rows` as all that it has of some accounts (codes)."""
        stays = ~np.isin(self.account, accounts)
        # An account's rows are of one of the two, and in order there.
        order = np.argsort(np.concatenate([self.account[stays], rows.account]), kind="stable")
        return Harvest(
            *(
                np.concatenate([getattr(self, each.name)[stays], getattr(rows, each.name)])[order]
                for each in fields(self)
            )
        )


class Harvested:
    """Collects members' rows and the template object that attributes each."""

    columns = ("imprint", *COLUMNS)

    def init(self, world: World) -> Rows:
        """No rows."""
        return Rows(cells=world.context.get("cells"))

    def update(self, state: Rows, batch: Batch) -> Rows:
        """Keep members' rows."""
        batch = batch.members
        if len(batch):
            state.row.append(batch.row)
            state.account.append(batch.account)
            state.at_us.append(batch.at_us)
            state.intents.append(batch.column("imprint.intents"))
            state.model.append(batch.model)
            state.exact.append(batch.column("imprint.exact"))
            state.key.append(batch.key if batch.key is not None else np.full(len(batch), NO_KEY))
            state.setup.append(batch.setup)
            every = np.arange(len(batch))
            state.cell.append(
                state.cells.at(batch, every) if state.cells else np.full(len(batch), -1, np.int16)
            )
        return state

    def merge(self, left: Rows, right: Rows) -> Rows:
        """Rows of both."""
        return Rows(
            left.row + right.row,
            left.account + right.account,
            left.at_us + right.at_us,
            left.intents + right.intents,
            left.model + right.model,
            left.exact + right.exact,
            left.key + right.key,
            left.cell + right.cell,
            left.setup + right.setup,
            left.cells,
        )

    def finish(self, state: Rows, world: World) -> Harvest:
        """The rows, sorted by content."""
        if not state.row:
            empty = np.empty(0, np.int64)
            whole = empty.astype(np.uint64)
            code = empty.astype(np.int32)
            bits, cell = empty.astype(np.uint32), empty.astype(np.int16)
            return Harvest(empty, code, empty, bits, code, whole, whole, cell, whole)
        row, account, at_us = (
            np.concatenate(state.row),
            np.concatenate(state.account),
            np.concatenate(state.at_us),
        )
        intents, model = np.concatenate(state.intents), np.concatenate(state.model)
        exact, key, cell = np.concatenate(state.exact), np.concatenate(state.key), np.concatenate(state.cell)
        order = by_code(account, at_us, exact, intents, key)
        return Harvest(
            row.take(order),
            account.take(order),
            at_us.take(order),
            intents.take(order),
            model.take(order),
            exact.take(order),
            key.take(order),
            cell.take(order),
            np.concatenate(state.setup)[order],
        )
