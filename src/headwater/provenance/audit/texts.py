"""The texts of a corpus, row by row, found as the audit finds them: for whoever asks something else of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from headwater.errors import BadRow, UnreadableInput, UsageError, Where
from headwater.exchange import SetAside
from headwater.provenance.audit.chunks import chunks
from headwater.provenance.audit.columns import Columns
from headwater.provenance.audit.corpus import corpus, printable
from headwater.provenance.audit.rows import rows

#: Names of columns that an error lists.
_LISTED = 20


class RowTexts(NamedTuple):
    """The texts of row `row` (from 1) of `file`, in the order of the row; there may be none."""

    file: str
    row: int
    texts: tuple[str, ...]


def corpus_texts(
    path: Path,
    *,
    text: frozenset[str] = frozenset(),
    aside: SetAside | None = None,
    progress: Callable[[str, int, int | None], None] = lambda _stage, _done, _total: None,
) -> Iterator[RowTexts]:
    """The rows of the corpus at `path`, in order; what can't be read goes to `aside`.

    `text`: the only columns that are read; all that hold text and no claim, where it is empty. Raises UnreadableInput
    where nothing can be read; UsageError, at the end, for a column that no row has and where no row has a text.
    """
    aside = SetAside() if aside is None else aside
    found = corpus(path)
    for problem in found.problems:
        aside.add(BadRow(problem.what, problem.where, problem.hint))
    columns = Columns(text=text)
    whole = sum(file.size for file in found.files)
    reached = [0] * len(found.files)
    read, with_text = 0, 0
    names: dict[str, None] = {}
    for chunk in chunks(found):
        file = found.files[chunk.file]
        for each in rows(file, chunk):
            row = _row(each, file.name)
            if isinstance(row, BadRow):
                aside.add(row)
                continue
            number, values = row
            texts = tuple(one.text for one in columns.look(values)[0])
            if len(names) < _LISTED:
                names.update(dict.fromkeys(map(columns.shown, values)))
            read, with_text = read + 1, with_text + bool(texts)
            yield RowTexts(file.name, number, texts)
        reached[chunk.file] = max(reached[chunk.file], min(chunk.done, file.size))
        progress("read texts", sum(reached), whole)
    _check(path, aside, sorted(text - columns.met), list(names)[:_LISTED], read, with_text)


def _row(found: tuple[int, object] | BadRow, file: str) -> tuple[int, dict[str, object]] | BadRow:
    if isinstance(found, BadRow):
        return found
    number, value = found
    if isinstance(value, str):
        return number, {"text": value}
    if not isinstance(value, dict):
        return BadRow("is neither an object nor a text", Where(file, number))
    return number, value


def _check(
    path: Path, aside: SetAside, missing: list[str], names: list[str], read: int, with_text: int
) -> None:
    where = Where(printable(str(path)))
    if not read:
        first = f"the first reason: {aside.rows[0].where}: {aside.rows[0].what}" if aside.rows else None
        raise UnreadableInput("no row could be read", where=where, hint=first)
    listed = f"columns: {', '.join(names)}" if names else "its rows are empty"
    for name in missing:
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else listed
        raise UsageError(f"no row has a column called {name[:80]!r}", hint=hint)
    if not with_text:
        raise UsageError("no row holds a text", where=where, hint=listed)
