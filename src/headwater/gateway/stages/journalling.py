"""Drives a worker's journal: records are taken in at once, batches go to the disk in a thread of their own."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from headwater.errors import ConflictError, HeadwaterError, Where
from headwater.exchange.journal import Batch, Journal, JournalSettings, Record, was_asked

_LOG: Final = logging.getLogger("headwater.gateway")
#: Files that are old enough are closed though nothing is written; looked at this often.
_LOOK_S: Final = 1.0
_SAY_S: Final = 10.0
_MOST_WORKERS: Final = 256
#: What the folder of a worker is called, below that of the gateway's journal.
FOLDER: Final = "relay-{}"
#: Beside them: byte N is locked by the worker whose folder is N, as long as it lives.
_TAKEN: Final = "taken"


def opened(folder: Path, settings: JournalSettings) -> Journalling:
    """A journal in the first folder below `folder` that no other worker writes in; called in the loop that drives it.

    Raises what `Journal.open` does.
    """
    # Which folders are taken is known at once by bytes of this lock; a journal's own lock would be waited for.
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / _TAKEN, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        what = f"cannot be written ({error.strerror or type(error).__name__})"
        raise HeadwaterError(what, where=Where(str(folder)), hint="check its permissions") from None
    try:
        for number in range(_MOST_WORKERS):
            with suppress(BlockingIOError, PermissionError, ConflictError):
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
                return Journalling(Journal.open(folder / FOLDER.format(number), settings), descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    raise ConflictError(f"{_MOST_WORKERS} workers write there already", where=Where(str(folder)))


class Journalling:
    """One worker's journal in its event loop."""

    def __init__(self, journal: Journal, taken: int | None = None) -> None:
        """`taken`: a descriptor that is held as long as the journal is open."""
        self.journal = journal
        self._taken = taken
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "journal")
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None
        self._said: float | None = None
        self._looker: asyncio.TimerHandle | None = None
        self._stopping = False

    def start(self) -> None:
        """Look after the files from now on."""
        self._looker = self._loop.call_later(_LOOK_S, self._look)

    def counted(self) -> dict[str, int]:
        """Figures for metrics."""
        counts = self.journal.counts
        return {
            "journal_records_total.recorded": counts.recorded,
            "journal_records_total.unrecorded": counts.unrecorded,
            "journal_records_total.refused": counts.refused,
            "journal_records_total.answer_lost": counts.answers_lost,
            "journal_faults_total": counts.faults,
        }

    def append(self, record: Record) -> int:
        """Record it; the ticket, see `Journal.append`."""
        ticket = self.journal.append(record)
        if self._timer is None and self._writing is None:
            self._arm()
        return ticket

    async def stop(self) -> None:
        """Write what waits, and close the file."""
        self._stopping = True
        for timer in (self._timer, self._looker):
            if timer is not None:
                timer.cancel()
        if self._writing is not None:
            await self._writing
        try:
            await self._loop.run_in_executor(self._thread, self.journal.close, _now_us())
        except HeadwaterError as error:
            _LOG.error("%s", error)
        self._thread.shutdown()
        if self._taken is not None:
            os.close(self._taken)
            self._taken = None

    def _arm(self) -> None:
        if self._stopping:
            return
        due = self.journal.due(_now_us())
        if due is not None:
            self._timer = self._loop.call_later(due / 1_000_000, self._write)

    def _write(self) -> None:
        self._timer = None
        batch = self.journal.take(_now_us())
        if batch is not None:
            self._writing = self._loop.create_task(self._written(batch))
        else:
            self._arm()

    async def _written(self, batch: Batch) -> None:
        written = await self._loop.run_in_executor(self._thread, batch.write)
        self.journal.settle(written, _now_us())
        self._writing = None
        if written.error is not None:
            if self._said is None or time.monotonic() - self._said > _SAY_S:
                self._said = time.monotonic()
                _LOG.error("the journal can't be written (%s)", type(written.error).__name__)
        elif self._said is not None:
            self._said = None
            _LOG.warning("the journal is written again")
        self._arm()

    def _look(self) -> None:
        self._looker = self._loop.call_later(_LOOK_S, self._look)
        if was_asked(self.journal.folder):
            self.journal.close_file()
        if self._timer is None and self._writing is None:
            self._arm()


def _now_us() -> int:
    return time.time_ns() // 1000
