"""Looks at the score side leave a line each, also when they are cut short; nothing is run here."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from suite import run
from suite.score_log import HEADS

from benchmarks.kept import ring, world
from headwater.simulate import load

ARGUMENTS = [
    "run.py",
    "--corpora",
    "nowhere",
    "--part",
    "alarms",
    "--date",
    "2026-01-31",
    "--revision",
    "abc",
]


@pytest.fixture
def score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose worlds are made by hand: the first job's with a false ring; answers with the list's path."""

    def stub(jobs: list[Any], folder: Path, revision: str, asked: argparse.Namespace) -> int:
        if asked.side == "score":
            assert {load(job.scenario).side for job in jobs} == {"score"}
        record = world([ring({"people": 3})], 0, scenario=jobs[0].scenario, looks=("headline",))
        (folder / f"{jobs[0].name}.json").write_text(
            json.dumps(record | {"code": revision}), encoding="utf-8"
        )
        return 0

    monkeypatch.setattr(run, "run", stub)
    monkeypatch.setattr(run, "SCORE_RUNS", tmp_path / "score_runs.tsv")
    return tmp_path / "score_runs.tsv"


def go(monkeypatch: pytest.MonkeyPatch, folder: Path, *more: str) -> int:
    monkeypatch.setattr(sys, "argv", [*ARGUMENTS, "--work", str(folder), *more])
    return run.main()


def test_without_a_reason_nothing_is_opened(
    score: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for reason in ([], ["--reason", " "]):
        with pytest.raises(SystemExit):
            go(monkeypatch, score.parent, "--side", "score", *reason)
    assert "--reason" in capsys.readouterr().err
    assert list(score.parent.iterdir()) == []


def test_every_run_adds_a_line(score: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["--side", "score", "--reason", "a\tfinal\nscore"]
    assert go(monkeypatch, score.parent, *asked) == 0
    assert go(monkeypatch, score.parent, *asked) == 0
    heads, first, second = score.read_text(encoding="utf-8").splitlines()
    assert tuple(heads.split("\t")) == HEADS
    told = dict(zip(HEADS, first.split("\t"), strict=True))
    assert (told["date"], told["commit"], told["reason"]) == ("2026-01-31", "abc", "a final score")
    assert (told["worlds"], told["innocents flagged"], told["innocents"]) == ("1", "3", "10")
    assert told["worlds with a false ring"] == "1"
    assert second.split("\t")[3] == "2"


def test_a_run_that_is_cut_short_is_listed(score: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run", cut)
    with pytest.raises(KeyboardInterrupt):
        go(monkeypatch, score.parent, "--side", "score", "--reason", "final")
    assert len(score.read_text(encoding="utf-8").splitlines()) == 2


def test_the_tune_side_is_not_listed(score: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = score.parent / "suite.json"
    assert go(monkeypatch, score.parent, "--out", str(out)) == 0
    assert not score.exists()
    found = json.loads(out.read_text(encoding="utf-8"))
    assert {"rows", "laws", "ablations", "discovery", "calibration", "oracle", "baselines", "bars"} <= set(
        found
    )
