"""Files that hold secrets: small, regular, written once and readable by their owner alone.

What a file holds is its caller's business; no error says anything of the content.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from headwater.errors import ConfigurationError, Where

LARGEST_FILE = 65_536


def read_private(path: Path, *, hint: str | None = None, largest: int = LARGEST_FILE) -> bytes:
    """The content of a small file (`largest`: bytes) that nobody but its owner can read, else `ConfigurationError`."""
    where = Where(file=str(path))
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigurationError("not a regular file", where=where)
            if os.name == "posix" and status.st_mode & 0o077:
                what = f"others than its owner may read these keys (mode {stat.S_IMODE(status.st_mode):04o})"
                raise ConfigurationError(what, where=where, hint=f"chmod 600 {path}")
            content = file.read(largest + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", where=where, hint=hint) from error
    if len(content) > largest:
        raise ConfigurationError(f"too large for keys: more than {largest:,} bytes", where=where)
    return content


def write_private(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write `content` to a new file of that mode; never overwrites (`ConfigurationError`)."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        hint = "choose another name; keys are never overwritten"
        raise ConfigurationError(
            "a file of this name exists", where=Where(file=str(path)), hint=hint
        ) from None
    except OSError as error:
        raise ConfigurationError(f"cannot write: {error.strerror}", where=Where(file=str(path))) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
