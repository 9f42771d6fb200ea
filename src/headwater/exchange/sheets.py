"""Rows of CSV files as records, for readers that take one record at a time.

A row that cannot be decoded becomes a BadRow and the next one is read.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headwater.errors import BadRow, Where
from headwater.exchange import streams

_DAMAGED: Final = "write or fetch the file again; the rows before it were read"


def csv_records(path: Path) -> Iterator[tuple[Where, object] | BadRow]:
    """Rows of a CSV file by its header; empty cells are null. Separator: comma, semicolon or tab."""
    csv.field_size_limit(streams.LIMIT)
    text = _text_lines(path)
    number = 0
    try:
        first = next(text, None)
        if first is None:
            return
        separator = max(",;\t", key=first.count)
        header = next(csv.reader([first], delimiter=separator), [])
        rows = csv.reader(text, delimiter=separator, strict=True)
        while True:
            number += 1
            where = Where(str(path), number)
            try:
                cells = next(rows, None)
            except csv.Error as fault:
                yield BadRow(f"is no row of CSV ({fault})", where)
                continue
            if cells is None:
                return
            if not cells:
                number -= 1
                continue
            yield _csv_record(header, cells, where)
    except streams.TornError as torn:
        yield BadRow(str(torn), Where(str(path), number), _DAMAGED)


def _csv_record(header: list[str], cells: list[str], where: Where) -> tuple[Where, object] | BadRow:
    if len(cells) != len(header):
        return BadRow(f"has {len(cells):,} cells where the header has {len(header):,}", where)
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
