"""Texts that a report quotes, read again from the log: the spool of Parquet logs keeps imprints, and no prompt.

A row stands in its file where it stands in its unit, counted without the rows that were set aside. Where a file hasn't
the size and time any more that it was read at, or a text's imprint isn't its row's, nothing is quoted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from headwater.engine import Arranged
from headwater.errors import UnreadableInput
from headwater.exchange import DAMAGED, Planned, open_parquet, texts_again
from headwater.imprint import imprint
from headwater.intake import SHOWN_CHARS
from headwater.keys import ImprintKey

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Placed:
    """Files that were read as one, and where their rows stand: `rows` of them from the row `first` on.

    `states` are size and time (ns) of each file as it was read. `sink` names the rows of the files that were set aside;
    in it files may have other `names` than their paths. `every`: of all of these rows the prompt is in the log alone.
    """

    first: int
    rows: int
    planned: tuple[Planned, ...]
    states: tuple[tuple[int, int], ...]
    sink: Path
    names: Mapping[str, str]
    every: bool


@dataclass(frozen=True)
class _Piece:
    """Some rows of a file: their numbers (n) in the log, and their `places` in the file (from 0)."""

    path: Path
    state: tuple[int, int]
    rows: Ints
    places: Ints
    every: bool


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
            found: Any = self._log.take(["imprint.exact"], rows).column("imprint").combine_chunks()
            exact = found.field("exact").to_numpy()
            out.update((row, text) for row, text in self._again(rows, exact) if text)
        return out

    def _again(self, rows: Ints, exact: Hashes) -> Iterator[tuple[int, str]]:
        """Row and prompt of some rows (n, ascending) with the imprints `exact` (n), as far as the log has them."""
        pieces: list[_Piece] = []
        for unit in self._placed:
            begin, end = np.searchsorted(rows, (unit.first, unit.first + unit.rows)).tolist()
            found = _where(unit, rows[begin:end]) if begin < end else []
            pieces += found or ()
            self.lost += end - begin if found is None else 0

        def shown(texts: list[str]) -> list[tuple[str, Any]]:
            made = imprint(pa.array(texts, pa.large_string()), self._key).field("exact").to_pylist()
            return [(text[:SHOWN_CHARS], own) for text, own in zip(texts, made, strict=True)]

        of = dict(zip(rows.tolist(), exact.tolist(), strict=True))
        wanted = [(piece.path, piece.places) for piece in pieces]
        every = texts_again(wanted, "prompt", shown, workers=self._log.workers)
        for piece, texts in zip(pieces, every, strict=True):
            if texts is None or _state(piece.path) != piece.state:
                self.lost += len(piece.rows)
                continue
            good = 0
            for row, place in zip(piece.rows.tolist(), piece.places.tolist(), strict=True):
                text, own = texts.get(place, ("", None))
                if own == of[row]:
                    good += 1
                    yield row, text
            self.lost += (len(piece.rows) if piece.every else len(texts)) - good

    def _lying(self, rows: npt.NDArray[np.int64]) -> dict[int, str]:
        found = self._log.take(["prompt"], rows)
        texts = pc.utf8_slice_codeunits(found.column("prompt"), 0, SHOWN_CHARS).to_pylist()
        numbers = found.column("row").to_numpy().tolist()
        return {row: text for row, text in zip(numbers, texts, strict=True) if text}


def _where(unit: Placed, rows: Ints) -> list[_Piece] | None:
    """Where in which files of a unit the rows are; None where the files aren't what they were."""
    if any(_state(file.file.path) != state for file, state in zip(unit.planned, unit.states, strict=True)):
        return None
    try:
        gone = _set_aside(unit)
        places = [_left(file, mine) for file, mine in zip(unit.planned, gone, strict=True)]
    except (OSError, UnreadableInput, pa.ArrowException, msgspec.DecodeError):
        return None
    if sum(map(len, places)) != unit.rows:
        return None
    out, begin = [], unit.first
    for file, state, place in zip(unit.planned, unit.states, places, strict=True):
        mine = rows[(rows >= begin) & (rows < begin + len(place))]
        if len(mine):
            out.append(_Piece(file.file.path, state, mine, place[mine - begin], unit.every))
        begin += len(place)
    return out


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of a file; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _left(file: Planned, gone: Sequence[_Gone]) -> Ints:
    """Rows of a file (from 0) that were read and not set aside, in their order."""
    with open_parquet(file.file.path) as opened:
        sizes = [opened.metadata.row_group(at).num_rows for at in range(opened.metadata.num_row_groups)]
    first, end = file.groups or (0, len(sizes))
    begin = sum(sizes[:first])
    left = np.ones(sum(sizes[first:end]), bool)
    for one in gone:
        at = (one.row or 0) - 1 - begin
        if 0 <= at < len(left):
            left[slice(at, None if one.what == DAMAGED else at + 1)] = False
    return np.flatnonzero(left) + begin


class _Gone(msgspec.Struct):
    """A line of what was set aside; rows count from 1."""

    file: str | None
    row: int | None
    what: str


def _set_aside(unit: Placed) -> list[list[_Gone]]:
    """What was set aside of each file of a unit."""
    if not unit.sink.exists():
        return [[] for _ in unit.planned]
    by_name: dict[str | None, list[_Gone]] = {}
    with unit.sink.open("rb") as lines:
        for line in lines:
            one = msgspec.json.decode(line, type=_Gone)
            by_name.setdefault(one.file, []).append(one)
    if len(unit.planned) == 1:
        return [[one for some in by_name.values() for one in some]]
    names = (file.file.name for file in unit.planned)
    return [by_name.get(unit.names.get(name, name), []) for name in names]
