"""A relay killed while it writes, and a rotation killed at each of its moments: nothing lost, doubled or unreadable."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from exchange.journal.journals import AT, filled
from headwater.errors import HeadwaterError
from headwater.exchange.journal import (
    Accepted,
    FileReader,
    Journal,
    JournalSettings,
    Outcome,
    follow,
    journal_files,
    rotate,
)
from headwater.exchange.journal.rotation import MOMENTS

pytestmark = pytest.mark.xdist_group("small")

#: Writes as fast as it can, as a door would: batches in a thread, what is durable told as soon as it is.
WRITER = """
import os, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from headwater.exchange.journal import Accepted, Journal, JournalSettings, Outcome

run, settings = int(sys.argv[2]), JournalSettings(window_us=1_000, file_bytes=60_000, memory_bytes=1 << 20)
journal = Journal.open(Path(sys.argv[1]), settings)
told = os.open(Path(sys.argv[1]).parent / "durable", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
number, future = 0, None
with ThreadPoolExecutor(1) as thread:
    while True:
        at = time.time_ns() // 1000
        if not journal.crowded:
            for _ in range(20):
                name = f"{run}-{number}"
                journal.append(Accepted(name, at, f"a{number % 9}", "What do rivers carry? " * 20))
                journal.append(Outcome(name, at + 5, 200))
                number += 1
        if future is not None and future.done():
            journal.settle(future.result())
            future = None
            os.write(told, b"%d %d\\n" % (run, journal.durable))
        if future is None and journal.due(at) == 0 and (batch := journal.take(at)) is not None:
            future = thread.submit(batch.write)
"""

#: Rotates, and ends itself at the nth coming of a moment.
ROTATION = """
import os, resource, signal, sys
from pathlib import Path
from headwater.errors import HeadwaterError
from headwater.exchange.journal import rotate

folder, out, at, count, room = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
if room:
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
seen = 0
def between(moment):
    global seen
    print(moment)
    seen += moment == at
    if moment == at and seen == count:
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
try:
    rotate(folder, out, 1 << 60, between=between)
except HeadwaterError as error:
    print("error:", error)
    sys.exit(7)
"""


def killed_after(folder: Path, run: int, seconds: float) -> None:
    before = {file.name for file in journal_files(folder)} if folder.exists() else set()
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(run)])
    for _ in range(4000):
        files = journal_files(folder) if folder.exists() else []
        if files and files[-1].name not in before and files[-1].path.stat().st_size > 2_000:
            break
        time.sleep(0.005)
    time.sleep(seconds)
    process.kill()
    assert process.wait() == -signal.SIGKILL


def durable(base: Path) -> dict[int, int]:
    """What each run had been told is on the disk; its last line may be torn."""
    found: dict[int, int] = {}
    for line in (base / "durable").read_text().split("\n")[:-1]:
        run, ticket = map(int, line.split())
        found[run] = max(ticket, found.get(run, 0))
    return found


def test_killed_at_random_moments_under_load(tmp_path: Path) -> None:
    """Eight lives of one relay. What was durable is there, in order, and a new life begins at once."""
    folder, draw = tmp_path / "relay", random.Random(8)
    for run in range(8):
        killed_after(folder, run, 0.15 + draw.random() * 0.3)
        began = time.monotonic()
        Journal.open(folder, JournalSettings()).close(AT)
        assert time.monotonic() - began < 2
    ids: dict[int, list[str]] = {}
    told: list[object] = []
    for _, record in follow(folder, None, told.append):
        assert isinstance(record, Accepted | Outcome)
        ids.setdefault(int(record.id.split("-")[0]), []).append(record.id)
    assert told == [], "a torn tail is all that a kill leaves"
    reached = durable(tmp_path)
    assert len(reached) == 8
    for run, ticket in reached.items():
        assert len(ids[run]) >= ticket > 100
        assert ids[run] == [f"{run}-{number // 2}" for number in range(len(ids[run]))]
    for file in journal_files(folder):
        reader = FileReader(file)
        list(reader)
        assert reader.account.whole
    done = rotate(folder, tmp_path / "out", AT)
    assert done.rows == sum(-(-len(held) // 2) for held in ids.values())
    assert sorted(written(tmp_path / "out")) == sorted({name for held in ids.values() for name in held})
    assert journal_files(folder) == []


def written(out: Path) -> list[str]:
    """The ids of all rows in parts that an investigation would read."""
    found: list[str] = []
    for path in out.rglob("*.parquet"):
        if not any(part.startswith(("_", ".")) for part in path.relative_to(out).parts):
            found += pq.read_table(path, columns=["id"], partitioning=None)["id"].to_pylist()
    return found


def rotating(base: Path, at: str = "", count: int = 1, room: int = 0) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        ROTATION,
        str(base / "relay"),
        str(base / "out"),
        at,
        str(count),
        str(room),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def two_days(base: Path) -> set[str]:
    """A journal of six files, one of which holds two days."""
    folder, names = base / "relay", set()
    held = Journal.open(folder, JournalSettings(file_bytes=4096))
    for number in range(60):
        at = AT + (number > 25) * 86_400_000_000 + number
        held.append(Accepted(f"r{number}", at, "a", "What do rivers carry? " * 10))
        held.append(Outcome(f"r{number}", at, 200))
        names.add(f"r{number}")
        held.flush(at)
    held.close(AT)
    assert len(journal_files(folder)) == 6
    return names


def test_every_moment_of_a_rotation_comes(tmp_path: Path) -> None:
    two_days(tmp_path)
    done = rotating(tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(dict.fromkeys(done.stdout.splitlines())) == list(MOMENTS)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_rotation_killed_at_a_moment(tmp_path: Path, moment: str, count: int) -> None:
    """Also where somebody takes away each part as soon as it's there."""
    names = two_days(tmp_path)
    assert rotating(tmp_path, moment, count).returncode == -signal.SIGKILL
    taken = written(tmp_path / "out")
    assert Counter(taken).most_common(1)[0][1] == 1 if taken else True
    for path in (tmp_path / "out").glob("day=*/*.parquet"):
        path.unlink()
    assert rotating(tmp_path).returncode == 0
    assert Counter(taken + written(tmp_path / "out")) == Counter(names)
    assert journal_files(tmp_path / "relay") == []
    assert rotating(tmp_path).stdout == ""


def test_a_rotation_killed_again_and_again(tmp_path: Path) -> None:
    names = two_days(tmp_path)
    for moment in (*MOMENTS, *reversed(MOMENTS)):
        assert rotating(tmp_path, moment).returncode in (-signal.SIGKILL, 0)
        found = Counter(written(tmp_path / "out"))
        assert set(found.values()) <= {1}
        left = {
            entry.record.id
            for file in journal_files(tmp_path / "relay")
            for entry in FileReader(file)
            if isinstance(entry.record, Accepted)
        }
        assert found.keys() | left == names
    assert rotating(tmp_path).returncode == 0
    assert Counter(written(tmp_path / "out")) == Counter(names)


@pytest.mark.parametrize("room", [1, 200, 4_000])
def test_a_rotation_without_room_loses_nothing(tmp_path: Path, room: int) -> None:
    names = two_days(tmp_path)
    done = rotating(tmp_path, room=room)
    assert done.returncode == 7, done.stderr
    assert "cannot be written" in done.stdout
    assert "Traceback" not in done.stderr
    assert rotating(tmp_path).returncode == 0
    assert Counter(written(tmp_path / "out")) == Counter(names)


def test_a_journal_without_room_tells_and_goes_on(tmp_path: Path) -> None:
    """The files of a real file system end at so many bytes, in a process of its own."""
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from headwater.exchange.journal import *\n"
        "folder = Path(sys.argv[1])\n"
        "held = Journal.open(folder, JournalSettings(retry_us=10_000))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (700, resource.RLIM_INFINITY))\n"
        "made = [Accepted(f'r{n}', 5 + n, 'a', 'x' * 100) for n in range(10)]\n"
        "answers = [(held.append(one), held.flush(n * 20_000)) for n, one in enumerate(made)]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "print(answers, held.counts.faults)\n"
        "held.flush(1_000_000); held.append(Accepted('last', 99, 'a', 'x')); held.close(1_000_000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "relay")], capture_output=True, text=True, check=True
    )
    assert "(-1, 5)" in done.stdout, done.stdout
    found = [record for _, record in follow(tmp_path / "relay")]
    asked = [record.id for record in found if isinstance(record, Accepted)]
    assert asked[:4] == ["r0", "r1", "r2", "r3"]
    assert asked[-1] == "last"
    assert len(asked) == len(set(asked))


def test_ended_while_it_begins(tmp_path: Path) -> None:
    """Nothing but a lock, or the first bytes of a file: the next life begins, and a rotation passes over it."""
    filled(tmp_path / "relay", 1)
    (tmp_path / "relay" / "000000000002-00000000000000aa.journal").write_bytes(b"\x89HWJ")
    (tmp_path / "relay" / "000000000003-00000000000000bb.journal").touch()
    filled(tmp_path / "relay", 2)
    assert len(list(follow(tmp_path / "relay"))) == 6
    try:
        done = rotate(tmp_path / "relay", tmp_path / "out", AT)
    except HeadwaterError as error:  # pragma: no cover
        pytest.fail(str(error))
    assert (done.files, done.rows, done.torn, (tmp_path / "relay" / "damaged").exists()) == (4, 3, 4, False)
