"""Counts of an index by account, half, minute and model, made part by part and added up: a census of rows elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from headwater.engine.arranged import ACCOUNT, AT_US, HALF, MINUTE_US, MODEL, Census

Ints = npt.NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max


@dataclass
class Tally:
    """`volume` (accounts × 2), `minute` (ascending, since 1970) with `count` of each, `asked` (models, µs UTC)."""

    volume: Ints
    minute: Ints
    count: Ints
    asked: Ints
    first_us: int
    last_us: int

    @classmethod
    def of(cls, batches: Iterator[pa.RecordBatch], accounts: int, models: int) -> Tally:
        """The counts of some batches with an index, duplicates left out."""
        empty = np.empty(0, np.int64)
        out = cls(np.zeros((accounts, 2), np.int64), empty, empty, np.full(models, _NEVER), _NEVER, -_NEVER)
        for batch in batches:
            account, at_us, half, model = (
                np.asarray(batch.column(name).to_numpy()) for name in (ACCOUNT, AT_US, HALF, MODEL)
            )
            live = account >= 0
            if not live.any():
                continue
            at, named = at_us[live], live & (model >= 0)
            np.add.at(out.volume, (account[live], half[live].astype(np.int64)), 1)
            np.minimum.at(out.asked, model[named], at_us[named])
            minute, count = np.unique(at // MINUTE_US, return_counts=True)
            out.minute, out.count = _added(out.minute, out.count, minute, count)
            out.first_us, out.last_us = min(out.first_us, int(at.min())), max(out.last_us, int(at.max()))
        return out

    def merged(self, other: Tally) -> Tally:
        """The counts of both."""
        minute, count = _added(self.minute, self.count, other.minute, other.count)
        return Tally(
            self.volume + other.volume,
            minute,
            count,
            np.minimum(self.asked, other.asked),
            min(self.first_us, other.first_us),
            max(self.last_us, other.last_us),
        )


def _added(minute: Ints, count: Ints, other: Ints, more: Ints) -> tuple[Ints, Ints]:
    every, place = np.unique(np.concatenate([minute, other]), return_inverse=True)
    return every, np.bincount(place, np.concatenate([count, more]), len(every)).astype(np.int64)


def census(
    tally: Tally, rows: int, accounts: pa.Table, models: pa.Table, conflicts: Mapping[str, int]
) -> Census:
    """The census of `rows` rows; `accounts` and `models` are in order of their codes."""
    kept = int(tally.volume.sum())
    names: list[str] = accounts.column("account").to_pylist()  # type: ignore[assignment]
    asked: list[str] = models.column("model").to_pylist()  # type: ignore[assignment]
    return Census(
        rows=rows,
        accounts=tuple(names),
        organisations=tuple(accounts.column("organisation").to_pylist()),
        models=tuple(asked),
        volume=tally.volume,
        minutes=(tally.minute, tally.count),
        first_us=tally.first_us if kept else 0,
        last_us=tally.last_us if kept else 0,
        model_first_us=tally.asked,
        duplicates=rows - kept,
        shared=conflicts["shared"],
        retimed=conflicts["retimed"],
    )
