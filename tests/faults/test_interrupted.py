"""A run that doesn't end: Ctrl-C, SIGTERM, kill -9, a full disk, a locked folder. Outputs are whole or not there."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import headwater
from headwater.cli.app import run
from headwater.investigation import Investigation
from investigation.worlds import SAMPLE, exchanges, jsonl, plain, rows

pytestmark = pytest.mark.xdist_group("small")
OUTPUTS = ("report.html", "campaigns.json", "accounts.parquet", "exchanges.parquet")


def started(tmp_path: Path, log: Path, largest_file: int = -1) -> subprocess.Popen[str]:
    """`headwater investigate` as a process of its own, with a temporary folder of its own."""
    (tmp_path / "scratch").mkdir(exist_ok=True)
    limits = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({largest_file}, {largest_file}))"
    program = f"import resource; {limits}; from headwater.cli import main; main()"
    command = [sys.executable, "-c", program, "investigate", str(log), "-o", str(tmp_path / "report")]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "scratch")}
    return subprocess.Popen(
        [*command, "--threads", "2", "--color", "never"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        cwd=tmp_path,
    )


def log_of(tmp_path: Path, count: int) -> Path:
    """A small log as Parquet."""
    pq.write_table(exchanges().slice(0, count), tmp_path / "log.parquet")
    return tmp_path / "log.parquet"


@pytest.fixture(scope="module")
def with_bad_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample four times over, as JSON lines, so that nothing here is done early; the first and the last are bad."""
    sample = rows(pq.read_table(SAMPLE / "exchanges.parquet"))
    path = tmp_path_factory.mktemp("bad") / "log.jsonl"
    jsonl(path, [{**row, "id": f"{row['id']}-{copy}"} for copy in range(4) for row in sample])
    path.write_text("bad\n" + path.read_text("utf-8") + "bad\n", "utf-8")
    return path


def until_reading(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    """Wait for the spool to be there."""
    for _ in range(1200):
        if any((tmp_path / "scratch").glob("headwater-*/spool")):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("the run never began to read")


@pytest.mark.slow
@pytest.mark.parametrize("later", [0.0, 0.5, 1.5])
@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda told: told.name)
def test_an_interrupted_run_leaves_nothing_behind(
    told: signal.Signals, later: float, with_bad_rows: Path, tmp_path: Path
) -> None:
    process = started(tmp_path, with_bad_rows)
    until_reading(tmp_path, process)
    time.sleep(later)
    process.send_signal(told)
    if told != signal.SIGINT:  # a terminal that closes says so twice
        process.send_signal(told)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + told, err
    assert out == ""
    assert err.strip() == "interrupted"
    assert not (tmp_path / "report").exists()
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.slow
def test_kill_leaves_nothing_next_to_the_outputs(tmp_path: Path) -> None:
    process = started(tmp_path, SAMPLE / "exchanges.parquet")
    until_reading(tmp_path, process)
    process.kill()
    process.communicate(timeout=60)
    assert list((tmp_path / "report").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"report", "scratch"}


@pytest.mark.slow
@pytest.mark.parametrize("end", ["bad log", "kill", "ctrl-c"])
def test_a_run_that_does_not_end_leaves_an_earlier_report_as_it_was(
    end: str, with_bad_rows: Path, tmp_path: Path
) -> None:
    (tmp_path / "report").mkdir()
    earlier = {name: f"of an earlier run: {name}".encode() for name in (*OUTPUTS, "set_aside.jsonl")}
    for name, held in earlier.items():
        (tmp_path / "report" / name).write_bytes(held)
    log = with_bad_rows
    if end == "bad log":
        log = tmp_path / "bad.jsonl"
        log.write_text("bad\nbad\n")
    process = started(tmp_path, log)
    if end != "bad log":
        until_reading(tmp_path, process)
        time.sleep(1)
        process.send_signal(signal.SIGKILL if end == "kill" else signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == {"bad log": 2, "kill": -9, "ctrl-c": 130}[end]
    assert {path.name: path.read_bytes() for path in (tmp_path / "report").iterdir()} == earlier


@pytest.mark.slow
def test_the_next_run_sweeps_what_a_killed_one_left_and_nothing_else(tmp_path: Path) -> None:
    """Its scratch folder holds prompts. One that is in use, or that somebody else made, stays."""
    dead = started(tmp_path, SAMPLE / "exchanges.parquet")
    until_reading(tmp_path, dead)
    dead.kill()
    dead.communicate(timeout=60)
    (left,) = (tmp_path / "scratch").iterdir()
    assert (left / "spool").exists()
    (tmp_path / "scratch" / "headwater-notes").mkdir()
    (tmp_path / "scratch" / "headwater-notes" / ".lock").touch()
    (tmp_path / "scratch" / "headwater-link").symlink_to(tmp_path / "report")
    living = started(tmp_path, SAMPLE / "exchanges.parquet")
    while left.exists() or not list((tmp_path / "scratch").glob("headwater-*/spool")):
        assert living.poll() is None, living.communicate()
        time.sleep(0.05)
    living.send_signal(signal.SIGSTOP)  # it lives, and takes its time
    other = started(tmp_path, log_of(tmp_path, 300))
    assert other.wait(timeout=120) == 0
    living.send_signal(signal.SIGCONT)
    assert living.wait(timeout=120) == 0
    assert {p.name for p in (tmp_path / "scratch").iterdir()} == {"headwater-notes", "headwater-link"}


def test_a_report_folder_is_swept_too(tmp_path: Path) -> None:
    """A process that is killed while it writes leaves a hidden folder beside the outputs."""
    program = (
        "import os, signal, sys; from pathlib import Path; from headwater.places import together\n"
        "with together(Path(sys.argv[1])) as place:\n"
        "    place('report.html').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    assert (left / "report.html").exists()
    plain().write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(OUTPUTS)


def test_links_in_the_report_folder_are_replaced_and_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    out = tmp_path / "report"
    out.mkdir()
    for name in (*OUTPUTS, "set_aside.jsonl"):
        (out / name).symlink_to("../precious.txt")
    log = jsonl(tmp_path / "log.jsonl", rows(exchanges().slice(0, 300)))
    log.write_text(log.read_text() + "bad\n")
    assert run(["investigate", str(log), "-o", str(out), "-q"]) == 0
    assert precious.read_text() == "mine"
    assert {path.name for path in out.iterdir() if not path.is_symlink()} == {*OUTPUTS, "set_aside.jsonl"}


@pytest.mark.parametrize("output", ["out", "out/one.jsonl"])
def test_an_ingest_that_fails_leaves_no_rows_set_aside(output: str, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk, as above."""
    log = tmp_path / "log.jsonl"
    jsonl(log, rows(exchanges().slice(0, 1)))
    log.write_text(log.read_text("utf-8") + "bad\n" * 20_000, "utf-8")
    limits = "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    program = f"import resource; {limits}; from headwater.cli import main; main()"
    command = [sys.executable, "-c", program, "ingest", str(log), "-o", str(tmp_path / output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert "fault in Headwater itself" not in done.stderr
    assert "File too large" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_disk_that_fills_while_reading_is_said(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: writing fails at the same call."""
    log = tmp_path / "log.parquet"
    pq.write_table(exchanges(), log)

    process = started(tmp_path, log, largest_file=100_000)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2, err
    assert out == ""
    assert err.startswith("error: ")
    assert "fault in Headwater itself" not in err
    assert not (tmp_path / "report").exists()
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", ["html", "json", "_annotation"])
def test_a_report_is_replaced_whole_or_not_at_all(
    name: str, fault: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = {name: f"of an earlier run: {name}".encode() for name in OUTPUTS}
    for each, held in earlier.items():
        (tmp_path / each).write_bytes(held)

    def failing(_: Investigation) -> bytes:
        raise fault

    monkeypatch.setattr(Investigation, name, failing)
    with pytest.raises(type(fault)):
        plain().write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == earlier
    monkeypatch.undo()
    plain().write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(OUTPUTS)
    assert (tmp_path / "campaigns.json").read_bytes() == plain().json()


def test_what_a_killed_run_left_behind_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    out = tmp_path / "out"
    (out / ".headwater-left").mkdir(parents=True)
    (out / ".headwater-left" / "report.html").symlink_to(victim)
    (out / "report.html.part").symlink_to(victim)
    plain().write(out)
    assert victim.read_bytes() == b"mine"
    assert set(OUTPUTS) <= {path.name for path in out.iterdir()}


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_an_output_folder_that_cannot_be(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("here already")
    log = tmp_path / "log.parquet"
    pq.write_table(exchanges().slice(0, 200), log)
    assert run(["investigate", str(log), "-o", str(tmp_path / place), "-q"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("error: ")
    assert place in told.err
    assert "fault in Headwater itself" not in told.err
    assert (tmp_path / "file").read_text() == "here already"


def test_an_output_folder_without_permission(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For root, no folder is locked but those that are no folders on a disk."""
    folder = Path("/proc/self")
    if not folder.exists():
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o500)
    log = tmp_path / "log.parquet"
    pq.write_table(exchanges().slice(0, 200), log)
    assert run(["investigate", str(log), "-o", str(folder), "-q"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: {folder}")
    assert "fault in Headwater itself" not in told


def test_a_fault_inside_removes_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("headwater.investigation.detect", broken)
    with pytest.raises(MemoryError):
        headwater.investigate(exchanges().slice(0, 200))
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_vanishes_while_it_is_read(tmp_path: Path) -> None:
    """What was read before stays in the spool; the report doesn't need the log any more."""
    log = tmp_path / "logs" / "log.parquet"
    log.parent.mkdir()
    pq.write_table(exchanges().slice(0, 500), log)
    with headwater.investigate(log) as found:
        shutil.rmtree(log.parent)
        found.write(tmp_path / "report")
    assert (tmp_path / "report" / "exchanges.parquet").exists()
