"""A log as a whole: counts by account, half, minute and model, made part by part and added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

MINUTE_US = 60_000_000
#: Minutes beyond which they are sorted instead of counted in place: a few rows may be of another century.
_IN_PLACE = 4_000_000
_NEVER = int(np.iinfo(np.int64).max)
Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Census:
    """A log as a whole, duplicates left out: names behind codes, and counts by account, half and minute.

    `volume` (accounts × 2) counts exchanges by half, `minutes` (minutes since 1970, ascending, and exchanges of each).
    `duplicates` rows were left out, of which `retimed` name another time than the row that was kept; `shared`
    exchanges have an id that another one has too. `rows` counts everything, duplicates included.
    """

    rows: int
    accounts: tuple[str, ...]
    organisations: tuple[str | None, ...]
    models: tuple[str, ...]
    volume: Ints
    minutes: tuple[Ints, Ints]
    first_us: int
    last_us: int
    #: when each model was first asked (µs UTC)
    model_first_us: Ints
    duplicates: int
    shared: int
    retimed: int


@dataclass(frozen=True)
class Tally:
    """The counts of some rows: as in `Census`, `asked` being when each model was first asked (µs UTC)."""

    volume: Ints
    minute: Ints
    count: Ints
    asked: Ints
    first_us: int
    last_us: int

    @classmethod
    def of(
        cls, account: Numbers, at_us: Ints, half: Numbers, model: Numbers, *, accounts: int, models: int
    ) -> Tally:
        """From columns of the index (n each); rows without an account are duplicates."""
        volume, asked = np.zeros((accounts, 2), np.int64), np.full(models, _NEVER)
        first, last = _counted(account, at_us, half, model, volume, asked)
        if first > last:
            return cls(volume, *_by_minute(at_us[:0]), asked, first, last)
        begin, size = first // MINUTE_US, last // MINUTE_US - first // MINUTE_US + 1
        if size >= _IN_PLACE:
            return cls(volume, *_by_minute(at_us[account >= 0] // MINUTE_US), asked, first, last)
        counts = np.zeros(size, np.int64)
        _minutes(account, at_us, begin, counts)
        minute = np.flatnonzero(counts)
        return cls(volume, minute + begin, counts[minute], asked, first, last)

    def merged(self, other: Tally) -> Tally:
        """The counts of both."""
        minute, place = np.unique(np.concatenate([self.minute, other.minute]), return_inverse=True)
        count = np.bincount(place, np.concatenate([self.count, other.count]), len(minute))
        return Tally(
            self.volume + other.volume,
            minute,
            count.astype(np.int64),
            np.minimum(self.asked, other.asked),
            min(self.first_us, other.first_us),
            max(self.last_us, other.last_us),
        )

    def census(
        self,
        rows: int,
        accounts: Sequence[str],
        organisations: Sequence[str | None],
        models: Sequence[str],
        *,
        shared: int,
        retimed: int,
    ) -> Census:
        """The census of a log of `rows` rows, duplicates included; names are in order of their codes."""
        kept = int(self.volume.sum())
        return Census(
            rows=rows,
            accounts=tuple(accounts),
            organisations=tuple(organisations),
            models=tuple(models),
            volume=self.volume,
            minutes=(self.minute, self.count),
            first_us=self.first_us if kept else 0,
            last_us=self.last_us if kept else 0,
            model_first_us=self.asked,
            duplicates=rows - kept,
            shared=shared,
            retimed=retimed,
        )


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _counted(
    account: Numbers, at_us: Ints, half: Numbers, model: Numbers, volume: Ints, asked: Ints
) -> tuple[int, int]:
    """Count rows by account and half, and keep each model's first time; the first and last time of all."""
    first, last = _NEVER, -_NEVER
    for row in range(len(account)):
        if account[row] >= 0:
            at = at_us[row]
            volume[account[row], int(half[row] == 1)] += 1
            first, last = min(first, at), max(last, at)
            if model[row] >= 0 and at < asked[model[row]]:
                asked[model[row]] = at
    return first, last


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _minutes(account: Numbers, at_us: Ints, begin: int, counts: Ints) -> None:
    """Count rows by minute, from the minute `begin` on."""
    for row in range(len(account)):
        if account[row] >= 0:
            counts[at_us[row] // MINUTE_US - begin] += 1


def _by_minute(minute: Ints) -> tuple[Ints, Ints]:
    """The different minutes, ascending, and how often each is there: of times that lie far apart."""
    found, count = np.unique(minute, return_counts=True)
    return found, count.astype(np.int64)
