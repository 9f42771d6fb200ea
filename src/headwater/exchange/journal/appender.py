"""Writes batches to a folder's newest file and begins the next: one write and one sync each, by one thread at a time.

After a failure the file is left as it is and the same batch goes to a new one: what a failed sync left on the disk
can't be known, and a frame that comes twice is read once. What is in a batch is no business of this module.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from headwater.exchange.journal.folder import MOST_NUMBER, Lock, file_name, synced
from headwater.exchange.journal.frame import END, Header, framed
from headwater.exchange.journal.settings import JournalSettings


@dataclass(slots=True)
class Batch:
    """Frames that are written together, from sequence `first` to `last`; none where only a file's end is due."""

    parts: list[bytes]
    first: int
    last: int
    size: int
    at_us: int
    by: Appender
    ends: bool = False

    def write(self) -> Written:
        """Write and sync, in whatever thread; returns when it is on the disk, or has failed. Raises nothing else."""
        return self.by.write(self)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: `error` where it isn't on the disk."""

    batch: Batch
    error: OSError | MemoryError | None


class Appender:
    """The newest file of a folder, as its one writer has it."""

    def __init__(
        self,
        folder: Path,
        lock: Lock,
        number: int,
        incarnation: bytes,
        marker: bytes,
        settings: JournalSettings,
    ) -> None:
        """`number`: that of the folder's newest file, or 0."""
        self._folder = folder
        self._lock = lock
        self._number = number
        self._incarnation = incarnation
        self._marker = marker
        self._settings = settings
        self._descriptor: int | None = None
        self._size = 0
        self._opened_us = 0
        self._last = 0
        self._asked = False

    def write(self, batch: Batch) -> Written:
        """The batch on the disk, and the file closed where it's large or old enough."""
        try:
            if batch.parts:
                if self._descriptor is None:
                    self._descriptor = self._begun(batch)
                data = b"".join(batch.parts)
                _whole(self._descriptor, data)
                _sync(self._descriptor)
                self._size += len(data)
                self._last = batch.last
        except (OSError, MemoryError) as error:
            self._leave()
            return Written(batch, error)
        if self._descriptor is not None and (batch.ends or self._is_due(batch.at_us)):
            self._end()
        return Written(batch, None)

    def close_soon(self) -> None:
        """The file counts as old enough, whenever it was begun; where none is open there is nothing to close."""
        self._asked = self._descriptor is not None

    def has_aged(self, at_us: int) -> bool:
        """Whether the file is old enough to be closed; one whose beginning lies ahead begins now."""
        if self._descriptor is None:
            return False
        self._opened_us = min(self._opened_us, at_us)
        return self._asked or at_us - self._opened_us >= self._settings.file_age_us

    def _is_due(self, at_us: int) -> bool:
        return self._size >= self._settings.file_bytes or self.has_aged(at_us)

    def _begun(self, batch: Batch) -> int:
        """A new file with its header, whose name is on the disk."""
        number = self._number = self._number + 1
        if number > MOST_NUMBER:
            raise OSError("a journal has no more numbers")
        self._lock.keep(number)
        path = self._folder / file_name(number, self._incarnation.hex())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            head = Header(number, self._incarnation, self._marker, batch.first, batch.at_us).pack()
            _whole(descriptor, head)
            synced(self._folder)
        except BaseException:
            with suppress(OSError):
                os.close(descriptor)
            with suppress(OSError):
                path.unlink()
            raise
        self._size, self._opened_us, self._asked = len(head), batch.at_us, False
        return descriptor

    def _end(self) -> None:
        """Close the file in order. All in it is on the disk already: where this fails, only its end isn't marked."""
        assert self._descriptor is not None
        with suppress(OSError):
            _whole(self._descriptor, framed(self._marker, END, self._last, b""))
            _sync(self._descriptor)
        self._leave()

    def _leave(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


def _whole(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync(descriptor: int) -> None:
    """Where there is no fdatasync (macOS), fsync does what it does and more."""
    getattr(os, "fdatasync", os.fsync)(descriptor)
