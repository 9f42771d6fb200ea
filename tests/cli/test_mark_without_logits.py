"""The how-to on marks without logits: its files and commands, run as they stand there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from headwater.cli.app import run
from house.source import ROOT

PAGE = (ROOT / "docs/how-to/mark-without-logits.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.M | re.S)


def test_its_commands_do_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (toml, _), (rows,) = blocks("toml"), blocks("jsonl")  # the other is the gateway's
    Path("keys.toml").write_text(toml)
    Path("drafts.jsonl").write_text(rows)
    Path("answer.txt").write_text("One. Two.")
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert sum(line.startswith("headwater mark") for line in commands) == 3
    for line in commands:
        words = shlex.split(line)
        if words[0] == "chmod":
            Path(words[2]).chmod(int(words[1], 8))
        else:
            assert words[0] == "headwater"
            assert run(words[1:]) == 0, capfd.readouterr().err
    for name in ("chosen.jsonl", "by-word.jsonl"):
        chosen = [json.loads(line) for line in Path(name).read_text().splitlines()]
        assert [each["id"] for each in chosen] == ["a-1", "a-2"]
        assert [each["drafts"] for each in chosen] == [[2, 2], [2]]
    assert "not enough evidence" in capfd.readouterr().out
