"""What is usual for a group at this time of day (of the week), and whether everyone else went on.

Counts in windows in, expected counts out. Nothing here knows accounts or judges a silence; `purse` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from headwater.detect.pace import axis as ax

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]

#: A time of day (of the week) counts as usual if the group was active then in this share of nearby periods.
USUAL_SHARE = 0.8
#: How many periods before and after say what is usual.
NEARBY = 3
#: Below this share of its usual level, everyone paused.
EVERYONE = 0.7
#: The group's arrivals wanted in an average window, and others' needed for their level to be known.
WANTED_ARRIVALS, NEEDED_BACKGROUND = 4.0, 8.0
#: Fewest days, and days from which weeks are compared with weeks.
LEAST_DAYS, WEEKLY_DAYS = 5, 28
#: A longer window says nothing about a time of day.
LONGEST_WINDOW_US = 6 * ax.HOUR_US


@dataclass(frozen=True)
class Grid:
    """Windows of `width_us` from `start_us`: `periods` whole days, or weeks where `weekly`, of `period` each.

    Window k holds the bins `first + k·merged` … of the log's own binning.
    """

    start_us: int
    width_us: int
    first: int
    merged: int
    period: int
    periods: int
    weekly: bool

    @property
    def size(self) -> int:
        """Number of windows."""
        return self.period * self.periods

    def gather(self, counts_per_bin: Int) -> Int:
        """Counts of the log's bins summed into windows."""
        used = np.asarray(counts_per_bin[self.first : self.first + self.merged * self.size], np.int64)
        summed: Int = used.reshape(-1, self.merged).sum(axis=1)
        return summed


def grid_of(times_us: Int, bin_us: int, origin_us: int, bins: int) -> Grid | None:
    """The grid for a group's arrivals on a log of `bins` bins; None where it is too short or too thin."""
    low, high = np.quantile(times_us, [0.005, 0.995])
    first, last = max(0, int((low - origin_us) // bin_us)), min(bins, int((high - origin_us) // bin_us) + 1)
    per_day = ax.DAY_US // bin_us
    days = (last - first) // per_day
    if days < LEAST_DAYS:
        return None
    wanted = WANTED_ARRIVALS * (last - first) / len(times_us)
    merged = next((m for m in range(1, per_day + 1) if per_day % m == 0 and m >= wanted), per_day)
    if merged * bin_us > LONGEST_WINDOW_US:
        return None
    weekly = days >= WEEKLY_DAYS
    period, periods = (per_day // merged * 7, days // 7) if weekly else (per_day // merged, days)
    return Grid(origin_us + first * bin_us, merged * bin_us, first, merged, period, periods, weekly)


def going_on(background: Int, grid: Grid) -> Float:
    """Share of their usual activity that everyone else kept in each window, at most 1.

    0 where they paused, and where they are too few to tell: neither can then be held against a group.
    """
    mean, _ = _nearby(background.astype(np.float64), grid.period)
    level = np.divide(background, mean, out=np.zeros_like(mean), where=mean >= NEEDED_BACKGROUND)
    return np.where(level < EVERYONE, 0.0, np.minimum(level, 1.0))


def expected(counts: Float, going: Float, grid: Grid) -> Float:
    """Arrivals to expect in each window, 0 where the group is not usually active or everyone paused."""
    mean, share = _nearby(counts, grid.period)
    usual = share >= USUAL_SHARE
    if not grid.weekly:
        _drop_weekends(counts, usual, grid.period)
    return np.where(usual, mean * going, 0.0)


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _nearby(counts, period):  # type: ignore[no-untyped-def]
    """(mean of, share active in) nearby periods at the same time, a window's own period left out."""
    mean, share = np.empty(len(counts)), np.empty(len(counts))
    periods, wide = len(counts) // period, 2 * NEARBY + 1
    total, active, low, high = np.zeros(period), np.zeros(period), 0, 0
    for one in range(periods):
        begin = min(max(0, one - NEARBY), max(0, periods - wide))
        # sums of whole numbers, so that taking one away leaves nothing of it
        for old in range(low, begin):
            _enter(counts[old * period :], total, active, -1)
        end = min(periods, begin + wide)
        for new in range(high, end):
            _enter(counts[new * period :], total, active, 1)
        low, high = begin, end
        for k in range(period):
            at = one * period + k
            mean[at] = (total[k] - counts[at]) / (high - low - 1)
            share[at] = (active[k] - (counts[at] > 0)) / (high - low - 1)
    return mean, share


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _enter(counts, total, active, sign):  # type: ignore[no-untyped-def]
    """Add (or take away) one period."""
    for k in range(len(total)):
        total[k] += sign * counts[k]
        active[k] += sign * (counts[k] > 0)


@njit(cache=True, nogil=True)  # type: ignore[misc,unused-ignore]
def _drop_weekends(counts, usual, period):  # type: ignore[no-untyped-def]
    """Leave usual what was at work a week before or after, or for half of that same day."""
    week = 7 * period
    for day in range(0, len(counts), period):
        asked = worked = 0
        for k in range(day, day + period):
            asked += usual[k]
            worked += usual[k] and counts[k] > 0
        if 2 * worked >= max(asked, 1):
            continue
        for k in range(day, day + period):
            before = k >= week and counts[k - week] > 0
            after = k + week < len(counts) and counts[k + week] > 0
            usual[k] = usual[k] and (before or after)
