"""What is read is never written over."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import headwater
from headwater.cli.app import run
from headwater.errors import UsageError
from investigation.worlds import SETTINGS, exchanges, jsonl, rows

SAMPLE = Path(__file__).parents[2] / "examples" / "sample"


def held(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` with its content."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`logs/log.jsonl` in the working folder, with a bad row at its end."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    path = jsonl(tmp_path / "logs" / "log.jsonl", rows(exchanges().slice(0, 300)))
    path.write_text(path.read_text() + "to be repaired one day\n")
    return Path("logs/log.jsonl")


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


def test_it_is_refused_before_any_work_where_the_output_is_known(tmp_path: Path) -> None:
    log = tmp_path / "exchanges.parquet"
    pq.write_table(exchanges().slice(0, 300), log)

    def working(stage: str, *_: object) -> None:
        raise AssertionError(stage)

    with pytest.raises(UsageError, match="part of the input"):
        headwater.investigate(log, output=tmp_path, progress=working)


@pytest.mark.parametrize("bad_row", [True, False])
@pytest.mark.parametrize("given", ["report", "report/set_aside.jsonl"])
def test_a_log_named_like_the_rows_set_aside(
    given: str, bad_row: bool, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("report").mkdir()
    lines = log.read_text().splitlines(keepends=True)
    Path("report/set_aside.jsonl").write_text("".join(lines if bad_row else lines[:-1]))
    before = held(Path("report"))
    assert run(["investigate", given, "-o", "report", "-q"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(
        "error: report/set_aside.jsonl: is part of the input and would be overwritten\nhint: "
    )
    assert held(Path("report")) == before


def test_accounts_and_declarations_are_input_too(log: Path) -> None:
    Path("report").mkdir()
    pq.write_table(exchanges().select(["account"]).slice(0, 1), "report/accounts.parquet")
    Path("report/campaigns.json").write_text("# no declarations, and an unwise name\n")
    before = held(Path("report"))
    for option, path in (("--accounts", "report/accounts.parquet"), ("--known", "report/campaigns.json")):
        assert run(["investigate", str(log), option, path, "-o", "report", "-q"]) == 2
    assert held(Path("report")) == before


@pytest.mark.parametrize(
    ("given", "output"),
    [
        ("logs/log.jsonl", "logs/log.jsonl"),
        ("logs", "logs/log.jsonl"),
        ("logs/log.jsonl", "logs/../logs/log.jsonl"),
        ("logs/log.jsonl", "hard.jsonl"),
        ("logs/log.jsonl", "soft.jsonl"),
        ("soft.jsonl", "logs/log.jsonl"),
        ("logs", "logs/link.jsonl"),
        ("logs", "elsewhere.jsonl"),
    ],
)
def test_ingest_onto_its_own_input(
    given: str, output: str, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.link(log, "hard.jsonl")
    Path("soft.jsonl").symlink_to(log)
    shutil.copy(log, "elsewhere.jsonl")
    Path("logs/link.jsonl").symlink_to("../elsewhere.jsonl")
    before = held(tmp_path)
    assert run(["ingest", given, "-o", output, "-q"]) == 2
    assert "is part of the input and would be overwritten\nhint: " in capsys.readouterr().err
    assert held(tmp_path) == before


def test_the_list_of_rows_set_aside_is_no_output(log: Path, tmp_path: Path) -> None:
    before = held(tmp_path)
    assert run(["ingest", str(log), "-o", "out/_set_aside.jsonl", "-q"]) == 2
    assert held(tmp_path) == before


def test_keys_and_settings_stay(log: Path) -> None:
    Path("report").mkdir()
    assert run(["keys", "new", "report/set_aside.jsonl", "-q"]) == 0
    Path("report/report.html").write_text("# settings\n")
    before = held(Path("report"))
    assert run(["investigate", str(log), "--key-file", "report/set_aside.jsonl", "-o", "report", "-q"]) == 2
    assert run(["investigate", str(log), "--settings", "report/report.html", "-o", "report", "-q"]) == 2
    assert held(Path("report")) == before


def test_ingest_sets_nothing_aside_into_its_own_input(log: Path, tmp_path: Path) -> None:
    log.rename("logs/_set_aside.jsonl")
    before = held(tmp_path)
    assert run(["ingest", "logs/_set_aside.jsonl", "-o", "logs/out.parquet", "-q"]) == 2
    assert held(tmp_path) == before


def test_what_is_not_read_may_be_replaced(log: Path) -> None:
    """Folders and files that begin with an underscore are passed over where a folder is read."""
    for _ in range(2):
        assert run(["investigate", "logs", "-o", "logs/_report", "-q"]) == 0
        assert run(["ingest", "logs", "-o", "logs/_own/one.jsonl", "-q"]) == 0
    assert run(["investigate", "logs", "-o", "report", "--previous", "logs/_report", "-q"]) == 0
    assert run(["investigate", "logs", "-o", "report", "--previous", "report", "-q"]) == 0


def test_a_folder_in_the_way_of_a_file_leaves_everything_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "campaigns.json").mkdir(parents=True)
    with (
        headwater.investigate(exchanges().slice(0, 300), settings=SETTINGS) as found,
        pytest.raises(UsageError, match="is a folder"),
    ):
        found.write(out)
    assert sorted(p.name for p in out.iterdir()) == ["campaigns.json"]
