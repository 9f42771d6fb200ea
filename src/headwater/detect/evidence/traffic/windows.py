"""How many requests accounts send in each minute, hour and day: what the evidence of limits counts.

Windows are those of the clock (UTC), since that is what limits reset by. What a limit refused (429) doesn't count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.evidence.traffic.columns import numbers
from headwater.detect.evidence.traffic.kept import Kept, Rows
from headwater.detect.evidence.traffic.states import starts
from headwater.detect.fold import Batch

#: Widths of windows in seconds, by name.
WIDTHS = {"minute": 60, "hour": 3_600, "day": 86_400}
#: Windows with requests without which an account has no habit.
LEAST_WINDOWS = 5
TOO_MANY = 429


@dataclass(frozen=True)
class Windows:
    """Windows in which anything was sent: account code (int32) and count (int64), by account, then time."""

    account: npt.NDArray[np.int32]
    count: npt.NDArray[np.int64]

    def known(self, size: int) -> npt.NDArray[np.bool_]:
        """Accounts with windows enough."""
        return np.bincount(self.account, minlength=size) >= LEAST_WINDOWS

    def peak(self, size: int) -> npt.NDArray[np.int64]:
        """The greatest count of each account."""
        out = np.zeros(size, np.int64)
        np.maximum.at(out, self.account, self.count)
        return out

    def share(self, hit: npt.NDArray[np.bool_], size: int) -> npt.NDArray[np.float64]:
        """Share of each account's windows that `hit` marks (0 where it has none)."""
        total = np.bincount(self.account, minlength=size)
        return np.bincount(self.account[hit], minlength=size) / np.maximum(total, 1)


def _refused(batch: Batch) -> npt.NDArray[np.bool_]:
    """Whether a limit refused a request."""
    return np.asarray(numbers(batch, "status") == TOO_MANY)


#: What evidence of limits keeps of rows beside account and time.
LIMITED = Kept("limited", ("status",), _refused)


def seconds(
    state: Rows, least: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.bool_]] | None:
    """Account, second of arrival and whether a limit refused it, by account, then time; None where there is no row."""
    rows = state.of(least, (LIMITED,))
    return None if rows is None else (rows[0], rows[1] // 1_000_000, rows[2])


def counted(account: npt.NDArray[np.int32], second: npt.NDArray[np.int64], width: int) -> Windows:
    """Windows of `width` seconds; rows come by account, then time."""
    first = starts(account, second // width)
    return Windows(account[first], np.diff(np.append(first, len(account))))
