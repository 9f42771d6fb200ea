"""What is read is never written over."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import headwater
from headwater.errors import UsageError

SAMPLE = Path(__file__).parents[2] / "examples" / "sample"


@pytest.mark.parametrize("whole_folder", [True, False])
def test_a_log_named_like_an_output(tmp_path: Path, whole_folder: bool) -> None:
    log = tmp_path / "exchanges.parquet"
    shutil.copy(SAMPLE / "exchanges.parquet", log)
    before = log.read_bytes()
    with (
        headwater.investigate(tmp_path if whole_folder else log) as found,
        pytest.raises(UsageError, match="part of the input"),
    ):
        found.write(tmp_path)
    assert log.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["exchanges.parquet"]


def test_a_folder_in_the_way_of_a_file_leaves_everything_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "campaigns.json").mkdir(parents=True)
    with (
        headwater.investigate(SAMPLE / "exchanges.parquet") as found,
        pytest.raises(UsageError, match="is a folder"),
    ):
        found.write(out)
    assert sorted(p.name for p in out.iterdir()) == ["campaigns.json"]
