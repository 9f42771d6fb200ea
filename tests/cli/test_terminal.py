"""The manners of the terminal: streams, colour, broken pipes, and what a log may not do to a screen."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import rich.progress

from explain.builders import findings, poisoned
from headwater.cli.app import run
from headwater.cli.terminal import Terminal, clean, write
from headwater.cli.whole import Whole
from headwater.explain import dumps


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("option", "environment", "screen", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "0"}, False, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour(
    option: str, environment: dict[str, str], screen: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Screen() if screen else io.StringIO()
    assert Terminal(colour=option).coloured(stream) is expected  # type: ignore[arg-type]


def test_notes_go_to_stderr_and_are_dropped_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().say("a note")
    Terminal(quiet=True).say("another note")
    Terminal(quiet=True).warn("mind this")
    Terminal(quiet=True).out("data\n")
    shown = capsys.readouterr()
    assert shown.out == "data\n"
    assert shown.err == "a note\nwarning: mind this\n"


@pytest.mark.parametrize("terminal", [Terminal(quiet=True), Terminal(show_progress=False), Terminal()])
def test_progress_is_silent_where_nobody_watches(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO() if terminal == Terminal() else Screen()
    monkeypatch.setattr(sys, "stderr", stream)
    with terminal.progress() as progress:
        progress("read", 1, None)
        progress("read", 2, 2)
    assert stream.getvalue() == ""


def test_progress_is_drawn_on_a_terminal_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Screen()
    monkeypatch.setattr(sys, "stderr", stream)
    with Terminal().progress() as progress:
        progress("read \x1b[31m[bold]logs", 3, 10)
    assert "read" in stream.getvalue()
    assert "\x1b[31m[" not in stream.getvalue()
    assert "[bold]" in stream.getvalue()


HOSTILE = ["\x1b[2J", "\x07", "\x9b2J", "a\rb", "\x1b]0;title\x07", "\u202etxt", "a\nb"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_strings_of_a_log_lose_what_acts(hostile: str) -> None:
    shown = clean(f"x{hostile}y")
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in shown)
    assert "\u202e" not in shown
    assert shown.startswith("x")
    assert shown.endswith("y")


def test_a_stream_that_cannot_say_a_character_says_a_question_mark() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    write(stream, "ring ●\n")
    assert raw.getvalue() == b"ring ?\n"


def test_a_broken_pipe_is_quiet() -> None:
    program = (
        "from headwater.cli.terminal import Terminal\n"
        "for _ in range(20000): Terminal().out('data ' * 20 + '\\n')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_was_closed_from_the_start_is_no_fault(closed: str, tmp_path: Path) -> None:
    """Cron jobs and services may have none; what is written must not end up in an output in its stead."""
    log = tmp_path / "log.jsonl"
    log.write_text('{"id":"1","at":"2026-03-02T10:00:00Z","account":"a","prompt":"x"}\nbad\n')
    headwater = f"{sys.executable} -m headwater.cli"
    for command in (f"inspect {log}", f"ingest {log} -o {tmp_path}/own", f"inspect {log} --max-bad 0"):
        done = subprocess.run(
            f"{headwater} {command} {closed}", shell=True, capture_output=True, text=True, check=False
        )
        assert done.returncode == (3 if "--max-bad" in command else 0), done.stderr
        assert "fault" not in done.stderr
    assert len((tmp_path / "own" / "_set_aside.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("command", ["explain", "diff"])
def test_names_in_json_act_on_no_screen(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "\x9b2J\u202e\u2066\ufeff\u2028a"
    (tmp_path / "now.json").write_bytes(dumps(poisoned(name)))
    (tmp_path / "then.json").write_bytes(dumps(findings()))
    told = [str(tmp_path / "then.json"), str(tmp_path / "now.json")]
    named = [poisoned(name).campaigns[0].id, "--report", told[1]]
    assert run([command, *(told if command == "diff" else named), "--json"]) == 0
    shown = capsys.readouterr().out
    assert clean(shown).rstrip() == shown.rstrip()
    assert name in json.dumps(json.loads(shown), ensure_ascii=False)


def test_a_stage_has_not_ended_while_what_follows_from_its_rows_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its bar isn't full and its clock goes on: nobody takes it for a hang."""
    made: list[rich.progress.Progress] = []
    drawn = rich.progress.Progress.__init__

    def noted(bars: rich.progress.Progress, *columns: Any, **how: Any) -> None:
        made.append(bars)
        drawn(bars, *columns, **how)

    monkeypatch.setattr(rich.progress.Progress, "__init__", noted)
    monkeypatch.setattr("headwater.cli.terminal._watched", lambda _: True)
    with Terminal().progress(Whole()) as progress:
        progress("look for ties", 5_000, 10_000)
        progress("look for ties", 10_000, 10_000)
        (ties, *_) = made[0].tasks
        assert not ties.finished
        assert ties.percentage == 99
        words = made[0].columns[-1].render(ties)
        assert str(words) == "10,000 of 10,000, and what follows from them"
        progress("look at every group", 1, 10_000)
        assert ties.finished
        assert str(made[0].columns[-1].render(ties)) == "10,000 of 10,000"
