"""Rows of CSV files as records, for readers that take one record at a time.

A row that cannot be decoded becomes a BadRow and the next one is read. A quote that nobody closed swallows the
rows behind it: they are read again without the row that opened it. So are the lines of a row that is longer than the
longest that is read (64 MiB, which no API takes as a prompt).
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from headwater.errors import BadRow, UnreadableInput, Where
from headwater.exchange import streams
from headwater.exchange.parquet import only_once

#: Bytes that a line costs in memory beside its text.
_LINE: Final = 32
_DAMAGED: Final = "write or fetch the file again; the rows before it were read"
_LINE_ENDS: Final = "lines end in LF or CRLF, and the first one names the columns"
_QUOTES: Final = "a cell that holds a quote, a separator or a line end stands in quotes, its quotes doubled"


class Lines:
    """Physical lines, with those of the row at hand kept so that they can be given again."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self._again: deque[str] = deque()
        self._given_again = 0
        self._held: list[str] = []
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._source)
        self._size += len(line) + _LINE
        if self._size > streams.LIMIT and self._held:
            self._held.append(line)
            raise csv.Error("it does not end")
        self._held.append(line)
        return line

    def begin(self) -> None:
        """A new row starts here."""
        self._held.clear()
        self._size = 0

    def without_first(self) -> int:
        """Give the lines of this row again but for the first; how many lines are given up, at least one.

        What is given again in one file is bounded: otherwise a hostile one would be read once a line.
        """
        if len(self._held) == 1:
            return 1
        self._given_again += self._size
        if self._given_again > 4 * streams.LIMIT:
            return len(self._held)
        self._again.extendleft(reversed(self._held[1:]))
        return 1


def csv_records(path: Path) -> Iterator[tuple[Where, object] | BadRow]:
    """Rows of a CSV file by its header; empty cells are null. Separator: comma, semicolon or tab.

    Raises UnreadableInput where the header is none.
    """
    csv.field_size_limit(streams.LIMIT)
    source = _text_lines(path)
    number = 0
    try:
        first = next(source, None)
        if first is None:
            return
        separator = max(",;\t", key=first.count)
        lines = Lines(source)
        header = _header(first, lines, separator, path)
        while True:
            number += 1
            where = Where(str(path), number)
            lines.begin()
            try:
                # Fresh for each row that fails: its state is somewhere inside that row.
                for cells in csv.reader(lines, delimiter=separator, strict=True):
                    if cells:
                        if len(cells) == len(header):
                            yield _csv_record(header, cells, where)
                        else:
                            what = f"has {len(cells):,} cells where the header has {len(header):,}"
                            yield _lost(what, where, lines.without_first())
                        number += 1
                        where = Where(str(path), number)
                    lines.begin()
                return
            except csv.Error as fault:
                yield _lost(f"is no row of CSV ({fault})", where, lines.without_first())
    except streams.TornError as torn:
        yield BadRow(str(torn), Where(str(path), number), _DAMAGED)


def _lost(what: str, where: Where, lines: int) -> BadRow:
    told = what if lines == 1 else f"{what}; {lines - 1:,} lines behind it go with it"
    return BadRow(told, where, _QUOTES, lines)


def _header(first: str, lines: Lines, separator: str, path: Path) -> list[str]:
    try:
        header = next(csv.reader(chain((first,), lines), delimiter=separator, strict=True), [])
    except csv.Error as fault:
        what = "its first line is no header of a CSV file"
        raise UnreadableInput(what, where=Where(str(path)), hint=_LINE_ENDS) from fault
    only_once(header, Where(str(path)))
    return header


def _csv_record(header: list[str], cells: list[str], where: Where) -> tuple[Where, object] | BadRow:
    record: dict[str, object] = {}
    for name, cell in zip(header, cells, strict=True):
        try:
            cell.encode()
        except UnicodeEncodeError:
            return BadRow("is not valid UTF-8", Where(where.file, where.row, name))
        if cell or name == "prompt":  # an empty prompt is a prompt; any other empty cell says nothing
            record[name] = cell
    return where, record


def _text_lines(path: Path) -> Iterator[str]:
    """Decoded lines with their ends; bytes that are no UTF-8 stay recognisable as lone surrogates."""
    for number, line in enumerate(streams.lines(streams.blocks(path))):
        if line is None:
            line = b'"' + b"\xff" + b'"'  # too long: one cell that is refused
        if number == 0:
            line = line.removeprefix(b"\xef\xbb\xbf")
        yield line.decode("utf-8", "surrogateescape") + "\n"
