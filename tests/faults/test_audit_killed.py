"""An audit that doesn't end: killed at any moment, interrupted, out of room. Started again, it says the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headwater.cli.app import run
from headwater.provenance.audit.work import Work

pytestmark = pytest.mark.xdist_group("small")

#: Runs `headwater` with small chunks; before the nth call of one function it does something to itself.
PROGRAM = """
import multiprocessing, os, resource, signal, sys, time
moment, count, deed, room = sys.argv[1:5]
del sys.argv[1:5]
from headwater.cli import audit as door, main
from headwater.exchange import streams
from headwater.provenance.audit import chunks, processes, run, work
chunks.LINES = streams._BLOCK = 4000
run._SMALL = 0
if room != "-":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
places = {
    "chunk": (run, "_taken"), "finish": (work.Work, "finish"), "put": (work, "_put"), "report": (run, "_report"),
    "end": (work.Work, "end"), "page": (door, "write_page"), "annotations": (processes.Writer, "close"),
    "clear": (work.shutil, "rmtree"),
}
calls = 0
def kill(told):
    workers = [process.pid for process in multiprocessing.active_children()]
    print("workers", *workers, file=sys.stderr, flush=True)
    if deed == "worker":
        os.kill(workers[0], signal.SIGKILL)
    elif deed == "half removed":
        for path in sorted(path for path in told[0].iterdir() if path.is_file())[::2]:
            path.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        (os.killpg if deed == "SIGINT" else os.kill)(os.getpid(), getattr(signal, deed))
        time.sleep(20)
if moment != "-":
    where, name = places[moment]
    plain = getattr(where, name)
    def wrapped(*args, **kwargs):
        global calls
        calls += 1
        if calls == int(count):
            kill(args)
        return plain(*args, **kwargs)
    setattr(where, name, wrapped)
main()
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some chunks of two files, with rows that can't be read in each."""
    folder = tmp_path_factory.mktemp("set")
    for name in ("a", "b"):
        with (folder / f"{name}.jsonl").open("w") as file:
            for at in range(400):
                text = "As an AI language model, I " if at % 7 == 0 else "A text about rivers."
                row = {"id": at, "text": text, "model": ("human", "gpt-4", "x")[at % 3]}
                file.write(json.dumps(row) + "\n" + ("bad\n" if at % 50 == 9 else ""))
    return folder


@pytest.fixture(scope="module")
def whole(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an audit that nobody disturbed writes."""
    out = tmp_path_factory.mktemp("whole") / "out"
    ended = audit(corpus, out)
    assert ended.returncode == 1, ended.stderr
    return written(out)


def audit(
    corpus: Path,
    out: Path,
    processes: int = 1,
    *,
    moment: str = "-",
    count: int = 1,
    deed: str = "SIGKILL",
    room: str = "-",
) -> subprocess.CompletedProcess[str]:
    """One `headwater audit` as a process of its own."""
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        moment,
        str(count),
        deed,
        room,
        "audit",
        str(corpus),
        "-o",
        str(out),
    ]
    options = ["--sample", "0", "--processes", str(processes), "--color", "never"]
    return subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=120, check=False, start_new_session=True
    )


def written(out: Path) -> dict[str, bytes]:
    """Everything in a folder, hidden files too."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def gone(told: str) -> bool:
    """Whether none of the processes that a killed audit had started lives on."""
    (line,) = [line for line in told.splitlines() if line.startswith("workers")]
    return not any(alive(pid) for pid in line.split()[1:])


def alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def again(corpus: Path, out: Path, processes: int, whole: dict[str, bytes]) -> None:
    ended = audit(corpus, out, processes)
    assert ended.returncode == 1, ended.stderr
    assert written(out) == whole


MOMENTS = [
    ("put", 1),  # the first file of all is half written
    ("annotations", 1),
    ("finish", 1),
    ("finish", 5),
    ("report", 1),
    ("end", 1),
    ("page", 1),
]


@pytest.mark.parametrize(
    ("moment", "count"),
    [pytest.param(*each, marks=[] if each == ("finish", 5) else pytest.mark.slow) for each in MOMENTS],
)
def test_killed_and_started_again_it_says_the_same(
    corpus: Path, whole: dict[str, bytes], tmp_path: Path, moment: str, count: int
) -> None:
    killed = audit(corpus, tmp_path / "out", moment=moment, count=count)
    assert killed.returncode == -signal.SIGKILL
    assert ("audit.json" in written(tmp_path / "out")) == (moment == "page")
    again(corpus, tmp_path / "out", 1, whole)


@pytest.mark.slow
def test_killed_while_it_clears_up(corpus: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    killed = audit(corpus, tmp_path / "out", moment="clear", deed="half removed")
    assert killed.returncode == -signal.SIGKILL
    again(corpus, tmp_path / "out", 1, whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "count"), [("chunk", 1), ("chunk", 4), ("chunk", 9), ("report", 1), ("end", 1)]
)
def test_killed_with_others_at_work_it_leaves_none_behind(
    corpus: Path, whole: dict[str, bytes], tmp_path: Path, moment: str, count: int
) -> None:
    killed = audit(corpus, tmp_path / "out", 2, moment=moment, count=count)
    assert killed.returncode == -signal.SIGKILL
    for _ in range(100):
        if gone(killed.stderr):
            break
        time.sleep(0.1)
    assert gone(killed.stderr)
    again(corpus, tmp_path / "out", 2, whole)


@pytest.mark.slow
def test_killed_again_and_again(corpus: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    for processes in (1, 2, 1):
        killed = audit(
            corpus, tmp_path / "out", processes, moment="chunk" if processes == 2 else "finish", count=3
        )
        assert killed.returncode == -signal.SIGKILL
    again(corpus, tmp_path / "out", 2, whole)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("told", ["SIGINT", "SIGTERM"])
def test_interrupted_it_says_so_and_goes_on_later(
    corpus: Path, whole: dict[str, bytes], tmp_path: Path, told: str, processes: int
) -> None:
    ended = audit(corpus, tmp_path / "out", processes, moment="chunk", count=3, deed=told)
    assert ended.returncode == 128 + getattr(signal, told)
    assert ended.stdout == ""
    assert ended.stderr.splitlines()[-1] == "interrupted"
    assert len(ended.stderr.splitlines()) <= 3
    assert gone(ended.stderr)
    again(corpus, tmp_path / "out", processes, whole)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_full_disk_is_no_fault_and_no_loss(
    corpus: Path, whole: dict[str, bytes], tmp_path: Path, processes: int
) -> None:
    largest = min(len(data) for name, data in whole.items() if name.startswith("annotations"))
    ended = audit(corpus, tmp_path / "out", processes, room=str(largest - 100))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: ")
    assert "Traceback" not in ended.stderr
    assert "fault in Headwater" not in ended.stderr
    assert "audit.json" not in written(tmp_path / "out")
    again(corpus, tmp_path / "out", processes, whole)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_as_many_processes_as_one_likes_say_the_same(
    corpus: Path, whole: dict[str, bytes], tmp_path: Path, processes: int
) -> None:
    again(corpus, tmp_path / "out", processes, whole)


def test_two_audits_of_one_folder_are_one_too_many(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Work(tmp_path / "out")
    first.begin(b'{"asks": 1}')
    before = written(tmp_path / "out")
    assert run(["audit", str(corpus), "-o", str(tmp_path / "out"), "--sample", "0"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "another audit is writing there" in told.err
    assert written(tmp_path / "out") == before
    first.release()
    assert run(["audit", str(corpus), "-o", str(tmp_path / "out"), "--sample", "0", "--processes", "1"]) == 1


class TestManners:
    """Exit codes, and what goes where."""

    def told(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
        code = run(["audit", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ([], 1),
            (["--fail-on", "never"], 0),
            (["--fail-on", "unknown"], 1),
            (["--max-bad", "0"], 3),
            (["--max-bad", "1000", "--fail-on", "never"], 0),
            (["--use", "evaluate"], 0),
        ],
    )
    def test_exit_codes(
        self, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int
    ) -> None:
        wanted = ["--sample", "0", "--processes", "1"]
        assert self.told(capsys, str(corpus), "-o", str(tmp_path / "out"), *wanted, *options)[0] == code

    @pytest.mark.parametrize("form", [["--json"], ["--format", "json"], ["--format", "sarif"]])
    def test_json_is_all_there_is_on_stdout(
        self, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: list[str]
    ) -> None:
        wanted = ["-o", str(tmp_path / "out"), "--sample", "0", "--processes", "1", *form]
        code, out, err = self.told(capsys, str(corpus), *wanted)
        assert code == 1
        assert json.loads(out)
        assert err == ""

    @pytest.mark.parametrize(
        "arguments",
        [
            ["{set}", "-o", "{new}", "--column", "text=nonsense"],
            ["{set}", "-o", "{new}", "--column", "=generator"],
            ["{set}", "-o", "{new}", "--column", "text="],
            ["{set}", "-o", "{new}", "--set", "nonsense=a"],
            ["{set}", "-o", "{new}", "--set", "text=a"],
            ["{set}", "-o", "{new}", "--use", "steal"],
            ["{set}", "-o", "{new}", "--verifier", "nobody"],
            ["{set}", "-o", "{new}", "--terms", "{new}"],
            ["{set}", "-o", "{new}", "--processes", "0"],
            ["{set}", "-o", "{new}", "--sample", "-1"],
            ["{set}", "-o", "{set}"],
            ["{set}", "-o", "{set}/a.jsonl"],
            ["{new}", "-o", "{new}"],
            ["-", "-o", "{new}"],
            ["/dev/null", "-o", "{new}"],
            ["explain", "{new}", "a.jsonl:1"],
            ["split", "{new}", "--to", "{new}"],
            ["dispute", "{new}", "a.jsonl:1"],
            ["explain", "{set}/a.jsonl", "a.jsonl:1"],
        ],
    )
    def test_misuse_is_told_and_leaves_no_trace(
        self, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
    ) -> None:
        before = written(corpus)
        filled = [each.format(set=corpus, new=tmp_path / "new") for each in arguments]
        code, out, err = self.told(capsys, *filled)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert "fault in Headwater" not in err
        assert written(corpus) == before
        assert not (tmp_path / "new").exists()

    def test_no_colour_where_nobody_wants_it(self, corpus: Path, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "headwater.cli", "audit", str(corpus), "-o", str(tmp_path / "out")]
        environment = {**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "1"}
        ended = subprocess.run(
            [*command, "--sample", "0", "--processes", "1"], capture_output=True, env=environment, check=False
        )
        assert ended.returncode == 1, ended.stderr
        assert b"\x1b" not in ended.stdout + ended.stderr
        assert ended.stderr == b""


# Was so: "a fault in Headwater itself (BrokenProcessPool in run.py, _taken)": the sentence for it is there, unused.
@pytest.mark.slow
def test_a_process_that_the_system_ends_is_told_and_costs_nothing(
    corpus: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    ended = audit(corpus, tmp_path / "out", 2, moment="chunk", count=3, deed="worker")
    assert ended.returncode == 2
    assert "ended by the system" in ended.stderr
    assert "fault in Headwater" not in ended.stderr
    again(corpus, tmp_path / "out", 2, whole)


# Was so: the error of a full disk names no place and gives no hint.
@pytest.mark.slow
def test_a_full_disk_is_told_with_its_place(corpus: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    largest = min(len(data) for name, data in whole.items() if name.startswith("annotations"))
    ended = audit(corpus, tmp_path / "out", room=str(largest - 100))
    assert str(tmp_path / "out") in ended.stderr
    assert "hint: " in ended.stderr


# Was so: an output within the corpus is accepted while it isn't there, and refused when the run goes on.
@pytest.mark.slow
def test_what_was_begun_can_be_gone_on_with_wherever_it_lies(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for path in corpus.iterdir():
        (tmp_path / "set" / path.name).write_bytes(path.read_bytes())
    first = audit(tmp_path / "set", tmp_path / "set" / "out")
    assert audit(tmp_path / "set", tmp_path / "set" / "out").returncode == first.returncode


# Was so: bytes of the command line that are no UTF-8 are "a fault in Headwater itself".
@pytest.mark.parametrize("option", ["--set=generator=\udcff", "--model-name=\udcff", "--authorised=\udcff"])
def test_a_command_line_may_hold_any_bytes(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    run(["audit", str(corpus), "-o", str(tmp_path / "out"), "--sample", "0", "--processes", "1", option])
    assert "fault in Headwater" not in capsys.readouterr().err


# Was so: a reason may, too.
def test_a_reason_may_hold_any_bytes(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["audit", str(corpus), "-o", str(tmp_path / "out"), "--sample", "0", "--processes", "1"])
    run(["audit", "dispute", str(tmp_path / "out"), "a.jsonl:1", "--reason", "\udcff", "--by", "Ada"])
    assert "fault in Headwater" not in capsys.readouterr().err


# Was so: what can't be used as it is given is passed over in silence.
@pytest.mark.parametrize(
    "options", [["--rights", "nowhere"], ["--set", "date=soon"], ["--authorised", "nobody known"]]
)
def test_a_setting_that_says_nothing_is_told(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    code = run(
        ["audit", str(corpus), "-o", str(tmp_path / "out"), "--sample", "0", "--processes", "1", *options]
    )
    assert code == 2
    assert options[1].rpartition("=")[2] in capsys.readouterr().err
