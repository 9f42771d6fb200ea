"""Rows of drafts for `headwater mark embed`, and the file of chosen texts that it writes and a later run goes on with.

One row is one answer: whole drafts of it, or drafts of each of its parts, or (with an endpoint) what is to be asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headwater.cli.mark_kept import mended, object_of
from headwater.errors import BadRow, UnreadableInput, UsageError, Where, unreadable

if TYPE_CHECKING:
    from headwater.exchange import SetAside

#: Bytes of the longest row, characters of an id, drafts of one choice, choices of one answer.
LONGEST_ROW: Final = 16 << 20
_LONGEST_ID, _MOST_DRAFTS, _MOST_CHOICES = 200, 1000, 10_000
_FIELDS: Final = ("id", "prompt", "drafts", "sentences")


@dataclass(frozen=True)
class Row:
    """One answer. `choices`: the drafts of each of its parts; () where they are still to be drawn."""

    name: str
    prompt: str
    choices: tuple[tuple[str, ...], ...]


class _RowError(Exception):
    def __init__(self, field: str, what: str) -> None:
        super().__init__(what)
        self.field, self.what = field, what


def rows_of(path: Path, aside: SetAside, *, asked: bool) -> Iterator[Row]:
    """The rows of a file of JSON lines; those that can't be used are set aside.

    `asked`: rows have a prompt and no drafts. Raises `UnreadableInput` where the file can't be read.
    """
    seen: set[str] = set()
    for number, line in _lines(path):
        try:
            row = _row(line, asked=asked)
            if row.name in seen:
                raise _RowError("id", "another row has this id")
        except _RowError as fault:
            aside.add(BadRow(fault.what, Where(str(path), number, fault.field or None)))
            continue
        seen.add(row.name)
        yield row


def written(path: Path, mark: str) -> set[str]:
    """The ids that stand in `path` already, written under `mark`; what a run that was ended half wrote is taken away.

    Raises `UsageError` where the file holds anything else.
    """
    found: set[str] = set()

    def read(number: int, line: bytes) -> None:
        told = object_of(line)
        if told is None or not isinstance(told.get("id"), str) or told.get("format") != FORMAT:
            raise UsageError(
                "holds other rows than those of mark embed",
                where=Where(str(path), number),
                hint="choose another output",
            )
        if told.get("mark") != mark:
            raise UsageError(
                "was written under another mark", where=Where(str(path)), hint="choose another output"
            )
        found.add(told["id"])

    mended(path, read, lambda _: _BEGINS)
    return found


#: What rows of chosen texts say that they are.
FORMAT: Final = "headwater.chosen/1"
_BEGINS: Final = json.dumps({"format": FORMAT, "id": ""})[:-2].encode()


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_ROW + 1):
                number += 1
                if len(line) > LONGEST_ROW:
                    what = f"a row is longer than {LONGEST_ROW:,} bytes"
                    raise UnreadableInput(
                        what, where=Where(str(path), number), hint="write one answer a line"
                    )
                if line.strip():
                    yield number, line
    except OSError as error:
        raise unreadable(path, error) from None


def _row(line: bytes, *, asked: bool) -> Row:
    told = object_of(line)
    if told is None:
        raise _RowError("", "is not a JSON object in UTF-8")
    if other := next((each for each in told if each not in _FIELDS), None):
        raise _RowError(other[:_LONGEST_ID] if other.isprintable() else "", "no such field here")
    name = told.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_ID or not name.isprintable():
        raise _RowError("id", f"must be a string of 1 to {_LONGEST_ID} printable characters")
    prompt = told.get("prompt", "")
    if not _is_text(prompt):
        raise _RowError("prompt", "must be a string")
    given = [each for each in ("drafts", "sentences") if each in told]
    if asked:
        if given:
            raise _RowError(given[0], "is drawn from the endpoint, and can't be given")
        if not prompt:
            raise _RowError("prompt", "is needed")
        return Row(name, prompt, ())
    if len(given) != 1:
        raise _RowError("drafts", "a row has either drafts or sentences")
    if given[0] == "drafts":
        return Row(name, prompt, (_drafts(told["drafts"], "drafts"),))
    parts = told["sentences"]
    if not isinstance(parts, list) or not 0 < len(parts) <= _MOST_CHOICES:
        raise _RowError("sentences", "must be a list of lists of drafts, from one to ten thousand")
    return Row(
        name, prompt, tuple(_drafts(each, f"sentences[{number}]") for number, each in enumerate(parts, 1))
    )


def _drafts(value: Any, field: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_DRAFTS or not all(map(_is_text, value)):
        raise _RowError(field, "must be a list of strings, from one to a thousand")
    return tuple(value)


def _is_text(value: Any) -> bool:
    """A string that can be written as UTF-8."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False
