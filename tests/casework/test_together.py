"""Two reviewers at once, as processes on one casebook: nothing is lost, and the second learns what the first did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from casework.books import BEGIN, HOUR, SETTINGS, made, pack, proposed, records
from headwater.casework import open_casebook
from headwater.casework.log import verify_log
from headwater.control import State
from headwater.proof import Trust, VerifierKey

#: One reviewer: acts on each step in an order of its own, and tells what came of it.
REVIEWER = """
import sys
from pathlib import Path
from headwater.casework import CasebookSettings, open_casebook
from headwater.errors import ConflictError

folder, by, what, *steps = sys.argv[1:]
settings = CasebookSettings(operator="Example AI", appeals="https://example.com/appeals", origin="example.com/desk")
with open_casebook(Path(folder), settings) as book:
    print("ready", flush=True)
    sys.stdin.readline()
    for step in steps:
        try:
            getattr(book, what)(step, by, {at}, "why")
        except ConflictError as error:
            print("lost", step, error.what, flush=True)
        else:
            print("did", step, flush=True)
"""


def race(folder: Path, doing: list[tuple[str, str, list[str]]]) -> list[list[str]]:
    """What each process printed; they begin at the same moment."""
    program = REVIEWER.replace("{at}", str(BEGIN + HOUR))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(folder), by, what, *steps],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for by, what, steps in doing
    ]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    return [one.communicate(timeout=120)[0].splitlines() for one in running]


def test_each_step_is_decided_once_and_the_other_is_told_by_whom(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    with made(folder) as book:
        ids = [kept.id for kept in proposed(book, accounts=12).steps]
    told = race(folder, [("bob", "confirm", ids), ("carol", "decline", ids[::-1])])
    with open_casebook(folder, SETTINGS) as book:
        book.publish(BEGIN + HOUR)
        steps = {kept.id: kept.step for kept in book.steps()}
        entries = [body for kind, body in records(book) if kind == "decision"]
        key = VerifierKey.parse((folder / "log.vkey").read_text().strip())
        assert verify_log(folder / "log", Trust((key,))).holds
    did = {
        line.split()[1]: by
        for by, lines in zip(("bob", "carol"), told, strict=True)
        for line in lines
        if "did" in line
    }
    assert set(did) == set(ids)
    for step, by in did.items():
        assert steps[step].state is (State.STANDING if by == "bob" else State.DECLINED)
        assert steps[step].revision == 2
    lost = [line for lines in told for line in lines if line.startswith("lost")]
    assert len(lost) == len(ids)
    for line in lost:
        step = line.split()[1]
        assert f"{did[step]} {'confirmed' if did[step] == 'bob' else 'declined'} it" in line
    assert sorted((body["step"], body["by"]) for body in entries) == sorted(did.items())


def test_of_two_that_a_ban_needs_none_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    with made(folder, pack("ban")) as book:
        ids = [kept.id for kept in proposed(book, accounts=8).steps]
    told = race(folder, [("bob", "confirm", ids), ("carol", "confirm", ids[::-1])])
    assert [line for lines in told for line in lines if "lost" in line] == []
    with open_casebook(folder, SETTINGS) as book:
        for kept in book.steps():
            assert kept.step.state is State.STANDING
            assert set(kept.step.deciders) == {"bob", "carol"}
