"""The commands of the how-to page, run as they stand there, over small files of the names that they use."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from cli.test_mark_student import RING, Model, model
from headwater.cli.app import run
from mark.student.models import TOKENS, gpt

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "test-a-student.md"

__all__ = ["model"]


def commands() -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip()]


def test_they_work(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_KEY", "sk")
    Path("keys.toml").write_text(RING)
    Path("keys.toml").chmod(0o600)
    casebook = ["casebook", "new", "casebook", "--operator", "Example", "--appeals", "https://example.com"]
    assert run(casebook) == 0
    # Directories need torch; small GPTs stand in their place.
    gpt(Path("suspect.npz"), 1)
    gpt(Path("base.npz"), 2)
    random = np.random.default_rng(0)
    rows = [
        {"tokens": random.integers(0, TOKENS, 40).tolist(), "prompt": 3, "account": "a"} for _ in range(3)
    ]
    Path("served.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("prompts.jsonl").write_text("".join(f'"1 2 {at}"\n' for at in range(60)))
    for name in ("own", "suspect", "control-a", "control-b", "common"):
        said = [{"prompt": str(at), "answer": f"{name} {at % 3}"} for at in range(9)]
        Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    done = []
    for command in commands():
        assert command[0] == "headwater"
        asked = [{"suspect/": "suspect.npz", "base/": "base.npz"}.get(each, each) for each in command[1:]]
        asked = [each.replace("https://api.example.com/v1", model) for each in asked]
        target = Path(asked.pop()) if ">" in asked else None
        if target is not None:
            asked.remove(">")
        capfd.readouterr()
        assert run(asked) == 0, (asked, capfd.readouterr())
        if target is not None:
            target.write_text(capfd.readouterr().out)
        done.append(asked[2])
    assert done == ["commit", "compare", "test", "reveal", "check", "ask", "lineage"]
    assert Path("report.html").read_bytes().startswith(b"<!doctype html>")
    assert Model.asked
