"""Errors in words: place, fault, hint, exit code; and nothing of a log that could act or leak."""

from __future__ import annotations

import click
import pytest

from headwater.cli import app
from headwater.cli.faults import show, worded
from headwater.errors import ConfigurationError, HeadwaterError, UnreadableInput, Where


def test_a_fault_names_place_and_hint() -> None:
    error = UnreadableInput("the file ends early", where=Where("a.jsonl.gz", 12, "at"), hint="copy it again")
    text, code = worded(error)
    assert text == "error: a.jsonl.gz, row 12, field at: the file ends early\nhint: copy it again\n"
    assert code == 2


def test_a_fault_without_hint_has_one_line() -> None:
    assert worded(ConfigurationError("no"))[0] == "error: no\n"


def test_control_characters_of_a_file_name_do_not_reach_the_screen() -> None:
    text, _ = worded(HeadwaterError("x\x1b[2J", where=Where("\x1b]0;t\x07log\nerror: forged")))
    assert "\x1b" not in text
    assert text.count("\n") == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_is_130(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(error) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_an_unexpected_fault_shows_its_kind_and_place_but_not_its_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HEADWATER_DEBUG", raising=False)
    with pytest.raises(KeyError) as caught:
        raise KeyError("a customer's prompt")
    text, code = worded(caught.value)
    assert "(KeyError in test_faults.py, line " in text
    assert "customer" not in text
    assert code == 2
    monkeypatch.setenv("HEADWATER_DEBUG", "1")
    assert "customer" in worded(caught.value)[0]


def test_a_system_error_names_the_file() -> None:
    assert worded(PermissionError(13, "Permission denied", "out/report.html"))[0] == (
        "error: out/report.html: Permission denied\n"
    )


def test_no_memory_is_worded() -> None:
    assert "--memory" in worded(MemoryError())[0]


def test_a_command_may_exit_with_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.app, "main", lambda *args, **more: 3)
    assert app.run(["anything"]) == 3
    monkeypatch.setattr(app.app, "main", lambda *args, **more: None)
    assert app.run(["anything"]) == 0


def test_an_interrupted_command_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app.app, "main", interrupted)
    assert app.run(["anything"]) == 130
