"""Exchanges one after another: rows kept once for all evidence that goes through an account's exchanges in order.

Each kind of evidence says which columns it needs. What several need is kept, written down and put in order once; rows
of accounts that sent too few exchanges to be judged are never kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.columns import exact, failed
from headwater.detect.fold import Batch, World
from headwater.detect.ordering import by_code, settled

Array = npt.NDArray[Any]
Make = Callable[[Batch], Array]


@dataclass(frozen=True)
class Kept:
    """A column that is kept: made by `make` of a batch (n values) from `columns` of the log.

    Where that takes something which is the same for all batches, `begin` makes `make`. Both must be functions or
    objects that can be pickled, since states wait on disk or travel. Two that are equal are one column.
    """

    name: str
    columns: tuple[str, ...]
    make: Make | None = None
    begin: Callable[[World], Make] | None = None

    def maker(self, world: World) -> Make:
        """What makes the column."""
        made = self.make if self.begin is None else self.begin(world)
        if made is None:
            raise TypeError(f"nothing makes the column {self.name}")
        return made


#: What several kinds keep: the hash of the text, and whether the answer was an error.
EXACT = Kept("exact", ("imprint",), exact)
FAILED = Kept("failed", ("status",), failed)


@dataclass
class Rows:
    """Account, time and the kept columns of rows of accounts with at least `least` exchanges, in any order."""

    #: of the whole log, by account
    volume: npt.NDArray[np.int64]
    least: int
    makers: tuple[tuple[Kept, Make], ...]
    parts: list[tuple[Array, ...]] = field(default_factory=list)
    _table: tuple[Array, ...] | None = None
    #: of each row of the table, whether another one of its account has its time
    _tied: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))

    def add(self, batch: Batch) -> None:
        """Keep the rows of a batch that count."""
        at = np.flatnonzero(self.volume[batch.account] >= self.least)
        if len(at):
            made = (make(batch)[at] for _, make in self.makers)
            self.parts.append((batch.account[at], batch.at_us[at], *made))

    def merged(self, other: Rows) -> Rows:
        """Rows of both."""
        return Rows(self.volume, self.least, self.makers, self.parts + other.parts)

    def ordered(self, workers: int = 1) -> tuple[Array, ...]:
        """Account, time and the kept columns by account, then time; no rows are added afterwards."""
        if self._table is None:
            parts, self.parts = self.parts, []
            columns = [list(column) for column in zip(*parts, strict=True)]
            del parts

            def whole(column: list[Array]) -> Array:
                out = np.concatenate(column)
                column.clear()
                return out

            with ThreadPoolExecutor(workers) as pool:
                table = list(pool.map(whole, columns))
                if table:
                    order = by_code(*table[:2])
                    table = list(pool.map(lambda at: _put(table, at, order), range(len(table))))
                    self._tied = _tied(*table[:2])
            self._table = tuple(table)
        return self._table

    def of(self, least: int, kept: Sequence[Kept]) -> tuple[Array, ...] | None:
        """Account, time and some columns of accounts with at least so many exchanges; None where there is no row.

        By account, time and then these columns: nothing else that is kept has a part in the order.
        """
        table = self.ordered()
        if not table:
            return None
        place = {one: at for at, (one, _) in enumerate(self.makers, 2)}
        wanted, tied = [*table[:2], *(table[place[one]] for one in kept)], self._tied
        if least > self.least:
            enough = np.flatnonzero(self.volume.take(table[0]) >= least)
            wanted, tied = [column.take(enough) for column in wanted], tied.take(enough)
        rows = np.flatnonzero(tied)
        some = [column.take(rows) for column in wanted]
        order = settled(some[0], some[1], *some[2:])
        if order is not None:
            for at in range(2, len(wanted)):
                wanted[at] = wanted[at].copy()
                wanted[at][rows] = some[at][order]
        return tuple(wanted) if len(wanted[0]) else None


def _put(table: list[Array], at: int, order: Array) -> Array:
    """A column of the table in order; the one that it was goes."""
    column, table[at] = table[at], table[at][:0]
    return column.take(order)


def _tied(account: Array, at_us: Array) -> npt.NDArray[np.bool_]:
    """Of rows by account and time, whether a neighbour has both in common."""
    out = np.zeros(len(account), bool)
    same = (account[1:] == account[:-1]) & (at_us[1:] == at_us[:-1])
    out[1:] |= same
    out[:-1] |= same
    return out


class Together:
    """The fold that keeps rows for several kinds of evidence."""

    def __init__(self, kept: Sequence[Kept], least: int) -> None:
        self.kept = tuple(dict.fromkeys(kept))
        self.least = least
        self.columns = tuple(sorted({column for one in self.kept for column in one.columns}))

    def joined(self, others: Sequence[Together]) -> Together:
        """One that keeps what this one and others do."""
        every = [self, *others]
        return Together([one for some in every for one in some.kept], min(some.least for some in every))

    def init(self, world: World) -> Rows:
        """No rows."""
        return Rows(world.volume, self.least, tuple((one, one.maker(world)) for one in self.kept))

    def update(self, state: Rows, batch: Batch) -> Rows:
        """Keep the rows of a batch."""
        state.add(batch)
        return state

    def merge(self, left: Rows, right: Rows) -> Rows:
        """Rows of both."""
        return left.merged(right)

    def finish(self, state: Rows, world: World) -> Rows:
        """The rows, put in order."""
        state.ordered(world.workers)
        return state


class OfRows:
    """What evidence shares that goes through rows in order: it says what is `kept`, and differs in `finish`."""

    stage = "trait"
    #: exchanges without which an account isn't judged
    least = 10
    kept: tuple[Kept, ...] = ()

    @cached_property
    def _own(self) -> Together:
        return Together(self.kept, self.least)

    @property
    def gathers(self) -> Any:
        """The fold that keeps its rows, and others'; itself, where a subclass keeps them in a way of its own."""
        own = type(self)
        alone = any(getattr(own, part) is not getattr(OfRows, part) for part in ("init", "update", "merge"))
        return self if alone else self._own

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the log."""
        return self._own.columns

    def init(self, world: World) -> Rows:
        """No rows."""
        return self._own.init(world)

    def update(self, state: Rows, batch: Batch) -> Rows:
        """Keep the rows of a batch."""
        return self._own.update(state, batch)

    def merge(self, left: Rows, right: Rows) -> Rows:
        """Rows of both."""
        return self._own.merge(left, right)
