"""The folder of one relay process: its files in order, the lock of who writes, and of who rotates.

    <number, 12 digits>-<incarnation, 16 hex digits>.journal     the records
    lock                                                         held while a writer lives; holds the last number given
    rotation.lock, rotated.json, damaged/                        of the rotation
    close                                                        there as long as the writer is asked to close its file

The folder is its owner's alone: it holds prompts.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headwater.errors import ConfigurationError, ConflictError, HeadwaterError, Where, unreadable

_NAME: Final = re.compile(r"([0-9]{12})-([0-9a-f]{16})\.journal")
_LOCK: Final = "lock"
_ROTATION: Final = "rotation.lock"
#: Seconds for which a writer waits for its lock: whoever only looks whether it lives holds it for a moment.
_WAIT_S: Final = 1.0
MOST_NUMBER: Final = 10**12 - 1


@dataclass(frozen=True, order=True)
class JournalFile:
    """One file of a journal, by its name."""

    number: int
    incarnation: str
    path: Path

    @property
    def name(self) -> str:
        """The file's name in its folder."""
        return self.path.name


def file_name(number: int, incarnation: str) -> str:
    """The name of a file; names sort as numbers do."""
    return f"{number:012d}-{incarnation}.journal"


def journal_files(folder: Path) -> list[JournalFile]:
    """The files of a journal, oldest first; empty where there is no such folder."""
    try:
        names = os.listdir(folder)  # noqa: PTH208  (names are enough, at every look of whoever follows)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(folder, error) from None
    found = [(match, name) for name in names if (match := _NAME.fullmatch(name))]
    return sorted(JournalFile(int(match[1]), match[2], folder / name) for match, name in found)


def relays(root: Path) -> list[Path]:
    """The folders of relay processes under `root`, in order; `root` itself where it is one."""
    if (root / _LOCK).exists() or journal_files(root):
        return [root]
    try:
        return sorted(inner for inner in root.iterdir() if (inner / _LOCK).exists())
    except OSError as error:
        raise unreadable(root, error) from None


def made(folder: Path) -> None:
    """Make the folder, or see that nobody but its owner can look into it. Raises ConfigurationError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
    except OSError as error:
        raise worded(folder, error) from None
    if os.name == "posix" and mode & 0o077:
        what = f"others than its owner may look into this journal (mode {stat.S_IMODE(mode):04o})"
        raise ConfigurationError(what, where=Where(str(folder)), hint=f"chmod 700 {folder}")


class Lock:
    """The lock of the one who writes to a folder. It goes with its process, however that ends."""

    def __init__(self, folder: Path) -> None:
        """Raises ConflictError where another process writes there."""
        self._descriptor = _locked(folder / _LOCK, _WAIT_S, "another relay writes its journal there")

    def last_number(self) -> int:
        """The number that the newest file was given, also where that file is gone; 0 where none is known."""
        text = os.pread(self._descriptor, 20, 0)
        return int(text) if re.fullmatch(rb"[0-9]{12}\n", text) else 0

    def keep(self, number: int) -> None:
        """Remember the number of a file that is about to be made. Raises OSError."""
        os.pwrite(self._descriptor, b"%012d\n" % number, 0)

    def release(self) -> None:
        """Let another process write."""
        os.close(self._descriptor)


class RotationLock:
    """The lock of the one who rotates a folder's files."""

    def __init__(self, folder: Path) -> None:
        """Raises ConflictError where another process rotates them."""
        self._descriptor = _locked(folder / _ROTATION, 0.0, "another process rotates this journal")

    def release(self) -> None:
        """Let another process rotate."""
        os.close(self._descriptor)


def lives(folder: Path) -> bool:
    """Whether somebody writes to this folder now.

    List the files first and ask then: of a writer that has ended by now, no listed file grows any more.
    """
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unreadable(folder / _LOCK, error) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def synced(folder: Path) -> None:
    """Return when the names in `folder` are on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def worded(path: Path, error: OSError) -> HeadwaterError:
    """What to say of a place that can't be written to."""
    what = f"cannot be written ({error.strerror or type(error).__name__})"
    return HeadwaterError(
        what, where=Where(str(path)), hint="check its permissions, and the room on its disk"
    )


def _locked(path: Path, wait_s: float, taken: str) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise worded(path, error) from None
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(descriptor)
                hint = "give each process a folder of its own, or end the other one"
                raise ConflictError(taken, where=Where(str(path.parent)), hint=hint) from None
            time.sleep(0.01)
        except OSError as error:
            with suppress(OSError):
                os.close(descriptor)
            raise worded(path, error) from None
