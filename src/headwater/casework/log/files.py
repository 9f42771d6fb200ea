"""The folder of static files that a log is published as, written so that a kill or a power cut leaves whole files.

    checkpoint, tile/…           as c2sp.org/tlog-tiles has them: any HTTP server can publish the folder
    cosigned                     the newest checkpoint that witnesses have cosigned
    stamps/<size>.checkpoint     a checkpoint as it was stamped, and .tsr beside it: its time stamp (RFC 3161)

A file gets its name when its bytes are on the disk. No secret ever lies here.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from headwater.casework.log.moments import Between
from headwater.errors import ConflictError, HeadwaterError, Where, unreadable
from headwater.proof import TILE, ReadTile, tile_path

CHECKPOINT: Final = "checkpoint"
COSIGNED: Final = "cosigned"
STAMPS: Final = "stamps"
HASH_BYTES: Final = 32
#: Bytes of a checkpoint, of a bundle of entries (33 bytes each, with their lengths), and of a time stamp.
MOST_NOTE: Final = 100_000
MOST_BUNDLE: Final = TILE * (2 + 33)
MOST_STAMP: Final = 100_000
_FRESH: Final = ".new"

#: Reads a file below the log's prefix: its path, and how many bytes are wanted at most (one more shows that it's
#: larger). None where it isn't there.
Fetch = Callable[[str, int], bytes | None]


def from_folder(folder: Path) -> Fetch:
    """Reads the files of a log from a folder; links are followed, as a server would. A folder is no file."""

    def at_once(path: str, flags: int) -> int:
        # Not waiting for a writer where somebody put a pipe.
        return os.open(path, flags | os.O_NONBLOCK)

    def fetch(path: str, most: int) -> bytes | None:
        place = folder / path
        try:
            with open(place, "rb", opener=at_once) as file:
                return file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise unreadable(place, error) from None

    return fetch


def tiles_of(fetch: Fetch, size: int | None = None) -> ReadTile:
    """Reads tiles: of the width asked for, or where that isn't there, a wider one cut to it. Empty where none is.

    `size`: entries in the tree that is published; its tiles serve for smaller trees too.
    """

    def read(level: int, index: int, width: int) -> bytes:
        now = TILE if size is None else min(TILE, max(width, (size >> (8 * level)) - index * TILE))
        for served in dict.fromkeys((width, now, TILE)):
            data = fetch(tile_path(level, index, served), TILE * HASH_BYTES)
            if data is not None and len(data) == served * HASH_BYTES:
                return data[: width * HASH_BYTES]
        return b""

    return read


class Files:
    """Writes the files of a log, each whole or not at all; `settle` makes their names durable too."""

    def __init__(self, folder: Path, between: Between) -> None:
        self.folder = folder
        self._between = between
        self._touched: set[Path] = set()

    def put(
        self, path: str, data: bytes, told: tuple[str, str] = ("file written", "file in its place")
    ) -> None:
        """Write the file at `path` below the folder."""
        place = self.folder / path
        with self._worded(place):
            self._folders(place.parent)
            fresh = self.folder / _FRESH
            fresh.unlink(
                missing_ok=True
            )  # a killed run's, or a link that somebody left: neither is written through
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self._between(told[0])
            fresh.replace(place)
        self._touched.add(place.parent)
        self._between(told[1])

    def settle(self) -> None:
        """Return when every name that was given is on the disk."""
        with self._worded(self.folder):
            for folder in self._touched:
                _synced(folder)
        self._touched.clear()

    def remove_partial(self, path: str) -> None:
        """Remove the partial tiles, or bundles, of the full one at `path`."""
        folder = self.folder / f"{path}.p"
        if folder.is_symlink():
            return
        with suppress(OSError):  # what stays is harmless
            for inner in folder.iterdir():
                if inner.name.isdecimal():
                    inner.unlink()
            folder.rmdir()

    def _folders(self, folder: Path) -> None:
        if folder == self.folder or folder.is_dir():
            return
        self._folders(folder.parent)
        folder.mkdir(exist_ok=True)
        self._touched.add(folder.parent)

    @contextmanager
    def _worded(self, place: Path) -> Iterator[None]:
        try:
            yield
        except IsADirectoryError as error:
            raise HeadwaterError(
                "a folder lies where this file of the log belongs",
                where=Where(str(place)),
                hint="move it away, then: headwater log mend",
            ) from error
        except PermissionError as error:
            raise _closed(place) from error
        except OSError as error:
            reason = error.strerror or type(error).__name__
            hint = "nothing was lost; make room or mend the disk, then publish again"
            raise HeadwaterError(
                f"cannot be written ({reason})", where=Where(str(place)), hint=hint
            ) from error


def check_writable(folder: Path) -> None:
    """Raise HeadwaterError where nothing can be written into the folder of a log; what is to be told would wait."""
    for place in (folder, folder / "tile", folder / "tile/0", folder / "tile/entries"):
        if place.is_dir() and not os.access(place, os.W_OK):
            raise _closed(place)


def _closed(place: Path) -> HeadwaterError:
    return HeadwaterError(
        "cannot be written (no permission)",
        where=Where(str(place)),
        hint="check the permissions of the log's folder, and whether its disk may be written",
    )


def _synced(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock that lies beside `folder`: who publishes is alone.

    Waits up to `wait_s` seconds; raises ConflictError, which says who holds it, where that isn't enough.
    """
    place = folder.with_name(f"{folder.name}.lock")
    try:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unreadable(place, error) from None
    with os.fdopen(descriptor, "r+b") as file:
        until = time.monotonic() + wait_s
        while not _taken(file.fileno()):
            if time.monotonic() >= until:
                holder = file.read(200).decode("utf-8", "replace").strip() or "another process"
                what = f"{holder} is publishing this log"
                raise ConflictError(what, where=Where(str(folder)), hint="wait for it, then try again")
            time.sleep(0.02)
        file.truncate()
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
