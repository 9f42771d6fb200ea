"""When every account sent something, by half hours: what all evidence of joint runs is read from.

Requests beyond an account's usual ones of that hour, as everybody's traffic swings: people keep their hours and share
outages and holidays; what is left of two strangers has nothing to do with each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.detect.fold import Batch, World
from headwater.detect.spans import rows_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Where the world keeps the beats.
BEATS = "beats"
DAY_US = 86_400_000_000
WINDOW_US = 1_800_000_000
A_DAY = DAY_US // WINDOW_US
#: Accounts active in a window against that hour's usual number, at least and at most; windows that are seen together,
#: and deviations from which single hours count.
SWING, NEAR, STANDS_OUT = (0.1, 3.0), 7, 4.0
#: Days in a row that are looked at, at most.
MOST_DAYS = 120
#: Pairs kept before they are counted.
BUFFER = 4_000_000


@dataclass(frozen=True)
class Days:
    """Every other day of a log: `first` is its first day (days since 1970), `count` how many there are."""

    first: int
    count: int

    def of(self, window: Ints) -> tuple[npt.NDArray[np.bool_], Ints, Ints]:
        """Which windows lie on these days, and of those the day's place and the window's place in it."""
        day = window // A_DAY - self.first
        here = (day >= 0) & (day % 2 == 0) & (day < 2 * self.count)
        return here, day[here] // 2, window[here] % A_DAY


@dataclass(frozen=True)
class Beats:
    """Requests by account and window: `account` (ascending), `window` (since 1970, of WINDOW_US), `times`."""

    account: npt.NDArray[np.int32]
    window: Ints
    times: Ints

    def days(self, odd: bool) -> Days:
        """The days of the log with even numbers since 1970, or with odd ones; of the MOST_DAYS busiest in a row."""
        if not len(self.window):
            return Days(0, 0)
        every = np.bincount(self.window // A_DAY - self.window.min() // A_DAY, self.times)
        first, last = int(self.window.min()) // A_DAY, int(self.window.max()) // A_DAY
        if len(every) > MOST_DAYS:
            inside = np.convolve(every, np.ones(MOST_DAYS), "valid")
            first += int(np.argmax(inside))
            last = first + MOST_DAYS - 1
        first += (first % 2 == 1) != odd
        return Days(first, max(0, (last - first) // 2 + 1))

    def swing(self, days: Days, outside: npt.NDArray[np.bool_]) -> Floats:
        """How busy the accounts `outside` were against that hour's usual (days × windows): days, and what stands out.

        Of single hours only what chance can't be: the noise of a swing would be common to all groups, as runs are.
        """
        if not days.count:
            return np.empty((0, A_DAY))
        here, day, place = days.of(self.window)
        keep = outside[self.account[here]]
        every = np.zeros((days.count, A_DAY))
        np.add.at(every, (day[keep], place[keep]), 1.0)
        by_day = every.sum(axis=1, keepdims=True)
        by_day = (by_day + 1) / (by_day.mean() + 1)
        usual = every.mean(axis=0, keepdims=True) * by_day
        near = np.ones(NEAR)
        seen, due = (np.apply_along_axis(np.convolve, 1, x, near, "same") for x in (every, usual))
        stands_out = np.abs(seen - due) > STANDS_OUT * np.sqrt(due + 1)
        return np.asarray(np.clip(by_day * np.where(stands_out, (seen + 0.5) / (due + 0.5), 1.0), *SWING))

    def of(self, accounts: Ints) -> Beats:
        """The requests of some accounts (ascending codes)."""
        rows = rows_of(self.account, accounts)
        return Beats(self.account[rows], self.window[rows], self.times[rows])

    def counts(self, group: npt.NDArray[np.integer[Any]], groups: int, days: Days) -> Floats:
        """Requests of each group (groups × days × windows); `group` of each account, or −1."""
        return self.grouped(group[self.account], groups, days)

    def grouped(self, owner: npt.NDArray[np.integer[Any]], groups: int, days: Days) -> Floats:
        """The same, where the `owner` of each row is known."""
        here, day, place = days.of(self.window)
        of = owner[here]
        out = np.zeros((groups, days.count, A_DAY))
        told = of >= 0
        np.add.at(out, (of[told], day[told], place[told]), self.times[here][told])
        return out


def beyond_usual(counts: Floats, swing: Floats) -> Floats:
    """Requests beyond the usual ones of the hour, as everybody's traffic swings (groups × days × windows)."""
    return np.asarray(counts - counts.mean(axis=1, keepdims=True) * swing) if counts.shape[1] else counts


def turned(beyond: Floats, lags: Ints) -> Floats:
    """Each group's days begun so many later, those before them put last: it keeps its hours, and no day's company."""
    days = beyond.shape[1]
    return np.asarray(beyond[np.arange(len(beyond))[:, None], (np.arange(days) + lags[:, None]) % days])


@dataclass
class _Pairs:
    key: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    times: list[Ints] = field(default_factory=list)
    held: int = 0


class Beating:
    """The fold that counts requests by account and window."""

    columns: tuple[str, ...] = ()

    def init(self, world: World) -> _Pairs:
        """No requests."""
        return _Pairs()

    def update(self, state: _Pairs, batch: Batch) -> _Pairs:
        """Count all rows."""
        key = batch.account.astype(np.uint64) << np.uint64(32) | (batch.at_us // WINDOW_US).astype(np.uint64)
        found, times = np.unique(key, return_counts=True)
        return self._kept(state, found, times)

    def merge(self, left: _Pairs, right: _Pairs) -> _Pairs:
        """Counts of both."""
        for key, times in zip(right.key, right.times, strict=True):
            left = self._kept(left, key, times)
        return left

    def _kept(self, state: _Pairs, key: npt.NDArray[np.uint64], times: Ints) -> _Pairs:
        state.key.append(key)
        state.times.append(times)
        state.held += len(key)
        if state.held > BUFFER:
            key, times = _summed(state)
            state = _Pairs([key], [times], 0)
        return state

    def finish(self, state: _Pairs, world: World) -> Beats:
        """Sorted by account, then window."""
        key, times = _summed(state)
        account = (key >> np.uint64(32)).astype(np.int32)
        return Beats(account, (key & np.uint64(0xFFFFFFFF)).astype(np.int64), times)


def _summed(state: _Pairs) -> tuple[npt.NDArray[np.uint64], Ints]:
    if not state.key:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    key, place = np.unique(np.concatenate(state.key), return_inverse=True)
    return key, np.bincount(place, np.concatenate(state.times), len(key)).astype(np.int64)
