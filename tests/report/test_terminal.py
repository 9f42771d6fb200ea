"""A board in a terminal: as wide as it may be, coloured only where wanted, never obeying a string."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from hypothesis import given, settings
from rich.cells import cell_len

from explain.builders import HOSTILE, findings, hostile, poisoned
from headwater.explain import board
from headwater.report import Badge, Board, Column, draw, wants_colour


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(made: Board, width: int = 90, colour: bool = False) -> str:
    stream = io.StringIO()
    draw(made, stream, colour=colour, width=width)
    return stream.getvalue()


def test_the_shape() -> None:
    lines = drawn(board(findings(), report="report/report.html"), 100).splitlines()
    assert lines[0].startswith("read 1,000,000 exchanges · 24,310 accounts")
    assert lines[1].startswith("3 campaigns (at most 0.02 expected by chance)")
    assert lines[1].endswith("41 s · 1.9 GiB")
    assert lines[2].split() == [
        "campaign",
        "accounts",
        "exchanges",
        "sure",
        "chance",
        "1",
        "in",
        "what",
        "was",
        "taken",
    ]
    assert lines[3].split() == [
        "●",
        "birch-harvest",
        "1,204",
        "392,609",
        "0.996",
        "≥",
        "9,000",
        "graded",
        "reasoning",
    ]
    assert lines[-1].rstrip() == "report/report.html · next: headwater explain birch-harvest"


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(cell_len(line) for line in drawn(board(findings()), width).splitlines()) <= width


def test_a_narrow_terminal_loses_what_may_be_left_out_and_keeps_the_figures() -> None:
    text = drawn(board(findings()), 60)
    assert "what was taken" not in text
    assert "0.996" in text
    assert "9,000" in text


@settings(max_examples=30)
@given(hostile)
def test_no_string_acts(text: str) -> None:
    out = drawn(board(poisoned(text)))
    assert not {c for c in out if ord(c) < 32 and c != "\n"}
    assert "\x9b" not in out
    assert "\u202e" not in out


def test_markup_and_formulas_are_shown_as_they_are() -> None:
    made = Board(
        [(HOSTILE[11], "")],
        [Column("", "text"), Column("x", "name")],
        [[Badge("w", "for", "●"), HOSTILE[3]]],
        [HOSTILE[0]],
    )
    out = drawn(made)
    assert all(text in out for text in (HOSTILE[11], HOSTILE[3], HOSTILE[0]))


def test_colour_is_only_there_when_it_is_wanted() -> None:
    assert "\x1b[" in drawn(board(findings()), colour=True)
    assert "\x1b" not in drawn(board(findings()), colour=False)


@pytest.mark.parametrize(
    ("env", "tty", "wanted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"CLICOLOR_FORCE": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_who_decides_about_colour(env: dict[str, str], tty: bool, wanted: bool) -> None:
    assert wants_colour(Screen() if tty else io.StringIO(), env) is wanted


def test_the_environment_does_not_override_a_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in drawn(board(findings()), colour=False)
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" in drawn(board(findings()), colour=True)


def test_importing_the_room_loads_nothing_heavy() -> None:
    program = "import sys, headwater.report; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"rich", "jinja2", "numpy", "pyarrow", "duckdb", "numba"}
