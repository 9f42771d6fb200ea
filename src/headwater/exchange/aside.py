"""What could not be used, counted: rows set aside, and values left empty in rows that were kept.

Nothing is dropped in silence: every row that is set aside is counted under its reason, the first ones are
kept as BadRow, and all of them can be written to a JSONL file. No entry ever carries content of a row.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import msgspec

from headwater.errors import BadRow, UnreadableInput, Where
from headwater.exchange.outputs import ASIDE_KEYS

#: Figures that differ from row to row; not those of years, nor those in names such as UTF-8.
_FIGURE: Final = re.compile(r"(?<![-\w])\d{1,3}(?:,\d{3})*(?!\w)")
#: More different reasons than this are counted together: a hostile log must not fill memory with them.
_REASONS: Final = 500
_OTHER: Final = "other reasons"


class SetAside:
    """Counts of what was set aside while reading.

    `total` rows were set aside, by `reasons` (field and fault, with figures in them written N); `rows` holds
    the first `keep` of them. `notices` counts values that were left empty or read under an assumption in rows
    that were kept; `noted` holds the first of them. With `sink`, every row set aside becomes one line of that
    JSONL file (file, row, field, what, hint); the file is made when the first row arrives. `names` are what files are
    called instead of their paths.
    """

    def __init__(
        self, *, keep: int = 1000, sink: Path | None = None, names: Mapping[str, str] | None = None
    ) -> None:
        self.total = 0
        self.reasons: Counter[str] = Counter()
        self.rows: list[BadRow] = []
        self.notices: Counter[str] = Counter()
        self.noted: list[BadRow] = []
        self._keep = keep
        self.names = names or {}
        self._sink = sink
        self._file: IO[bytes] | None = None

    def add(self, row: BadRow) -> None:
        """One row that is not read, or a few that go together."""
        row = replace(row, where=renamed(row.where, self.names))
        self.total += row.rows
        _count(self.reasons, row.what, row.where, row.rows)
        if len(self.rows) < self._keep:
            self.rows.append(row)
        if self._sink is not None:
            self._write(row)

    def note(self, what: str, where: Where, count: int = 1) -> None:
        """Something in rows that are kept: a value left empty, a time read as UTC."""
        _count(self.notices, what, where, count)
        if len(self.noted) < self._keep:
            self.noted.append(BadRow(what, renamed(where, self.names)))

    def absorb(self, counts: Mapping[str, Any], written: Path) -> None:
        """What another one counted (its `counts`), and wrote to its sink."""
        self.total += counts["total"]
        for mine, other in ((self.reasons, counts["reasons"]), (self.notices, counts["notices"])):
            for what, count in other.items():
                mine[what if what in mine or len(mine) < _REASONS else _OTHER] += count
        for rows, told in ((self.rows, counts["rows"]), (self.noted, counts["noted"])):
            for file, row, field, what, hint in told[: self._keep - len(rows)]:
                rows.append(BadRow(what, Where(file, row, field), hint))
        if self._sink is not None and written.exists():
            with written.open("rb") as source:
                shutil.copyfileobj(source, self._opened())

    def counts(self) -> dict[str, Any]:
        """Everything but what the sink holds, in plain values."""
        rows, noted = (
            [(row.where.file, row.where.row, row.where.field, row.what, row.hint) for row in told]
            for told in (self.rows, self.noted)
        )
        plain = {"reasons": dict(self.reasons), "notices": dict(self.notices), "rows": rows, "noted": noted}
        return {"total": self.total, **plain}

    def by_reason(self) -> tuple[tuple[str, int], ...]:
        """Reasons with their counts, most frequent first."""
        return _ranked(self.reasons)

    def by_notice(self) -> tuple[tuple[str, int], ...]:
        """Notices with their counts, most frequent first."""
        return _ranked(self.notices)

    def close(self) -> None:
        """Close the sink; counts stay readable."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._sink = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, row: BadRow) -> None:
        values = (row.where.file, row.where.row, row.where.field, row.what, row.hint)
        text = msgspec.json.encode(dict(zip(ASIDE_KEYS, map(_plain, values), strict=True)))
        self._opened().write(text + b"\n")

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            assert self._sink is not None
            try:
                self._file = self._sink.open("wb")
            except OSError as error:
                raise UnreadableInput(
                    f"cannot be written ({error.strerror})",
                    where=Where(str(self._sink)),
                    hint="choose another folder for the rows that are set aside",
                ) from error
        return self._file


def reason_of(what: str, where: Where) -> str:
    """Under what a row is counted: its field and fault, with figures that differ from row to row written N."""
    reason = _FIGURE.sub("N", what)
    return f"{where.field}: {reason}" if where.field else reason


def renamed(where: Where, names: Mapping[str, str]) -> Where:
    """A place in a file that is called otherwise than its path."""
    name = names.get(where.file or "")
    return where if name is None else replace(where, file=name)


def _ranked(counter: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counter.items(), key=lambda item: (-item[1], item[0])))


def _plain(value: str | int | None) -> str | int | None:
    """A file's name may hold bytes that are no UTF-8; they are written as escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def _count(counter: Counter[str], what: str, where: Where, count: int = 1) -> None:
    reason = reason_of(what, where)
    if reason not in counter and len(counter) >= _REASONS:
        reason = _OTHER
    counter[reason] += count
