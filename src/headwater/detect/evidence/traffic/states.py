"""Counts by account, which add up in any order: the state of most traits of traffic (others keep rows: `kept`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.detect import counting
from headwater.detect.fold import World

#: No count of one exchange above this is believed: sums stay whole numbers in floating point.
MOST = 10_000_000


@dataclass
class Tallies:
    """Whole numbers by account: `count` (kinds × accounts, int64, or int32 where they count exchanges alone)."""

    count: npt.NDArray[Any]

    def add(self, kind: int, account: npt.NDArray[np.int32], amount: npt.NDArray[Any] | None = None) -> None:
        """One more of a kind for every entry of `account`, or as many as `amount` says (0 to MOST each)."""
        if amount is None:
            counting.count(self.count[kind], account)
        else:
            counting.add(self.count[kind], account, amount)

    def merged(self, other: Tallies) -> Tallies:
        """Both together."""
        return Tallies(self.count + other.count)


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


def shares(part: npt.NDArray[Any], whole: npt.NDArray[Any], least: float) -> npt.NDArray[np.float64]:
    """`part` of `whole` by account (float64), NaN where the whole is below `least`."""
    return np.where(whole >= least, part / np.maximum(whole, 1), np.nan)
