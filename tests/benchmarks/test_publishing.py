"""What is published: whole plans only, of one code, and what one kind of evidence shows."""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from suite import one, run
from suite.jobs import SCORED, plan
from suite.rescore import cards

import wording
from benchmarks.kept import judged, ring, world
from headwater.detect import installed


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs whose worlds are stubs; answers with the exit code and whether pages were written."""
    written: list[dict[str, Any]] = []

    def stub(jobs: list[Any], folder: Path, revision: str, asked: argparse.Namespace) -> int:
        for job in jobs[: int(asked.minutes)]:
            made = world([ring({"people": 3}, "unlikely")], 0, scenario=job.scenario, looks=("headline",))
            (folder / f"{job.name}.json").write_text(json.dumps(made | {"code": revision}), encoding="utf-8")
        return 0

    monkeypatch.setattr(run, "run", stub)
    monkeypatch.setitem(
        sys.modules, "figures", SimpleNamespace(write=lambda: None, SUITE=None, PAGE=Path("x/y"))
    )
    monkeypatch.setitem(sys.modules, "suite_page", SimpleNamespace(draw=lambda *_: None))
    monkeypatch.setattr("suite.rates.write", written.append)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "PUBLISHED", tmp_path / "benchmarks")
    monkeypatch.setattr(run, "SUMMARY", tmp_path / "benchmarks/suite.json")
    monkeypatch.setattr(run, "code", lambda: "0")
    (tmp_path / "benchmarks").mkdir()

    def gone(*more: str) -> tuple[int, int]:
        given = ["run.py", "--corpora", "nowhere", "--work", str(tmp_path / "work"), *more]
        monkeypatch.setattr(sys, "argv", given)
        return run.main(), len(written)

    return gone


def summary(folder: Path) -> dict[str, Any] | None:
    path = folder / "benchmarks/suite.json"
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


@pytest.mark.parametrize("size", ["short", "full"])
def test_a_plan_that_lacks_worlds_is_not_published(
    go: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: Any
) -> None:
    assert go("--pages", "--size", size, "--minutes", "5") == (1, 0)
    assert summary(tmp_path) is None
    missing = len(plan(size, SCORED)) - 5
    assert f"error: {missing:,} worlds of the plan are missing" in capsys.readouterr().err
    assert go("--pages", "--size", size, "--minutes", "9999") == (0, 1), "what was there was kept"
    assert (summary(tmp_path) or {})["missing"] == 0


def test_what_is_all_there_is_published_in_no_time(go: Any, tmp_path: Path) -> None:
    assert go("--minutes", "9999") == (0, 0)
    assert go("--pages", "--minutes", "0.0001") == (0, 1)
    assert (summary(tmp_path) or {})["missing"] == 0


def test_an_incomplete_run_is_published_on_demand_and_says_so(go: Any, tmp_path: Path) -> None:
    assert go("--pages", "--minutes", "5", "--incomplete") == (0, 1)
    found = summary(tmp_path) or {}
    assert wording.lacking(found) == (
        f"**Not the whole run: {len(plan('short', SCORED)) - 5} worlds of its plan are missing.** "
    )


PART = [["--part", "alarms"], ["--seeds", "1"], ["--scenario", "quiet"]]


@pytest.mark.parametrize("more", PART)
@pytest.mark.parametrize("where", [["--pages"], ["--out", "benchmarks/mine.json"]])
def test_a_part_of_a_plan_is_not_even_begun_for_what_is_published(
    go: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    where: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        go("--minutes", "5", *where, *more)
    assert "leave out --part, --scenario and --seeds" in capsys.readouterr().err
    assert list((tmp_path / "benchmarks").iterdir()) == []
    assert not (tmp_path / "work").exists()


def test_a_file_among_the_published_ones_is_of_a_whole_plan(go: Any, tmp_path: Path) -> None:
    mine = tmp_path / "benchmarks/mine.json"
    assert go("--out", str(mine), "--minutes", "5") == (1, 0)
    assert not mine.exists()


@pytest.mark.parametrize("more", PART)
def test_a_part_of_a_plan_may_be_kept_elsewhere(go: Any, tmp_path: Path, more: list[str]) -> None:
    assert go("--out", str(tmp_path / "mine.json"), "--minutes", "2", *more) == (0, 0)
    assert json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))["missing"] > 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--pages", "--out", "mine.json"], "pages are drawn from benchmarks/suite.json"),
        (["--pages", "--evidence", "queue"], "--evidence only prints"),
    ],
)
def test_what_would_write_something_else_than_asked_is_refused(
    go: Any, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    with pytest.raises(SystemExit):
        go("--minutes", "5", *more)
    assert said in capsys.readouterr().err


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A package of somebody else's evidence, installed."""
    folder = tmp_path / "strange_suite_package"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from headwater.detect.evidence.between import queue\n", encoding="utf-8"
    )
    (folder / "helper.py").write_text("LEVEL = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("mine", f"{folder.name}:queue.test", installed.GROUP)
    monkeypatch.setattr(installed, "entry_points", lambda group: (*entry_points(group=group), point))
    return folder


def test_another_packages_evidence_makes_another_code(
    monkeypatch: pytest.MonkeyPatch, stranger: Path
) -> None:
    """Every file of it, not only the one that has the evidence."""
    seen = [run.code()]
    (stranger / "helper.py").write_text("LEVEL = 2\n", encoding="utf-8")
    seen.append(run.code())
    (stranger / "words.txt").write_text("word\n", encoding="utf-8")
    seen.append(run.code())
    monkeypatch.undo()
    seen.append(run.code())
    assert len(set(seen)) == 4
    assert run.code() == seen[-1]


def test_one_kind_of_evidence_is_told_of() -> None:
    from suite.analysis import analysed

    innocent = judged({"queue": 1.5}) | {"of": {"people": 9}}
    rings = judged({"queue": 6.0, "pool": 5.0, "template": 3.0})
    text = one.told("queue", analysed([world([innocent, rings])]))
    assert "queue: 1 groups without a ring account were judged" in text
    assert "1 nat for a campaign or more: 1 (2.50% to 100.00%)" in text
    assert "2 nats for a campaign or more: 0" in text
    assert "reasoning_harvest" in text


def test_an_unknown_kind_of_evidence_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "queue" in cards()
    with pytest.raises(SystemExit):
        one.known(argparse.ArgumentParser(), "queu")
    assert "did you mean queue?" in capsys.readouterr().err
