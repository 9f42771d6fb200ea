"""What is installed is complete: data beside the code, the sample, and nothing of the tests."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from house.source import PACKAGE, ROOT


@pytest.mark.slow
def test_the_wheel_holds_code_data_and_sample(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    here = {
        str(path.relative_to(PACKAGE.parent))
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert here <= held
    assert "headwater/sample/exchanges.parquet" in held
    assert {name.split("/")[0] for name in held} == {"headwater", wheel.name.split("-py3")[0] + ".dist-info"}
