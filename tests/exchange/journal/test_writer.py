"""A journal as it's written: tickets and windows, a slow disk, a full one, a clock that steps back."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.journal.journals import AT, SMALL, ended, filled, journal, only, read, request, told
from headwater.errors import ConfigurationError, ConflictError, HeadwaterError, UsageError
from headwater.exchange.journal import (
    REFUSED,
    UNRECORDED,
    Accepted,
    FileReader,
    Gap,
    Journal,
    JournalSettings,
    close_now,
    follow,
    journal_files,
    was_asked,
)


class Disk:
    """What the journal asks the system for, counted, with `room` bytes left; `synced` is what survives a power cut."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int | None = None) -> None:
        self.room = room
        self.sync_fails = False
        self.syncs = 0
        self.sizes: dict[str, int] = {}
        self.synced: dict[str, int] = {}
        self.names: set[str] = set()
        self._write, self._sync, self._fsync = os.write, os.fdatasync, os.fsync
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(os, "fdatasync", self.fdatasync)
        monkeypatch.setattr(os, "fsync", self.fsync)

    def write(self, descriptor: int, data: bytes) -> int:
        if self.room is not None:
            if self.room <= 0 and len(data):
                raise OSError(errno.ENOSPC, "No space left on device")
            data = memoryview(data)[: self.room]
            self.room -= len(data)
        return self._write(descriptor, data)

    def fdatasync(self, descriptor: int) -> None:
        self.syncs += 1
        if self.sync_fails:
            raise OSError(errno.EIO, "Input/output error")
        self._sync(descriptor)
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        self.synced[path] = os.fstat(descriptor).st_size

    def fsync(self, descriptor: int) -> None:
        self._fsync(descriptor)
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        if Path(path).is_dir():
            self.names.update(map(str, Path(path).iterdir()))


class TestTickets:
    """What a door learns of what it recorded."""

    def test_a_record_is_durable_when_its_batch_is(self, tmp_path: Path) -> None:
        held = journal(tmp_path / "relay")
        assert [held.append(request(n)) for n in range(3)] == [1, 2, 3]
        assert held.durable == 0
        batch = held.take(AT)
        assert batch is not None
        assert held.append(ended(0)) == 4
        assert held.take(AT) is None, "one batch is under way at a time"
        with ThreadPoolExecutor(1) as thread:
            written = thread.submit(batch.write).result()
        held.settle(written)
        assert held.durable == 3
        assert [record.id for record in read(tmp_path / "relay")] == ["req-0", "req-1", "req-2"]
        assert held.flush(AT) == 4
        held.close(AT)
        assert read(tmp_path / "relay")[3] == ended(0)
        assert held.counts.recorded == 4

    def test_many_records_are_one_write_and_one_sync(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = journal(tmp_path / "relay")
        disk = Disk(monkeypatch)
        for number in range(500):
            held.append(request(number))
        held.flush(AT)
        assert disk.syncs == 1
        held.flush(AT)
        assert disk.syncs == 1

    def test_the_window(self, tmp_path: Path) -> None:
        held = journal(tmp_path / "relay", JournalSettings(window_us=5_000, window_records=3))
        assert held.due(AT) is None
        held.append(request(0))
        assert held.due(AT) == 5_000
        assert held.due(AT + 2_000) == 3_000
        assert held.due(AT + 9_000) == 0
        held.append(request(1))
        held.append(request(2))
        assert held.due(AT + 1) == 0, "so many records that it's time whatever the clock says"
        assert held.take(AT) is not None
        held.append(request(3))
        assert held.due(AT + 10_000) is None, "who settles asks again"

    def test_after_power_is_cut_all_that_was_called_durable_is_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What isn't synced is gone: bytes behind the last sync, and files whose names weren't."""
        folder = tmp_path / "relay"
        held = journal(folder, SMALL)
        disk = Disk(monkeypatch)
        for number in range(60):
            held.append(request(number))
            if number % 7 == 6:
                held.flush(AT + number)
        held.append(request(99))
        assert held.take(AT) is not None  # under way as the light goes out
        durable = held.durable
        for file in journal_files(folder):
            if str(file.path) not in disk.names:
                file.path.unlink()
            else:
                os.truncate(file.path, disk.synced.get(str(file.path), 0))
        assert durable == 56
        assert len(journal_files(folder)) == 2
        assert [record.id for record in read(folder)] == [f"req-{n}" for n in range(56)]

    @given(st.lists(st.sampled_from(["append", "take", "settle", "flush"]), max_size=40))
    def test_whatever_the_order_nothing_is_lost_or_doubled(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[str]
    ) -> None:
        folder = tmp_path_factory.mktemp("steps") / "relay"
        held, written, count = journal(folder, SMALL), [], 0
        for step in steps:
            if step == "append":
                assert held.append(request(count)) == count + 1
                count += 1
            elif step == "take" and (batch := held.take(AT)) is not None:
                written.append(batch.write())
            elif step == "settle" and written:
                held.settle(written.pop())
            elif step == "flush" and not written:
                assert held.flush(AT) == count
        if written:
            held.settle(written.pop())
        held.close(AT)
        assert [record.id for record in read(folder)] == [f"req-{n}" for n in range(count)]

    def test_a_batch_elsewhere_is_not_overtaken(self, tmp_path: Path) -> None:
        held = journal(tmp_path / "relay")
        held.append(request(0))
        batch = held.take(AT)
        assert batch is not None
        for act in (held.flush, held.close):
            with pytest.raises(RuntimeError, match="under way"):
                act(AT)
        held.settle(batch.write())
        held.close(AT)
        held.close(AT)
        assert held.append(request(1)) == REFUSED


class TestFiles:
    """Where records go."""

    def test_files_change_by_size_and_each_is_closed(self, tmp_path: Path) -> None:
        filled(tmp_path / "relay", 60, SMALL, each=5)
        files = journal_files(tmp_path / "relay")
        assert [file.number for file in files] == list(range(1, len(files) + 1))
        assert len(files) == 3
        for file in files:
            reader = FileReader(file)
            list(reader)
            assert reader.account.closed
            assert reader.account.whole
            assert file.path.stat().st_size < 4096 + 2000
        found, rows = told(tmp_path / "relay")
        assert len(found) == 120
        assert rows == []

    def test_files_change_by_age_also_where_nothing_comes(self, tmp_path: Path) -> None:
        held = journal(tmp_path / "relay", JournalSettings(file_age_us=1_000_000))
        held.append(request(0))
        held.flush(AT)
        assert held.due(AT + 999_999) is None
        assert held.due(AT + 1_000_000) == 0
        held.flush(AT + 1_000_000)
        assert held.due(AT + 9_000_000) is None
        reader = FileReader(only(tmp_path / "relay"))
        assert len(list(reader)) == 1
        assert reader.account.closed

    def test_a_clock_that_steps_back(self, tmp_path: Path) -> None:
        """Windows and ages begin anew; nothing waits for the clock to come back."""
        held = journal(tmp_path / "relay", JournalSettings(window_us=5_000, file_age_us=1_000_000))
        hour = 3_600_000_000
        held.append(request(0))
        assert held.due(AT - hour) == 5_000
        assert held.due(AT - hour + 6_000) == 0
        held.flush(AT)
        assert held.due(AT - hour) is None
        held.append(request(1, AT - hour))
        held.flush(AT - hour)
        assert held.due(AT - hour + 1_000_000) == 0, "a second after the step the file is a second old"
        held.flush(AT - hour + 1_000_000)
        held.append(request(2, AT - hour))
        held.close(AT - 2 * hour)
        assert [record.id for record in read(tmp_path / "relay")] == ["req-0", "req-1", "req-2"]
        assert len(journal_files(tmp_path / "relay")) == 2

    def test_a_folder_is_its_owners_and_so_is_each_file(self, tmp_path: Path) -> None:
        filled(tmp_path / "a" / "relay", 1)
        assert stat.S_IMODE((tmp_path / "a" / "relay").stat().st_mode) == 0o700
        for inner in (tmp_path / "a" / "relay").iterdir():
            assert stat.S_IMODE(inner.stat().st_mode) == 0o600
        (tmp_path / "open").mkdir(mode=0o755)
        with pytest.raises(ConfigurationError, match="others than its owner") as caught:
            journal(tmp_path / "open")
        assert caught.value.hint == f"chmod 700 {tmp_path / 'open'}"

    def test_one_writer_a_folder(self, tmp_path: Path) -> None:
        held = journal(tmp_path / "relay")
        with pytest.raises(ConflictError, match="another relay"):
            journal(tmp_path / "relay")
        held.close(AT)
        journal(tmp_path / "relay").close(AT)

    def test_numbers_go_on_where_they_were_also_where_the_files_are_gone(self, tmp_path: Path) -> None:
        folder = tmp_path / "relay"
        for number in range(1, 4):
            held = Journal.open(folder, SMALL)
            held.append(request(0))
            held.close(AT)
            assert [file.number for file in journal_files(folder)] == [number]
            only(folder).path.unlink()
        (folder / "lock").write_bytes(b"nonsense")
        filled(folder, 1)
        assert only(folder).number == 1

    def test_an_idle_journal_makes_no_file(self, tmp_path: Path) -> None:
        filled(tmp_path / "relay", 0)
        assert journal_files(tmp_path / "relay") == []

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(HeadwaterError, match="cannot be written") as caught:
            journal(tmp_path / "file" / "relay")
        assert str(tmp_path / "file" / "relay") in str(caught.value)


WAYS = ["refuse", "serve-unrecorded"]


class TestFullDisk:
    """Nothing that was called durable is lost, nothing is doubled, and what wasn't recorded is on record."""

    def total(self, tmp_path: Path) -> int:
        self.write(tmp_path / "measured", None)
        return sum(file.path.stat().st_size for file in journal_files(tmp_path / "measured"))

    def write(self, folder: Path, disk: Disk | None) -> Journal:
        held = journal(folder, JournalSettings(file_bytes=4096, retry_us=10_000))
        for number in range(8):
            held.append(request(number))
            if number % 2:
                held.flush(AT + number)
        if disk is not None:
            assert read(folder)[: held.durable] == [request(number) for number in range(held.durable)]
            disk.room = None
        held.flush(AT + 20_000)
        held.close(AT + 30_000)
        return held

    def test_at_any_byte(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        total = self.total(tmp_path)
        failed = 0
        for room in range(total):
            folder = tmp_path / str(room)
            disk = Disk(monkeypatch, room)
            held = self.write(folder, disk)
            monkeypatch.undo()
            found, _ = told(folder)
            kept = [record for record in found if isinstance(record, Accepted)]
            refused = sum(gap.refused for gap in found if isinstance(gap, Gap))
            assert len(kept) + refused == 8, room
            assert len({record.id for record in kept}) == len(kept)
            assert refused == held.counts.refused
            assert (held.counts.faults > 0) == (room < total - 25), (
                "the mark of a file's end may fail in silence"
            )
            failed += held.counts.faults > 0
        assert failed > 400

    @pytest.mark.parametrize("way", WAYS)
    def test_what_the_door_is_told_and_what_is_counted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
    ) -> None:
        settings = JournalSettings(when_full=way, retry_us=50_000)  # type: ignore[arg-type]
        held = journal(tmp_path / "relay", settings)
        held.append(request(0))
        held.flush(AT)
        disk = Disk(monkeypatch, 0)
        assert held.append(request(1)) == 2, "nobody knows yet"
        held.flush(AT + 1)
        assert (held.durable, held.counts.faults) == (1, 1)
        answer = REFUSED if way == "refuse" else UNRECORDED
        assert [held.append(request(n, AT + n)) for n in range(2, 7)] == [answer] * 5
        assert held.append(ended(0)) == 3, "how a request ended that is on record finds room"
        assert held.due(AT + 20_001) == 30_000
        assert held.take(AT + 20_001) is None
        assert held.take(AT - 900_000) is not None, "a clock that stepped back keeps nothing waiting"
        held.settle(held._under_way.write(), AT + 60_000)  # type: ignore[union-attr]
        assert held.counts.faults == 2
        disk.room = None
        assert held.flush(AT + 120_000) == 4
        assert held.append(request(8)) == 5
        held.close(AT + 130_000)
        found = read(tmp_path / "relay")
        gap = Gap(AT + 4, AT + 12, *((0, 5) if way == "refuse" else (5, 0)))
        assert found == [request(0), request(1), ended(0), gap, request(8)]
        counts = held.counts
        assert (counts.refused, counts.unrecorded) == ((5, 0) if way == "refuse" else (0, 5))

    def test_a_sync_that_fails_is_never_believed_and_never_asked_twice(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The next try goes to another file; the frames in the first are read once."""
        held = journal(tmp_path / "relay")
        disk = Disk(monkeypatch)
        held.append(request(0))
        held.flush(AT)
        disk.sync_fails = True
        held.append(request(1))
        held.append(request(2))
        assert held.flush(AT) == 1
        disk.sync_fails = False
        assert held.flush(AT) == 3
        held.close(AT)
        first, second = journal_files(tmp_path / "relay")
        assert [len(list(FileReader(file))) for file in (first, second)] == [3, 2]
        assert read(tmp_path / "relay") == [request(0), request(1), request(2)]
        _, rows = told(tmp_path / "relay")
        assert rows == []

    def test_records_that_could_not_be_written_are_told_at_the_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = journal(tmp_path / "relay")
        Disk(monkeypatch, 0)
        held.append(request(0))
        held.append(request(1))
        with pytest.raises(HeadwaterError, match="2 records of the journal could not be written") as caught:
            held.close(AT)
        assert caught.value.hint == "see that there is room on its disk"
        monkeypatch.undo()
        journal(tmp_path / "relay").close(AT)
        assert read(tmp_path / "relay") == []

    @pytest.mark.parametrize("way", WAYS)
    def test_a_slow_disk_holds_bounded_memory(self, tmp_path: Path, way: str) -> None:
        settings = JournalSettings(memory_bytes=1 << 16, when_full=way)  # type: ignore[arg-type]
        held = journal(tmp_path / "relay", settings)
        held.append(request(0, text="x" * 20_000))
        batch = held.take(AT)
        assert batch is not None
        assert not held.crowded
        tickets = [held.append(request(n, text="x" * 20_000)) for n in range(1, 9)]
        answer = REFUSED if way == "refuse" else UNRECORDED
        assert tickets == [2, 3, 4, *[answer] * 5]
        assert held.crowded
        assert held.append(ended(0)) == 5
        lost = [held.append(ended(n)) for n in range(300)].count(UNRECORDED)
        assert lost > 100
        assert held._held < (1 << 16) * 5 / 4 + 200
        held.settle(batch.write())
        held.flush(AT)
        assert held.append(request(20)) > 0
        held.close(AT)
        (gap,) = [record for record in read(tmp_path / "relay") if isinstance(record, Gap)]
        assert (gap.served, gap.refused, gap.answers) == (*((0, 5) if way == "refuse" else (5, 0)), lost)


def test_who_follows_sees_what_is_written_and_goes_on_from_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "relay"
    assert list(follow(folder)) == []
    held, seen, at = journal(folder, SMALL), [], None
    for number in range(50):
        held.append(request(number))
        held.append(ended(number))
        if number % 3 == 0:
            held.flush(AT + number)
        for place, record in follow(folder, at):
            at = place
            seen.append(record)
    held.close(AT)
    seen += [record for _, record in follow(folder, at)]
    assert seen == [record for number in range(50) for record in (request(number), ended(number))]
    assert len(journal_files(folder)) == 2


@pytest.mark.parametrize(
    "given",
    [
        {"window_us": -1},
        {"window_us": 10**9},
        {"window_records": 0},
        {"memory_bytes": 5},
        {"file_bytes": 5},
        {"file_age_us": 5},
        {"retry_us": 5},
        {"when_full": "hope"},
    ],
)
def test_settings_that_cannot_be(given: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        JournalSettings(**given)  # type: ignore[arg-type]


def test_a_file_is_closed_when_that_is_asked_and_only_for_who_waits(tmp_path: Path) -> None:
    held = journal(tmp_path)
    held.append(request(1))
    held.flush(AT)
    assert not close_now([tmp_path], 0.1, sleep=lambda _: None)  # its writer doesn't look
    assert not was_asked(tmp_path)  # and needn't do it any more
    asked = []

    def looks(_: float) -> None:
        asked.append(was_asked(tmp_path))
        held.close_file()
        held.flush(AT + 1)

    assert close_now([tmp_path], 1.0, sleep=looks)
    assert asked == [True]
    held.append(request(2))
    held.flush(AT + 2)
    assert len(journal_files(tmp_path)) == 2
    held.close(AT + 3)
    assert close_now([tmp_path], 0.0)
