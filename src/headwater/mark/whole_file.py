"""A file that is read as a whole, within bounds: what keyrings, detectors and proxies are loaded from."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from headwater.errors import UnreadableInput, Where, unreadable


def whole_file(path: Path, *, largest: int) -> bytes:
    """The bytes of the regular file at `path`, at most `largest`.

    Raises `UnreadableInput` where it isn't there, isn't a regular file (a pipe would wait for ever), or is larger.
    """
    where = Where(str(path))
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableInput("is not a regular file", where=where)
            content = file.read(min(largest, status.st_size) + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(content) > largest:
        raise UnreadableInput(f"is larger than {largest:,} bytes", where=where)
    return content
