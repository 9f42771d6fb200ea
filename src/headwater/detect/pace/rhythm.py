"""What is usual for a group at this time of day (of the week), and whether everyone else went on.

Counts in windows in, expected counts out. Nothing here knows accounts or judges a silence; `purse` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
    mean, _ = _nearby(background.astype(np.float64), grid)
    level = np.divide(background, mean, out=np.zeros_like(mean), where=mean >= NEEDED_BACKGROUND)
    return np.where(level < EVERYONE, 0.0, np.minimum(level, 1.0))


def expected(counts: Float, going: Float, grid: Grid) -> Float:
    """Arrivals to expect in each window, 0 where the group is not usually active or everyone paused."""
    mean, share = _nearby(counts, grid)
    usual = share >= USUAL_SHARE
    if not grid.weekly:
        usual &= _no_weekend(counts, usual, grid)
    return np.where(usual, mean * going, 0.0)


def _nearby(counts: Float, grid: Grid) -> tuple[Float, Float]:
    """(mean of, share active in) nearby periods at the same time, a window's own period left out."""
    table = counts.reshape(grid.periods, grid.period)
    mean, share = np.empty_like(table), np.empty_like(table)
    wide = 2 * NEARBY + 1
    for k in range(grid.periods):
        low = min(max(0, k - NEARBY), max(0, grid.periods - wide))
        near = [j for j in range(low, min(grid.periods, low + wide)) if j != k]
        mean[k], share[k] = table[near].mean(axis=0), (table[near] > 0).mean(axis=0)
    return mean.ravel(), share.ravel()


def _no_weekend(counts: Float, usual: npt.NDArray[np.bool_], grid: Grid) -> npt.NDArray[np.bool_]:
    """Where days are compared with days: at work a week before or after, or for half of that same day."""
    active = (counts > 0).reshape(grid.periods, grid.period)
    asked = usual.reshape(grid.periods, grid.period)
    worked = 2 * (active & asked).sum(axis=1) >= np.maximum(asked.sum(axis=1), 1)
    partner = np.zeros_like(active)
    partner[7:] |= active[:-7]
    partner[:-7] |= active[7:]
    at_work: npt.NDArray[np.bool_] = (partner | worked[:, None]).ravel()
    return at_work
