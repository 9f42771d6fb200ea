"""Texts that a report quotes, read again from the log: the spool of Parquet logs keeps imprints, and no prompt.

A row stands in its file where it stands in its unit, counted without the rows that were set aside. The text's imprint,
made anew, proves that it is the one: where a file has changed meanwhile, nothing is quoted rather than something else.
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
            found: Any = self._log.take(["imprint.exact"], rows).column("imprint").combine_chunks()
            exact = found.field("exact").to_numpy()
            out.update((row, text[:SHOWN_CHARS]) for row, text in self._again(rows, exact))
        return out

    def _again(self, rows: Ints, exact: Hashes) -> Iterator[tuple[int, str]]:
        """Row and prompt of some rows (n, ascending) with the imprints `exact` (n), as far as the log has them."""
        wanted: list[tuple[Path, Ints]] = []
        whose: list[Ints] = []
        for unit in self._placed:
            begin, end = np.searchsorted(rows, (unit.first, unit.first + unit.rows)).tolist()
            if begin == end:
                continue
            files = _where(unit, rows[begin:end])
            if files is None:
                self.lost += end - begin
            for path, mine, places in files or ():
                wanted.append((path, places))
                whose.append(mine)
        of = dict(zip(rows.tolist(), exact.tolist(), strict=True))
        every = texts_again(wanted, "prompt", workers=self._log.workers)
        for mine, (_, places), texts in zip(whose, wanted, every, strict=True):
            if texts is None:
                self.lost += len(mine)
                continue
            row = dict(zip(places.tolist(), mine.tolist(), strict=True))
            proved = _proved([(row[place], text) for place, text in texts.items()], of, self._key)
            self.lost += len(texts) - len(proved)
            yield from proved.items()

    def _lying(self, rows: npt.NDArray[np.int64]) -> dict[int, str]:
        found = self._log.take(["prompt"], rows)
        texts = pc.utf8_slice_codeunits(found.column("prompt"), 0, SHOWN_CHARS).to_pylist()
        numbers = found.column("row").to_numpy().tolist()
        return {row: text for row, text in zip(numbers, texts, strict=True) if text}


def _where(unit: Placed, rows: Ints) -> list[tuple[Path, Ints, Ints]] | None:
    """Files of a unit with those of the rows that each has, and their places in it (from 0).

    None where the files aren't what they were.
    """
    try:
        gone = _set_aside(unit.sink)
        places = [_left(file, unit, gone) for file in unit.planned]
    except (OSError, UnreadableInput, pa.ArrowException, msgspec.DecodeError):
        return None
    if sum(map(len, places)) != unit.rows:
        return None
    out, begin = [], unit.first
    for file, place in zip(unit.planned, places, strict=True):
        mine = rows[(rows >= begin) & (rows < begin + len(place))]
        if len(mine):
            out.append((file.file.path, mine, place[mine - begin]))
        begin += len(place)
    return out


def _proved(found: Sequence[tuple[int, str]], exact: Mapping[int, int], key: ImprintKey) -> dict[int, str]:
    """Those texts whose imprints are those of their rows."""
    made = imprint(pa.array([text for _, text in found], pa.large_string()), key).field("exact")
    return {row: text for (row, text), own in zip(found, made.to_pylist(), strict=True) if own == exact[row]}


def _left(file: Planned, unit: Placed, gone: Sequence[_Gone]) -> Ints:
    """Rows of a file (from 0) that were read and not set aside, in their order."""
    with open_parquet(file.file.path) as opened:
        sizes = [opened.metadata.row_group(at).num_rows for at in range(opened.metadata.num_row_groups)]
    first, end = file.groups or (0, len(sizes))
    begin = sum(sizes[:first])
    left = np.ones(sum(sizes[first:end]), bool)
    name = unit.names.get(file.file.name, file.file.name)
    for one in gone:
        if one.row is not None and (one.file == name or len(unit.planned) == 1):
            at = one.row - 1 - begin
            if 0 <= at < len(left):
                left[slice(at, None if one.what == DAMAGED else at + 1)] = False
    return np.flatnonzero(left) + begin


class _Gone(msgspec.Struct):
    """A line of what was set aside; rows count from 1."""

    file: str | None
    row: int | None
    what: str


def _set_aside(sink: Path) -> list[_Gone]:
    """What was set aside."""
    if not sink.exists():
        return []
    return [msgspec.json.decode(line, type=_Gone) for line in sink.read_bytes().splitlines()]
