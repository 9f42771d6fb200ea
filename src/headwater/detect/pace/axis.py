"""The time axis on which a group's steadiness is measured: joint pauses cut out, edges of bursts marked.

Knows times only. How many requests fall where, and what that means, is left to `steadiness` and `pool`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int = npt.NDArray[np.int64]

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
WEEK_US = 7 * DAY_US
#: A window holds about this many arrivals of the group.
ARRIVALS_PER_WINDOW = 10
#: A silence of the whole group longer than this many windows is a pause.
PAUSE_WINDOWS = 5


@dataclass(frozen=True)
class Axis:
    """Active time: real spans [starts, ends] in µs laid end to end.

    `offsets[k]` is where span k begins on the axis, `length` its total length. `daily` says that only whole
    days were removed, so that the time of day survives on the axis.
    """

    starts: Int
    ends: Int
    offsets: Int
    length: int
    daily: bool

    def place(self, times_us: Int) -> Int:
        """Axis positions (µs from 0) of real times inside the spans."""
        span = np.clip(np.searchsorted(self.starts, times_us, side="right") - 1, 0, None)
        return self.offsets[span] + (times_us - self.starts[span])

    def room(self, times_us: Int) -> Int:
        """Time in µs from each real time to the end of its span."""
        span = np.clip(np.searchsorted(self.starts, times_us, side="right") - 1, 0, None)
        return self.ends[span] - times_us

    def edges(self) -> Int:
        """Axis positions where a burst begins or ends."""
        return np.append(self.offsets, self.length)


def usual_window(union_us: Int) -> tuple[int, int]:
    """(window, pause) in µs for sorted arrivals of a group: ten arrivals, and the silence that is a pause.

    The window is the mean over active time; active time is what lies between pauses; a pause is a gap of
    more than five windows. The three are settled by iteration from the longest axis downwards.
    """
    gaps = np.diff(union_us)
    if not len(gaps) or union_us[-1] == union_us[0]:
        return 1, 1
    active, pause = int(union_us[-1] - union_us[0]), 0
    count = len(gaps)
    for _ in range(20):
        window = max(1, ARRIVALS_PER_WINDOW * active // max(1, count))
        pause = PAUSE_WINDOWS * window
        kept = gaps[gaps <= pause]
        shorter = int(kept.sum())
        if shorter == active or not len(kept):
            break
        active, count = shorter, len(kept)
    return window, pause


def cut(union_us: Int, pause_us: int, *, daily: bool) -> Axis:
    """The axis of sorted arrivals, cut wherever nobody was active for longer than `pause_us`.

    With `daily`, a pause loses its whole days only: what is left of it stays on the axis.
    """
    gaps = np.diff(union_us)
    if daily:
        lost = np.where(gaps > pause_us, (gaps // DAY_US) * DAY_US, 0)
        breaks = np.flatnonzero(lost > 0)
        left = gaps[breaks] - lost[breaks]
    else:
        breaks = np.flatnonzero(gaps > pause_us)
        left = np.zeros(len(breaks), np.int64)
    starts = union_us[np.concatenate(([0], breaks + 1))]
    ends = union_us[np.concatenate((breaks, [len(union_us) - 1]))]
    ends[:-1] += left
    lengths = ends - starts
    offsets = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    return Axis(starts, ends, offsets.astype(np.int64), int(lengths.sum()), daily)


def whole(window_us: int) -> int:
    """The window that divides a day, or is a number of days, nearest to `window_us`."""
    if window_us < DAY_US:
        return DAY_US // round(DAY_US / window_us)
    return DAY_US * round(window_us / DAY_US)
