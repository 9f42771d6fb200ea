"""When the members of rings sent their requests: the fold that all evidence of time shares.

Proposing looks at content and means, never at time, so evidence of time may use both halves of the sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Batch, World
from headwater.detect.ordering import by_code
from headwater.detect.pairs import pairs

#: From this share of template rows on only they are looked at.
COVER = 0.15


@dataclass
class Moments:
    """Members' rows: account code, arrival (µs), duration (µs, −1: unknown), model code, attributed or not."""

    account: list[npt.NDArray[np.int32]]
    at_us: list[npt.NDArray[np.int64]]
    took_us: list[npt.NDArray[np.int64]]
    model: list[npt.NDArray[np.int32]]
    attributed: list[npt.NDArray[np.bool_]]
    #: all rows in order, once somebody asked
    _table: Table | None = None

    @classmethod
    def none(cls) -> Moments:
        """No rows."""
        return cls([], [], [], [], [])

    def add(self, batch: Batch) -> None:
        """Keep the rows of members."""
        keep = np.flatnonzero(batch.ring >= 0)
        if not len(keep):
            return
        took = np.full(len(keep), -1, np.int64)
        if batch.has("latency_ms"):
            ms = batch.column("latency_ms")[keep].astype(np.float64)
            known = np.isfinite(ms) & (ms >= 0) & (ms < 86_400_000)
            took[known] = (ms[known] * 1000).astype(np.int64)
        self.account.append(batch.account[keep])
        self.at_us.append(batch.at_us[keep])
        self.took_us.append(took)
        self.model.append(batch.model[keep])
        self.attributed.append(batch.attributed[keep])

    def merged(self, other: Moments) -> Moments:
        """Rows of both."""
        return Moments(
            self.account + other.account,
            self.at_us + other.at_us,
            self.took_us + other.took_us,
            self.model + other.model,
            self.attributed + other.attributed,
        )

    def table(self, customer: npt.NDArray[np.int32], ring_of: npt.NDArray[np.int32]) -> Table:
        """All rows by ring, customer, then time.

        Several accounts of one organisation are one customer: that a customer's own keys work together is no trace of
        a hidden hand. `customer` and `ring_of` map account codes to customers and to rings.
        """
        if self._table is None:
            self._table = self._ordered(customer, ring_of)
        return self._table

    def _ordered(self, customer: npt.NDArray[np.int32], ring_of: npt.NDArray[np.int32]) -> Table:
        if not self.account:
            empty = np.empty(0, np.int64)
            code = empty.astype(np.int32)
            return Table(code, code, empty, empty, code, empty.astype(bool))
        account, at_us = np.concatenate(self.account), np.concatenate(self.at_us)
        took, model = np.concatenate(self.took_us), np.concatenate(self.model)
        attributed = np.concatenate(self.attributed)
        place = pairs(ring_of, customer).place
        order = by_code(place[account], at_us, took, model, attributed)
        return Table(ring_of[account], customer[account], at_us, took, model, attributed).where(order)


@dataclass(frozen=True)
class Table:
    """Rows sorted by ring, customer, then time: what a customer's accounts in other rings send is apart."""

    ring: npt.NDArray[np.int32]
    customer: npt.NDArray[np.int32]
    at_us: npt.NDArray[np.int64]
    took_us: npt.NDArray[np.int64]
    model: npt.NDArray[np.int32]
    attributed: npt.NDArray[np.bool_]

    def where(self, keep: npt.NDArray[Any]) -> Table:
        """The rows that are kept (a mask), or the rows in another order."""
        return Table(
            self.ring[keep],
            self.customer[keep],
            self.at_us[keep],
            self.took_us[keep],
            self.model[keep],
            self.attributed[keep],
        )

    def of(
        self, ring: int, customers: npt.NDArray[np.int32]
    ) -> tuple[list[npt.NDArray[np.int64]], list[npt.NDArray[np.int64]] | None]:
        """Times of each customer (ascending codes) in a ring, and durations, or None unless nearly all are known.

        Where a fair share of the rows fills the ring's templates only those count: the rest may be cover, and an
        account's own business hides the dispatcher's.
        """
        first, last = np.searchsorted(self.ring, [ring, ring + 1])
        mine = self.customer[first:last]
        low = first + np.searchsorted(mine, customers, side="left")
        high = first + np.searchsorted(mine, customers, side="right")
        every = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
        rows = sum(len(s) for s in every)
        filled = [s[self.attributed[s]] for s in every]
        spans = filled if sum(len(s) for s in filled) > COVER * rows else every
        took = [self.took_us[s] for s in spans]
        known = sum(int((t >= 0).sum()) for t in took)
        total = sum(len(t) for t in took)
        durations = [np.maximum(t, 0) for t in took] if total and known >= 0.95 * total else None
        return [self.at_us[s] for s in spans], durations


class _Kept:
    columns: tuple[str, ...] = ("latency_ms",)

    def init(self, world: World) -> Moments:
        """No rows."""
        return Moments.none()

    def update(self, state: Moments, batch: Batch) -> Moments:
        """Keep members' rows."""
        state.add(batch)
        return state

    def merge(self, left: Moments, right: Moments) -> Moments:
        """Rows of both."""
        return left.merged(right)


class Gathering(_Kept):
    """The fold that keeps members' moments, once for all evidence that reads them."""

    def finish(self, state: Moments, world: World) -> Moments:
        """The moments, put in order."""
        state.table(world.customer, world.context["ring_of"])
        return state


class Timed(_Kept):
    """What folds of evidence from time share: they differ in `finish`."""

    stage = "confirm"
    gathers = Gathering()
