"""Every change reaches the casebook's log with what it was, whoever made it; what stands against an account is read."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from casework.books import SETTINGS as BOOK
from casework.books import pack, proposed
from console.offices import SETTINGS, served
from headwater.casework import Casebook, new_casebook, open_casebook
from headwater.casework.log import held
from headwater.cli import app
from headwater.control.identity import new_identity, open_identity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    now_us = time.time_ns() // 1000
    new_casebook(tmp_path / "book", BOOK, pack(), now_us)
    new_identity(tmp_path / "identity", SETTINGS)
    return tmp_path


def entries(folder: Path) -> list[dict[str, Any]]:
    with open_casebook(folder / "book", BOOK) as book, book.store.read() as tx:
        return [json.loads(one.record) for one in held(tx, kind="identity") if one.record]


def until(found: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + 30
    while not found():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_a_change_is_in_the_log_at_once_whoever_made_it(folder: Path) -> None:
    with served(folder / "identity", "--casebook", str(folder / "book")) as server:
        admin = server.client(name="ann")
        admin.made("/v1/accounts", {"id": "bot", "reason": "asked to"})
        with server.identity() as identity:
            identity.change_account("bot", "bob", time.time_ns() // 1000, {"label": "x"})
        until(lambda: len(entries(folder)) == 3)
        made_key, made, changed = (one["body"] for one in entries(folder))
        assert (made_key["kind"], made_key["what"], made_key["by"]) == ("admin-key", "made", "tester")
        assert "digest" not in json.dumps(made_key)
        assert (made["what"], made["by"], made["reason"]) == ("made", "ann", "asked to")
        assert (changed["by"], changed["before"]["label"], changed["after"]["label"]) == ("bob", "", "x")
        admin.ask("PATCH", "/v1/accounts/bot", {"label": "last"})
        assert server.stop(signal.SIGTERM) == 0
    assert entries(folder)[-1]["body"]["after"]["label"] == "last"
    with open_identity(folder / "identity", SETTINGS) as identity:
        assert identity.waiting(1) == []


@pytest.mark.slow
def test_a_kill_loses_no_entry_and_makes_none_twice(folder: Path) -> None:
    names = []
    for turn in range(4):
        settings = "follow_s = 0.01"
        with served(folder / "identity", "--casebook", str(folder / "book"), settings=settings) as server:
            admin = server.client("accounts:write", name=f"t-{turn}")
            for number in range(8 + turn):
                names.append(f"a-{turn}-{number}")
                admin.made("/v1/accounts", {"id": names[-1]})
            server.stop(signal.SIGKILL)
    with served(folder / "identity", "--casebook", str(folder / "book")):
        until(lambda: len(entries(folder)) >= len(names) + 4)
    changes = [one["body"]["change"] for one in entries(folder) if one["body"]["kind"] == "account"]
    assert changes == list(range(1, len(names) + 1))


def test_a_casebook_that_is_in_the_way_holds_up_no_change(folder: Path) -> None:
    with served(
        folder / "identity", "--casebook", str(folder / "book"), settings="follow_s = 0.05"
    ) as server:
        admin = server.client(name="ann")
        until(lambda: len(entries(folder)) == 1)
        (folder / "book/casebook.sqlite").chmod(0o644)
        admin.made("/v1/accounts", {"id": "bot"})
        until(lambda: any("log lacks changes for now" in line for line in server.lines))
        assert admin.ask("GET", "/v1/accounts/bot/steps").problem == "store"
        (folder / "book/casebook.sqlite").chmod(0o600)
        until(lambda: len(entries(folder)) == 2)


def test_the_command_enters_what_waits(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_IDENTITY", str(folder / "identity"))
    monkeypatch.setenv("HEADWATER_CASEBOOK", str(folder / "book"))
    for name in ("a", "b"):
        assert app.run(["account", "new", name, "--by", "ann"]) == 0
    capsys.readouterr()
    for count in (2, 0):
        assert app.run(["casebook", "follow"]) == 0
        assert capsys.readouterr().out == f"entered: {count} changes\n"
    assert [one["body"]["change"] for one in entries(folder)] == [1, 2]


def test_what_stands_against_an_account_is_read(folder: Path) -> None:
    now_us = time.time_ns() // 1000
    with open_casebook(folder / "book", BOOK) as book:
        batch = proposed(book, at_us=now_us)
        account = sorted(book.accounts().values())[0]
        step = next(one for one in book.steps() if book.accounts()[one.step.account] == account)
        confirmed(book, step.id, now_us)
    assert batch
    with served(folder / "identity", "--casebook", str(folder / "book")) as server:
        told = server.client("casework:read").get(f"/v1/accounts/{account}/steps")
        assert told["restrictions"]["rung"] == "quarantine"
        assert told["restrictions"]["step_ids"] == [step.id]
        (one,) = told["steps"]
        assert (one["id"], one["state"], one["decided_by"]) == (step.id, "standing", ["alice"])
        none = server.client("casework:read").get("/v1/accounts/nobody/steps")
        assert (none["restrictions"]["rung"], none["steps"]) == ("observe", [])
        campaign = server.client("casework:read").get(f"/v1/accounts/{step.campaign}/steps")
        assert campaign["steps"] == [], "an account may be called what a campaign is called"


def confirmed(book: Casebook, step: str, at_us: int) -> None:
    """A person confirms a step."""
    book.confirm(step, "alice", at_us, "looked at")
