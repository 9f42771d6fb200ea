"""What is published: whole plans only, of one code, and what one kind of evidence shows."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from suite import one, run
from suite.jobs import SCORED, plan
from suite.rescore import cards

from benchmarks.kept import judged, ring, world
from headwater.detect import load


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

    def gone(*more: str) -> tuple[int, int]:
        arguments = [
            "run.py",
            "--corpora",
            "nowhere",
            "--work",
            str(tmp_path),
            "--out",
            str(tmp_path / "out.json"),
        ]
        monkeypatch.setattr(sys, "argv", [*arguments, *more])
        return run.main(), len(written)

    return gone


def test_a_plan_that_lacks_worlds_is_not_published(
    go: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go("--pages", "--minutes", "5") == (1, 0)
    assert not (tmp_path / "out.json").exists()
    missing = len(plan("short", SCORED)) - 5
    assert f"error: {missing} worlds of the plan are missing" in capsys.readouterr().err
    assert go("--pages", "--minutes", "9999") == (0, 1), "what was there was kept, and the rest was made"
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["missing"] == 0


def test_an_incomplete_run_is_published_on_demand_and_says_so(go: Any, tmp_path: Path) -> None:
    assert go("--pages", "--minutes", "5", "--incomplete") == (0, 1)
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["missing"] > 0


@pytest.mark.parametrize("more", [["--part", "alarms"], ["--seeds", "1"], ["--scenario", "quiet"]])
def test_a_part_of_a_plan_is_not_even_begun_for_the_pages(go: Any, more: list[str]) -> None:
    with pytest.raises(SystemExit):
        go("--pages", "--minutes", "5", *more)


def test_another_packages_evidence_makes_another_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = run.code()
    source = tmp_path / "strange_module.py"
    source.write_text("class Strange:\n    card = None\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import strange_module  # type: ignore[import-not-found]

    strange = strange_module.Strange()
    strange.card = SimpleNamespace(name="strange")
    monkeypatch.setattr("headwater.detect.load", lambda: (*load(), strange))
    seen = run.code()
    assert seen != before
    source.write_text("class Strange:\n    card = 1\n", encoding="utf-8")
    assert run.code() not in (before, seen)


def test_one_kind_of_evidence_is_told_of() -> None:
    from suite.analysis import analysed

    innocent = judged({"queue": 1.5}) | {"of": {"people": 9}}
    rings = judged({"queue": 6.0, "pool": 5.0, "template": 3.0})
    text = one.told("queue", analysed([world([innocent, rings])]))
    assert "queue: 1 groups without a ring account were judged" in text
    assert "1 nats for a campaign or more: 1 (2.50% to 100.00%)" in text
    assert "2 nats for a campaign or more: 0" in text
    assert "reasoning_harvest" in text


def test_an_unknown_kind_of_evidence_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "queue" in cards()
    with pytest.raises(SystemExit):
        one.known(argparse.ArgumentParser(), "queu")
    assert "did you mean queue?" in capsys.readouterr().err
