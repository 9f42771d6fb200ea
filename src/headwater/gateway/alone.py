"""Who else serves from a folder: a gateway that counts rates by itself, exactly and without a store, has to be alone.

A lock that goes with the processes that hold it, however they end; workers share that of who watches over them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from headwater.errors import ConflictError, HeadwaterError, Where

LOCK: Final = "serving.lock"
_HINT: Final = "end it first; several count together in Redis or PostgreSQL, or as --workers of one"


@contextmanager
def hold(folder: Path, *, alone: bool) -> Iterator[None]:
    """Lock the folder.

    `alone`: nobody else may serve from it. Raises `ConflictError` where another gateway does, and one of the two would
    have to be alone; `HeadwaterError` where the folder can't be written.
    """
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        what = f"cannot be written ({error.strerror or type(error).__name__})"
        raise HeadwaterError(what, where=Where(str(folder)), hint="check its permissions") from None
    try:
        _locked(descriptor, folder, alone=alone)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int, folder: Path, *, alone: bool) -> None:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConflictError("another gateway serves from it", where=Where(str(folder)), hint=_HINT) from None
