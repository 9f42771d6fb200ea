"""A journal as its relay writes it: records go into memory, batches to the disk in whatever thread the door has.

    journal = Journal.open(folder, JournalSettings())
    ticket = journal.append(Accepted(…))            # before the request is sent upstream
    if (batch := journal.take(at_us)) is not None:  # when `due` says so
        written = batch.write()                     # in a thread: one write, one sync
        journal.settle(written)                     # back in the first one: tickets up to `journal.durable` are safe

`append`, `due`, `take` and `settle` belong to one thread and never wait. One batch is under way at a time; what comes
meanwhile goes into the next (group commit). What can't be recorded is refused or served unrecorded, and counted.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headwater.errors import HeadwaterError, Where
from headwater.exchange.journal.appender import Appender, Batch, Written
from headwater.exchange.journal.folder import Lock, journal_files, made
from headwater.exchange.journal.frame import FRAME_BYTES, ID_BYTES, framed
from headwater.exchange.journal.records import KINDS, Accepted, Gap, Record, encode
from headwater.exchange.journal.settings import JournalSettings

#: Tickets of what wasn't recorded: the request is to be served all the same, or refused (503).
UNRECORDED: Final = 0
REFUSED: Final = -1


@dataclass(slots=True)
class Counts:
    """What a journal did since it was opened, in records unless a name says otherwise.

    `refused`, `unrecorded` and `answers_lost` were not recorded, `mended` were with less than they held (see
    `records.mended`). `faults`: attempts to write that failed.
    """

    recorded: int = 0
    refused: int = 0
    unrecorded: int = 0
    answers_lost: int = 0
    mended: int = 0
    batches: int = 0
    faults: int = 0


class Journal:
    """The journal of one relay process."""

    def __init__(
        self, folder: Path, lock: Lock, appender: Appender, marker: bytes, settings: JournalSettings
    ) -> None:
        """Use `open`."""
        self.folder = folder
        self.counts = Counts()
        #: Tickets up to this one are on the disk.
        self.durable = 0
        self._settings = settings
        self._lock = lock
        self._appender = appender
        self._marker = marker
        self._sequence = 0
        self._parts: list[bytes] = []
        self._held = 0  # bytes that wait or are under way
        self._since_us = 0  # time of the first record in `_parts`
        self._under_way: Batch | None = None
        self._failed: Batch | None = None
        self._retry_us = 0
        self._most = (
            settings.memory_bytes
        )  # that may wait; 0 while the disk refuses, or the journal is closed
        self._gap: Gap | None = None
        self._closed = False

    @classmethod
    def open(
        cls, folder: Path, settings: JournalSettings, *, secret: Callable[[int], bytes] = secrets.token_bytes
    ) -> Journal:
        """Begin a journal in `folder`, made where it isn't there. Files that are there are left as they are.

        Raises ConflictError where another process writes there, ConfigurationError where others than its owner may
        look into it, HeadwaterError where it can't be written.
        """
        made(folder)
        lock = Lock(folder)
        try:
            number = max([lock.last_number(), *(file.number for file in journal_files(folder))])
        except BaseException:
            lock.release()
            raise
        incarnation, marker = secret(ID_BYTES), secret(ID_BYTES)
        appender = Appender(folder, lock, number, incarnation, marker, settings)
        return cls(folder, lock, appender, marker, settings)

    def append(self, record: Record) -> int:
        """Record it in memory: its ticket, counted from 1; or `UNRECORDED`, or `REFUSED`.

        It is on the disk once `durable` has reached its ticket. Outcomes find room where requests don't any more.
        """
        if self._held >= self._most and not self._has_room(record):
            return self._turned_away(record)
        kind = KINDS[type(record)]
        payload, mended = encode(record)
        sequence = self._sequence = self._sequence + 1
        head = framed(self._marker, kind, sequence, payload)
        parts = self._parts
        if not parts:
            self._since_us = record.at_us
        parts.append(head)
        parts.append(payload)
        self._held += FRAME_BYTES + len(payload)
        if mended:
            self.counts.mended += 1
        return sequence

    def due(self, at_us: int) -> int | None:
        """Microseconds until `take` should be called; None where nothing waits, or a batch is under way."""
        if self._under_way is not None:
            return None
        if self._failed is not None:
            return min(max(0, self._retry_us - at_us), self._settings.retry_us)
        if not self._parts:
            return 0 if self._appender.has_aged(at_us) else None
        if len(self._parts) >= 2 * self._settings.window_records:
            return 0
        self._since_us = min(self._since_us, at_us)  # a clock that was set back
        return max(0, self._settings.window_us - (at_us - self._since_us))

    @property
    def crowded(self) -> bool:
        """Whether half of the memory is full: the time to read less from clients, before requests are refused."""
        return self._held >= self._settings.memory_bytes // 2

    def take(self, at_us: int) -> Batch | None:
        """What waits, as one batch to write; None where a batch is under way, or nothing is to be done.

        A batch that failed comes again, when its time has come.
        """
        if self._under_way is not None:
            return None
        if (failed := self._failed) is not None:
            if 0 < self._retry_us - at_us <= self._settings.retry_us:
                return None
            self._failed, failed.at_us = None, at_us
            self._under_way = failed
        elif self._parts or self._appender.has_aged(at_us):
            self._under_way = self._batch(at_us)
        return self._under_way

    def settle(self, written: Written, at_us: int | None = None) -> None:
        """Say what became of the batch that was taken; `at_us`: now, the time it was taken at where it isn't given."""
        batch, self._under_way = written.batch, None
        if written.error is not None:
            self.counts.faults += 1
            self._failed = batch
            self._most = 0
            self._retry_us = (batch.at_us if at_us is None else at_us) + self._settings.retry_us
            return
        self._held -= batch.size
        self.durable = max(self.durable, batch.last)
        self.counts.batches += bool(batch.parts)
        self.counts.recorded = self.durable
        if not self._closed:
            self._most = self._settings.memory_bytes
            if self._gap is not None and self._held < self._most:
                gap, self._gap = self._gap, None
                self.append(gap)

    def flush(self, at_us: int) -> int:
        """Write all that waits, here and now; the ticket up to which all is on the disk.

        Waits for the disk. Where it fails the rest waits on. Not while a batch is under way elsewhere (RuntimeError).
        """
        if self._under_way is not None:
            raise RuntimeError("a batch is under way in another thread")
        self._retry_us = at_us
        while (batch := self.take(at_us)) is not None:
            written = batch.write()
            self.settle(written, at_us)
            if written.error is not None:
                break
        return self.durable

    def close_file(self) -> None:
        """The newest file is to be closed with the next batch, however young it is; the journal goes on in another."""
        self._appender.close_soon()

    def close(self, at_us: int) -> None:
        """Write what waits, mark the file's end, and let another process write.

        Raises HeadwaterError where records could not be written, with their number; they are lost.
        """
        if self._closed:
            return
        self.flush(at_us)
        if self._failed is None:
            last = self._batch(at_us)
            last.ends = True
            last.write()
        self._closed, self._most = True, 0
        self._lock.release()
        if lost := self._sequence - self.durable:
            what = f"{lost:,} records of the journal could not be written and are lost"
            raise HeadwaterError(
                what, where=Where(str(self.folder)), hint="see that there is room on its disk"
            )

    def _batch(self, at_us: int) -> Batch:
        parts, self._parts = self._parts, []
        first = self._sequence - len(parts) // 2 + 1
        return Batch(parts, first, self._sequence, sum(map(len, parts)), at_us, self._appender)

    def _has_room(self, record: Record) -> bool:
        """Whether an outcome, or a gap, is taken where a request is not: there are no more of them than requests."""
        if type(record) is Accepted or self._closed:
            return False
        return self._held < self._settings.memory_bytes * 5 // 4

    def _turned_away(self, record: Record) -> int:
        gap = self._gap or Gap(record.at_us, record.at_us)
        served, refused, answers = gap.served, gap.refused, gap.answers
        if isinstance(record, Accepted):
            refuse = self._settings.when_full == "refuse" or self._closed
            served, refused = served + (not refuse), refused + refuse
            self.counts.unrecorded += not refuse
            self.counts.refused += refuse
        else:
            refuse = False
            answers += 1
            self.counts.answers_lost += 1
        until_us = max(gap.until_us, record.at_us)
        self._gap = Gap(min(gap.at_us, record.at_us), until_us, served, refused, answers)
        return REFUSED if refuse else UNRECORDED
