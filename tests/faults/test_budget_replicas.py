"""Budgets over four real replicas that are killed, stopped and cut off, with a real store that restarts: never over.

A short run of `benchmarks/budget/exactness.py`; the whole one is run by hand.
"""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("budget-replicas")]
PROGRAM = Path(__file__).parents[2] / "benchmarks" / "budget" / "exactness.py"


@pytest.mark.parametrize("store", ["redis", "redis-forgets", "postgres"])
def test_never_over_whatever_happens_to_replicas_and_store(store: str, tmp_path: Path) -> None:
    if store == "postgres":
        pytest.importorskip("psycopg")
        there = any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or shutil.which("initdb")
    else:
        pytest.importorskip("redis")
        there = shutil.which("redis-server") or shutil.which("valkey-server")
    if not there:
        pytest.skip(f"needs the server of {store.split('-', maxsplit=1)[0]}")
    out = tmp_path / "figures.json"
    command = [sys.executable, str(PROGRAM), "--date", "2026-01-31", "--store", store, "--out", str(out)]
    told = subprocess.run(
        [*command, "--requests", "30000", "--hours", "2"],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert told.returncode == 0, told.stderr
    (figures,) = json.loads(out.read_text("utf-8"))["runs"]
    assert figures["overrun_tokens"] == 0
    assert figures["leaked_slots"] == 0
    assert figures["kill_9"] == 5
    if store == "redis-forgets":
        assert figures["usable_share_by_hour"][0] >= 0.995
    else:
        assert min(figures["usable_share_by_hour"]) >= 0.995


@pytest.mark.parametrize("first", [498_879, 498_880, 498_911, 498_912])
def test_hours_are_told_in_the_order_in_which_they_passed(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (PROGRAM.parent, PROGRAM.parents[1]):
        monkeypatch.syspath_prepend(folder)
    exactness = importlib.import_module("exactness")
    asked = [exactness.PERIODS + hour % 64 for hour in range(first - 1, first + 5)]
    told = [counter for counter in exactness.in_order(first) if counter in asked]
    assert told == asked
