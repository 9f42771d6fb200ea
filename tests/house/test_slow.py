"""The list of slow tests names tests that are there."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_slow_test_is_there() -> None:
    listed = (ROOT / "tests" / "slow.txt").read_text("utf-8").split()
    assert listed == sorted(set(listed))
    gone = []
    for each in listed:
        path, *names = each.split("::")
        # A state machine of hypothesis is a class whose only method is its own.
        name = f"{names[0]} = " if names[-1] == "runTest" else f"def {names[-1]}("
        if name not in (ROOT / path).read_text("utf-8"):
            gone.append(each)
    assert not gone, "take them out of tests/slow.txt"
