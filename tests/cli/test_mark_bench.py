"""`headwater mark bench`: its table, its files, what it refuses; and the commands of the how-to as they stand there."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from headwater.cli.app import run
from headwater.mark.bench import COLUMNS, Marked, from_json

ROOT = Path(__file__).resolve().parents[2]
PAGE, REFERENCE = ROOT / "docs/how-to/compare-marks.md", ROOT / "docs/reference/mark-bench.md"
FIXTURES = ROOT / "tests/mark/fixtures"
SMALL = [
    *("--scheme", "headwater-gumbel:width=2", "--attack", "none", "--attack", "deletion:share=0.5"),
    *("--entropy", "1", "--tokens", "40", "--texts", "4", "--wrong-keys", "2"),
]


def commands() -> list[str]:
    """The how-to's commands, one a line."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    joined = "".join(blocks).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.startswith("headwater ")]


@pytest.mark.parametrize("number", range(3))
def test_the_commands_of_the_how_to_run(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    every = commands()
    assert len(every) == 3
    shutil.copy(FIXTURES / "proxy.npz", tmp_path / "model.npz")
    shutil.copy(FIXTURES / "tokenizer.json", tmp_path / "tokenizer.json")
    monkeypatch.chdir(tmp_path)
    assert run(shlex.split(every[number])[1:]) == 0, capfd.readouterr().err
    told = capfd.readouterr().out
    assert "✗" not in told
    for folder in tmp_path.glob("*/bench.json"):
        rows = from_json(folder.read_bytes())
        clean = [row for row in rows if row["attack"] == "none"]
        assert all(row["median_log_p"] < -1 for row in clean)
        assert str(folder.parent.name) in told


def test_the_attack_of_the_how_to_does_what_it_says() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    space: dict[str, object] = {"__name__": "shown"}
    exec(compile(code, str(PAGE), "exec"), space)
    attack = space["made"]({})  # type: ignore[operator]
    left = attack(Marked(np.arange(5), np.arange(5)), np.random.default_rng(0))
    assert left.tolist() == [0, 2, 4]


def test_every_attack_and_column_stands_on_its_page() -> None:
    from headwater.mark.bench import attack_names

    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in attack_names() if f"`{name}" not in page] == []
    held = REFERENCE.read_text(encoding="utf-8")
    assert [name for name in COLUMNS if f"`{name}" not in held] == []


def test_table_files_and_json_agree(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["mark", "bench", *SMALL, "-o", str(tmp_path / "out")]) == 0
    told = capfd.readouterr().out
    assert "headwater-gumbel width=2" in told
    assert "deletion 50%" in told
    assert run(["mark", "bench", *SMALL, "-o", str(tmp_path / "out"), "--json"]) == 0
    rows = json.loads(capfd.readouterr().out)
    assert rows == from_json((tmp_path / "out/bench.json").read_bytes())
    with (tmp_path / "out/bench.csv").open(encoding="utf-8", newline="") as file:
        assert [row["attack"] for row in csv.DictReader(file)] == [row["attack"] for row in rows]


def test_a_check_that_fails_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from headwater.mark.own import Gumbel

    assert run(["mark", "bench", "--check", "--scheme", "headwater-gumbel"]) == 0
    monkeypatch.setattr(Gumbel, "card", {})
    assert run(["mark", "bench", "--check", "--scheme", "headwater-gumbel", "--json"]) == 1
    told = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert [each["promise"] for each in told["headwater-gumbel"] if not each["kept"]] == [
        "its card says what it was checked against"
    ]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([], "where the table goes"),
        (["-o", "out"], "no scheme is given"),
        (["--check"], "no scheme is given"),
        (["-o", "out", "--scheme", "headwater-gumble"], "did you mean headwater-gumbel"),
        (["-o", "out", "--scheme", "headwater-gumbel:width"], "isn't setting=value"),
        (
            ["-o", "out", "--scheme", "headwater-gumbel", "--attack", "synonyms:wordnet=nowhere"],
            "does not exist",
        ),
        (["-o", "out", "--scheme", "headwater-gumbel", "--attack", "zero-width"], "needs text"),
        (["-o", "out", "--scheme", "headwater-gumbel", "--entropy", "nan"], "are numbers"),
        (["-o", "out", "--scheme", "headwater-gumbel", "--tokens", "1"], "lengths are from"),
        (["-o", "out", "--scheme", "headwater-gumbel", "--laws", "nowhere.npz"], "does not exist"),
        (["-o", "kept.txt", "--scheme", "headwater-gumbel"], "is a file"),
        (["-o", "held", "--scheme", "headwater-gumbel"], "isn't a table of ours"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is_written(
    asked: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.txt").write_text("mine")
    (tmp_path / "held").mkdir()
    (tmp_path / "held/bench.csv").write_text("mine")
    assert run(["mark", "bench", *asked]) == 2
    assert told in capfd.readouterr().err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["bench.csv", "held", "kept.txt"]
    assert (tmp_path / "held/bench.csv").read_text() == "mine"
