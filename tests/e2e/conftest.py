"""One investigation of the bundled sample, made once and shared by the journeys that only read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from headwater.cli.app import run
from headwater.detect import Findings
from headwater.explain import load
from house.source import ROOT

SAMPLE = ROOT / "examples" / "sample"


@dataclass(frozen=True)
class Report:
    """A report folder, and what it found."""

    folder: Path
    findings: Findings


def investigated(output: Path, *arguments: str) -> Report:
    """Investigate with the sample's accounts, into `output`."""
    accounts = ["--accounts", str(SAMPLE / "accounts.parquet")]
    assert run(["investigate", *arguments, *accounts, "-o", str(output), "--quiet", "--color", "never"]) == 0
    return Report(output, load(output))


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The sample, investigated from our own Parquet."""
    return investigated(tmp_path_factory.mktemp("sample") / "report", str(SAMPLE / "exchanges.parquet"))
