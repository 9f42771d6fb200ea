"""Texts that a report quotes, read again from the log: the spool of Parquet logs keeps imprints, and no prompt.

A row stands in its file where it stands in its unit, counted without the rows that were set aside. The text's imprint,
made anew, proves that it is the one: where a file has changed meanwhile, nothing is quoted rather than something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from headwater.engine import Arranged
from headwater.errors import UnreadableInput
from headwater.exchange import Planned, open_parquet, texts_again
from headwater.imprint import imprint
from headwater.intake import SHOWN_CHARS
from headwater.keys import ImprintKey

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Placed:
    """Files that were read as one, and where their rows stand: `rows` of them from the row `first` on.

    `sink` names the rows of the files that were set aside; in it files may have other `names` than their paths.
    """

    first: int
    rows: int
    planned: tuple[Planned, ...]
    sink: Path
    names: Mapping[str, str]


class Prompts:
    """The prompts of rows that are quoted: from where rows lie, or else from the log itself.

    `lost` counts those that couldn't be read again.
    """

    def __init__(self, log: Arranged, placed: Sequence[Placed], key: ImprintKey) -> None:
        self._log, self._placed, self._key = log, placed, key
        self.lost = 0

    def __call__(self, rows: npt.NDArray[np.int64]) -> Mapping[int, str]:
        out = self._lying(rows) if "prompt" in self._log.filled else {}
        rows = rows[[row not in out for row in rows.tolist()]]
        if self._placed and len(rows):
            found = self._log.take(["imprint.exact"], rows).column("imprint").combine_chunks()
            exact = found.field("exact").to_numpy()
            for unit in self._placed:
                mine = slice(*np.searchsorted(rows, (unit.first, unit.first + unit.rows)).tolist())
                if mine.start < mine.stop:
                    again, lost = _of(unit, rows[mine], exact[mine], self._key, self._log.workers)
                    self.lost += lost
                    out.update((row, text[:SHOWN_CHARS]) for row, text in again.items())
        return out

    def _lying(self, rows: npt.NDArray[np.int64]) -> dict[int, str]:
        found = self._log.take(["prompt"], rows)
        texts = pc.utf8_slice_codeunits(found.column("prompt"), 0, SHOWN_CHARS).to_pylist()
        numbers = found.column("row").to_numpy().tolist()
        return {row: text for row, text in zip(numbers, texts, strict=True) if text}


def _of(unit: Placed, rows: Ints, exact: Hashes, key: ImprintKey, workers: int) -> tuple[dict[int, str], int]:
    """The prompts of some rows (n, ascending) of a unit with the imprints `exact` (n), by row, and how many are lost."""
    try:
        gone = _set_aside(unit.sink)
        places = [_left(file, unit, gone) for file in unit.planned]
        if sum(map(len, places)) != unit.rows:  # damaged behind some row, or another file by now
            return {}, len(rows)
        found: list[tuple[int, str]] = []
        begin = unit.first
        for file, place in zip(unit.planned, places, strict=True):
            mine = rows[(rows >= begin) & (rows < begin + len(place))]
            if len(mine):
                whose = dict(zip(place[mine - begin].tolist(), mine.tolist(), strict=True))
                texts = texts_again(file.file.path, "prompt", place[mine - begin], workers=workers)
                found += [(whose[row], text) for row, text in texts.items()]
            begin += len(place)
    except (OSError, UnreadableInput, pa.ArrowException):
        return {}, len(rows)
    proved = _proved(found, dict(zip(rows.tolist(), exact.tolist(), strict=True)), key)
    return proved, len(found) - len(proved)


def _proved(found: Sequence[tuple[int, str]], exact: Mapping[int, int], key: ImprintKey) -> dict[int, str]:
    """Those texts whose imprints are those of their rows."""
    made = imprint(pa.array([text for _, text in found], pa.large_string()), key).field("exact")
    return {row: text for (row, text), own in zip(found, made.to_pylist(), strict=True) if own == exact[row]}


def _left(file: Planned, unit: Placed, gone: Sequence[tuple[str | None, int]]) -> Ints:
    """Rows of a file (from 0) that were read and not set aside, in their order."""
    with open_parquet(file.file.path) as opened:
        sizes = [opened.metadata.row_group(at).num_rows for at in range(opened.metadata.num_row_groups)]
    first, end = file.groups or (0, len(sizes))
    begin = sum(sizes[:first])
    left = np.ones(sum(sizes[first:end]), bool)
    name = unit.names.get(file.file.name, file.file.name)
    for of, row in gone:
        if (of == name or len(unit.planned) == 1) and begin < row <= begin + len(left):
            left[row - 1 - begin] = False
    return np.flatnonzero(left) + begin


def _set_aside(sink: Path) -> list[tuple[str | None, int]]:
    """File and row (from 1) of what was set aside."""
    if not sink.exists():
        return []
    lines = map(msgspec.json.decode, sink.read_bytes().splitlines())
    return [(line["file"], line["row"]) for line in lines if line["row"] is not None]
