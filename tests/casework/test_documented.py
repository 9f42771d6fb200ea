"""What the code knows of a casebook stands in its reference page, and nothing else does."""

from __future__ import annotations

import json
import re

from headwater.casework import CasebookSettings
from headwater.cli.settings import paths_of
from headwater.control import TRANSITIONS
from house.source import ROOT

PAGE = (ROOT / "docs/reference/casebook.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_setting_stands_there_with_its_default_and_line() -> None:
    known = []
    for path, entry in paths_of(CasebookSettings):
        value: object = CasebookSettings()
        for name in path:
            value = getattr(value, name)
        needed = path[0] in ("operator", "appeals", "origin")
        default = "" if needed else f"`{json.dumps(value)}`"
        name = ".".join(path)
        known.append([f"`{name}`", default, entry.metadata["range"], entry.metadata["doc"]])
    assert rows("Settings") == known


def test_the_table_of_states_is_that_of_the_code() -> None:
    known = [
        [before.value if before else "–", event.value, ", ".join(led)]
        for (before, event), led in TRANSITIONS.items()
    ]
    assert rows("States of a step") == known


def test_every_column_of_an_account_table_stands_there() -> None:
    from headwater.casework.known import _COLUMNS

    named = {name for row in rows("Tables of accounts") for name in re.findall(r"`(\w+)`", row[0])}
    assert named == set(_COLUMNS) - {"account"}
