"""How many requests accounts send in each minute, hour and day: what the evidence of limits counts.

Windows are those of the clock (UTC), since that is what limits reset by. What a limit refused (429) doesn't count.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.columns import numbers
from headwater.detect.evidence.traffic.kept import Kept, Rows
from headwater.detect.fold import Batch

#: Widths of windows in seconds, by name.
WIDTHS = {"minute": 60, "hour": 3_600, "day": 86_400}
#: Windows with requests without which an account has no habit.
LEAST_WINDOWS = 5
TOO_MANY = 429


@dataclass(frozen=True)
class Windows:
    """Windows of `width_s` seconds in which anything was sent, by account (codes below `size`).

    Of the rows `which` (n), which come by `account` (n, int32), then `at_us` (n). Nearly as many as these are the
    windows, so they aren't held, but gone through when something is asked of them.
    """

    account: npt.NDArray[np.int32]
    at_us: npt.NDArray[np.int64]
    which: npt.NDArray[np.bool_]
    width_s: int
    size: int

    @cached_property
    def _all(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        none = np.zeros(self.size)
        total, peak, _ = self._through(none, none)
        return total, peak

    @property
    def total(self) -> npt.NDArray[np.int64]:
        """How many there are of each account."""
        return self._all[0]

    @property
    def peak(self) -> npt.NDArray[np.int64]:
        """The greatest count of each account."""
        return self._all[1]

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Accounts with windows enough."""
        return np.asarray(self.total >= LEAST_WINDOWS)

    def share(
        self, least: npt.NDArray[np.floating[Any]], most: npt.NDArray[np.floating[Any]]
    ) -> npt.NDArray[np.float64]:
        """Share of each account's windows that count from `least` to `most` of its own (0 where it has none)."""
        return np.asarray(self._through(least, most)[2] / np.maximum(self.total, 1))

    def _through(
        self, least: npt.NDArray[np.floating[Any]], most: npt.NDArray[np.floating[Any]]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return _through(self.account, self.at_us, self.which, self.width_s * 1_000_000, least, most)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _through(
    account: npt.NDArray[np.int32],
    at_us: npt.NDArray[np.int64],
    which: npt.NDArray[np.bool_],
    width_us: int,
    least: npt.NDArray[np.floating[Any]],
    most: npt.NDArray[np.floating[Any]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """By account: windows, the greatest count of one, and how many of them count from `least` to `most`."""
    total, peak, hit = (
        np.zeros(len(least), np.int64), np.zeros(len(least), np.int64), np.zeros(len(least), np.int64)
    )  # fmt: skip
    whose, first, room, count = -1, np.int64(0), np.int64(0), 0
    for i in range(len(account) + 1):
        if i < len(account) and not which[i]:
            continue
        if i < len(account) and account[i] == whose and at_us[i] - first < room:
            count += 1
            continue
        if count:
            total[whose] += 1
            peak[whose] = max(peak[whose], count)
            hit[whose] += least[whose] <= count <= most[whose]
        if i < len(account):
            # An account's rows only go on in time: how much of a window is left is worked out once.
            whose, first, room, count = account[i], at_us[i], width_us - at_us[i] % width_us, 1
    return total, peak, hit


def _refused(batch: Batch) -> npt.NDArray[np.bool_]:
    """Whether a limit refused a request."""
    return np.asarray(numbers(batch, "status") == TOO_MANY)


#: What evidence of limits keeps of rows beside account and time.
LIMITED = Kept("limited", ("status",), _refused)


def arrived(
    state: Rows, least: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.bool_]] | None:
    """Account, time (µs) and whether a limit let it in, by account, then time; None where there is no row."""
    rows = state.of(least, (LIMITED,))
    return None if rows is None else (rows[0], rows[1], ~rows[2])
