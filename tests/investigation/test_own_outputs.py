"""Reports that lie among the logs: recognised by what they hold, passed over, named, and replaced by the next run."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import headwater
from headwater.cli.app import run
from headwater.errors import UnreadableInput, UsageError
from headwater.exchange import inspect
from headwater.explain import load
from headwater.outcome import OUTPUTS
from investigation.worlds import SETTINGS, accounts, exchanges, jsonl, rows

pytestmark = pytest.mark.xdist_group("small")

NOTE = "not read as logs, because Headwater wrote them: "


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a log that has one bad row."""
    monkeypatch.chdir(tmp_path)
    path = jsonl(tmp_path / "log.jsonl", rows(exchanges().slice(0, 300)))
    path.write_text(path.read_text() + "to be repaired one day\n")
    return path


@pytest.mark.parametrize("output", [".", "report", "deep/report"])
def test_a_report_inside_the_log_changes_no_later_run(output: str, log: Path) -> None:
    for _ in range(3):
        assert run(["investigate", ".", "-o", output, "-q"]) == 0
        findings = load(output)
        assert (findings.log.exchanges, findings.log.set_aside, findings.log.accounts) == (
            300,
            1,
            len(set(exchanges()["account"].slice(0, 300).to_pylist())),
        )
    assert {path.name for path in Path(output).iterdir()} >= set(OUTPUTS)
    (note,) = findings.notes
    assert note.startswith(NOTE)
    for name in ("accounts.parquet", "campaigns.json", "exchanges.parquet", "set_aside.jsonl"):
        assert str(Path(output) / name) in note


def test_the_other_commands_pass_it_over_too(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["investigate", ".", "-o", "report", "-q"]) == 0
    found = inspect(["."])
    assert (found.exchanges, found.set_aside, found.accounts_unread) == (300, 1, ())
    assert len(found.outputs_unread) == 4
    capsys.readouterr()
    assert run(["inspect", "."]) == 0
    assert f"note: {NOTE}" in " ".join(capsys.readouterr().out.split())
    assert run(["ingest", ".", "-o", "elsewhere"]) == 0
    assert NOTE in capsys.readouterr().err


def test_a_renamed_report_is_recognised_and_a_log_of_its_name_is_read(log: Path) -> None:
    assert run(["investigate", ".", "-o", "report", "-q"]) == 0
    Path("report/exchanges.parquet").rename("monday.parquet")
    Path("report/campaigns.json").rename("monday.json")
    pq.write_table(exchanges().slice(300, 50), "report/exchanges.parquet")
    found = inspect(["."])
    assert (found.exchanges, found.set_aside) == (350, 1)


def test_a_report_that_is_named_is_refused_in_its_own_words(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["investigate", ".", "-o", "report", "-q"]) == 0
    for name in ("exchanges.parquet", "campaigns.json", "set_aside.jsonl"):
        for command in (["investigate", "-o", "x"], ["inspect"], ["ingest", "-o", "x"]):
            assert run([command[0], f"report/{name}", *command[1:], "-q"]) == 2
            told = capsys.readouterr().err
            assert told.startswith(f"error: report/{name}: is a report of Headwater, not a log\nhint: ")
    with pytest.raises(UnreadableInput, match="holds reports of Headwater and no log"):
        inspect(["report"])
    assert run(["inspect", "report/accounts.parquet", "-q"]) == 2
    assert run(["investigate", "log.jsonl", "--accounts", "report/accounts.parquet", "-o", "x", "-q"]) == 0


def test_annotated_exchanges_with_prompts_joined_to_them_are_a_log(log: Path) -> None:
    with headwater.investigate("log.jsonl", settings=SETTINGS) as found:
        table = found.exchanges().read_all()
    Path("logs").mkdir()
    prompts = pa.array([f"question {at}" for at in range(table.num_rows)])
    pq.write_table(table.append_column("prompt", prompts), "logs/joined.parquet")
    assert inspect(["logs"]).exchanges == 300


@pytest.mark.parametrize("name", ["accounts.parquet", "campaigns.json", "report.html"])
def test_what_headwater_did_not_write_is_not_replaced(name: str, log: Path) -> None:
    if name == "accounts.parquet":
        pq.write_table(accounts().slice(0, 3), name)
    else:
        Path(name).write_text(json.dumps({"format": "mine"}))
    before = Path(name).read_bytes()
    with headwater.investigate(".", settings=SETTINGS) as found, pytest.raises(UsageError):
        found.write(".")
    assert Path(name).read_bytes() == before
