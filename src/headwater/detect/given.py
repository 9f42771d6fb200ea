"""Tables that the operator writes: CSV or TSV with a header, read strictly, as evidence finds them in the world.

What the fields mean is the business of whoever reads the rows (`networks`, `mail_domains`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from headwater.errors import ConfigurationError, Where, unreadable


def rows_of(
    path: Path, needed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each row's line in the file (the header is on the first that isn't empty) and its fields as texts.

    Fields come in the order of `needed`, then `optional`, stripped, "" where the file lacks the column. Empty lines and
    lines that begin with # are left out. Raises `UnreadableInput` where the file can't be read, `ConfigurationError`
    for what it holds.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise ConfigurationError("is not valid UTF-8", where=Where(str(path))) from None
    lines = text.split("\n")
    kept = [
        (at, line) for at, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")
    ]
    if not kept:
        return
    tab = "\t" in kept[0][1]
    header = [name.strip().casefold() for name in _split(kept[0][1], tab, path, kept[0][0])]
    known = (*needed, *optional)
    strange = [name for name in header if name not in known]
    if strange or len(set(header)) < len(header) or set(needed) - set(header):
        raise ConfigurationError(
            "has another header",
            where=Where(str(path), kept[0][0]),
            hint=f"columns: {', '.join(known)}; needed: {', '.join(needed)}",
        )
    place = [header.index(name) if name in header else -1 for name in known]
    for at, line in kept[1:]:
        fields = _split(line, tab, path, at)
        if len(fields) > len(header):
            raise ConfigurationError(
                f"has {len(fields)} fields, the header {len(header)}",
                where=Where(str(path), at),
                hint='put a text with the delimiter in it in quotes ("a, b")',
            )
        yield at, tuple(fields[i].strip() if 0 <= i < len(fields) else "" for i in place)


def _split(line: str, tab: bool, path: Path, row: int) -> list[str]:
    if '"' not in line:
        return line.split("\t" if tab else ",")
    try:
        return next(csv.reader([line], delimiter="\t" if tab else ",", strict=True))
    except csv.Error:
        raise ConfigurationError(
            "is no row of a table",
            where=Where(str(path), row),
            hint="check its quotes and that it ends on the same line",
        ) from None
