"""The two shapes that the state of a trait of traffic has: counts by account, and rows kept until they can be sorted.

Both add up in any order. Rows of accounts that sent too few exchanges to be judged are never kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.detect import counting
from headwater.detect.fold import Batch, World
from headwater.detect.ordering import by_code

#: No count of one exchange above this is believed: sums stay whole numbers in floating point.
MOST = 10_000_000


@dataclass
class Tallies:
    """Whole numbers by account: `count` (kinds × accounts, int64)."""

    count: npt.NDArray[np.int64]

    def add(self, kind: int, account: npt.NDArray[np.int32], amount: npt.NDArray[Any] | None = None) -> None:
        """One more of a kind for every entry of `account`, or as many as `amount` says (0 to MOST each)."""
        if amount is None:
            counting.count(self.count[kind], account)
        else:
            counting.add(self.count[kind], account, amount)

    def merged(self, other: Tallies) -> Tallies:
        """Both together."""
        return Tallies(self.count + other.count)


@dataclass
class Rows:
    """Columns of the rows of accounts with exchanges enough: `enough` (accounts), `parts` in order of arrival."""

    enough: npt.NDArray[np.bool_]
    parts: list[tuple[npt.NDArray[Any], ...]] = field(default_factory=list)

    def add(
        self, batch: Batch, *columns: npt.NDArray[Any], where: npt.NDArray[np.bool_] | None = None
    ) -> None:
        """Keep account and these columns (n each) of rows that count, and of those only rows in `where`."""
        keep = self.enough[batch.account]
        keep = keep if where is None else keep & where
        if keep.any():
            self.parts.append((batch.account[keep], *(c[keep] for c in columns)))

    def merged(self, other: Rows) -> Rows:
        """Rows of both."""
        return Rows(self.enough, self.parts + other.parts)

    def ordered(self) -> tuple[npt.NDArray[Any], ...] | None:
        """The columns by account, then by each further column in turn (None: there is no row)."""
        if not self.parts:
            return None
        columns = [np.concatenate([part[i] for part in self.parts]) for i in range(len(self.parts[0]))]
        order = by_code(*columns)
        return tuple(c[order] for c in columns)


class OfTallies:
    """What traits share that count by account: `kinds` of counts; they differ in `update` and `finish`."""

    stage = "trait"
    kinds = 1

    def init(self, world: World) -> Tallies:
        """Nothing counted."""
        return Tallies(np.zeros((self.kinds, world.size), np.int64))

    def merge(self, left: Tallies, right: Tallies) -> Tallies:
        """Add two states."""
        return left.merged(right)


class OfRows:
    """What traits share that keep rows of accounts with `least` exchanges; they differ in `update` and `finish`."""

    stage = "trait"
    least = 10

    def init(self, world: World) -> Rows:
        """No rows."""
        return Rows(world.volume >= self.least)

    def merge(self, left: Rows, right: Rows) -> Rows:
        """Rows of both."""
        return left.merged(right)


def shares(part: npt.NDArray[Any], whole: npt.NDArray[Any], least: float) -> npt.NDArray[np.float64]:
    """`part` of `whole` by account (float64), NaN where the whole is below `least`."""
    return np.where(whole >= least, part / np.maximum(whole, 1), np.nan)


def starts(*columns: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Where a new combination of values begins, in columns that are sorted together."""
    new = np.ones(len(columns[0]), bool)
    new[1:] = False
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)
