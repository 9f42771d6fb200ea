"""The texts of a data file, row by row, in the columns that an audit took for text.

Files are read as the audit reads them; rows that can't be read are passed over here, since the audit counted them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from headwater.errors import BadRow


def texts_of(path: Path, fields: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(row, text) for each row that has text: its texts in order of the row, joined by line feeds.

    `fields` are paths of columns without places in lists (messages.content). Raises `UnreadableInput`.
    """
    from headwater.exchange import files, records

    wanted = frozenset(fields)
    (file,) = files([path])
    for number, found in enumerate(records(file), 1):
        if isinstance(found, BadRow):
            continue
        where, row = found
        text = "\n".join(_inside(row, "", wanted))
        if text:
            yield where.row or number, text


def _inside(value: object, path: str, wanted: frozenset[str]) -> Iterator[str]:
    """Texts at the paths that are wanted, or anywhere below them; what was decoded is bounded in depth."""
    if isinstance(value, str):
        if any(path == name or path.startswith(f"{name}.") for name in wanted):
            yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _inside(inner, f"{path}.{name}" if path else str(name), wanted)
    elif isinstance(value, list):
        for inner in value:
            yield from _inside(inner, path, wanted)
