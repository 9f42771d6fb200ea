"""Documents of others, read within bounds: size, nesting, number of values, and regular files only.

A document that breaks a bound raises `UnreadableInput` with the file's name and never with its content. What a
document means is the formats' business.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.errors import UnreadableInput, Where, unreadable

#: A Croissant description of the largest repositories known to us has a few megabytes.
LARGEST_DOCUMENT: Final = 16 * 1024 * 1024
MOST_NESTED: Final = 48
MOST_VALUES: Final = 500_000


def read_bytes(path: Path, *, largest: int = LARGEST_DOCUMENT, name: str | None = None) -> bytes:
    """The content of a regular file of at most `largest` bytes; `name` is what errors call it."""
    data = read_start(path, largest + 1, name=name)
    if len(data) > largest:
        raise UnreadableInput(
            f"has more than {largest:,} bytes, too many for a manifest",
            where=Where(name or str(path)),
            hint="name the manifest, not the data",
        )
    return data


def read_start(path: Path, most: int, *, name: str | None = None) -> bytes:
    """The first `most` bytes of a regular file. Links are followed: caches of data sets are made of them."""
    where = Where(name or str(path))
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnreadableInput("is not a regular file", where=where, hint="name a file")
            return file.read(most)
    except OSError as error:
        raise unreadable(path, error) from None


def parsed_json(data: bytes, name: str) -> Any:
    """The JSON value in `data`, with at most `MOST_NESTED` levels and `MOST_VALUES` values."""
    where = Where(name)
    try:
        value = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        raise UnreadableInput(
            "is not valid JSON", where=where, hint="check that it was copied whole"
        ) from None
    except RecursionError:
        raise UnreadableInput("is nested too deep", where=where) from None
    waiting: list[tuple[Any, int]] = [(value, 0)]
    values = 0
    while waiting:
        inner, depth = waiting.pop()
        values += 1
        if depth > MOST_NESTED:
            raise UnreadableInput(f"is nested more than {MOST_NESTED} levels deep", where=where)
        if values > MOST_VALUES:
            raise UnreadableInput(f"holds more than {MOST_VALUES:,} values", where=where)
        children = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
        waiting.extend((child, depth + 1) for child in children)
    return value
