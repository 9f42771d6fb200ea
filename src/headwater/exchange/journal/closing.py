"""Asking a relay to close the file that it writes, so that a rotation can take it now: a mark in the relay's folder.

Who writes looks for the mark from time to time and takes it away; nothing else of a journal changes hands. Where nobody
writes any more nothing need be asked: such files count as closed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from headwater.exchange.journal.folder import JournalFile, journal_files, lives, worded
from headwater.exchange.journal.reading import is_closed

_MARK: Final = "close"
_LOOK_S: Final = 0.05


def was_asked(folder: Path) -> bool:
    """Whether somebody has asked since the last time; the mark is taken away. For who writes in `folder`."""
    try:
        (folder / _MARK).unlink()
    except OSError:
        return False
    return True


def close_now(
    folders: Sequence[Path], patience_s: float, *, sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Ask the relays that write in `folders` to close their files, and wait; whether all have, within `patience_s`.

    Raises HeadwaterError where a folder can't be written, UnreadableInput where a file can't be read.
    """
    waited = [file for folder in folders if (file := _asked(folder)) is not None]
    left_s = patience_s
    while any(not is_closed(file) for file in waited if file.path.exists()):
        if left_s <= 0:
            for file in waited:  # nobody is there who would: it isn't to be done some day
                with suppress(OSError):
                    (file.path.parent / _MARK).unlink()
            return False
        sleep(_LOOK_S)
        left_s -= _LOOK_S
    return True


def _asked(folder: Path) -> JournalFile | None:
    """The file that is to be closed, once its writer has been asked; None where there is none."""
    files = journal_files(folder)
    if not files or not lives(folder) or is_closed(files[-1]):
        return None
    try:
        (folder / _MARK).touch(mode=0o600)
    except OSError as error:
        raise worded(folder, error) from None
    return files[-1]
