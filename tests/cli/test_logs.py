"""`inspect` and `ingest`, as a user meets them: what they print, write, set aside and exit with."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from headwater.cli import ingest, investigate
from headwater.cli.app import run
from headwater.detect import load
from headwater.explain import words


def record(number: int, **more: object) -> dict[str, object]:
    """One exchange of the log, with what a test wants to say about it."""
    return {
        "id": f"e{number}",
        "at": f"2026-03-02T{number % 24:02d}:15:00Z",
        "account": f"a{number % 3}",
        "prompt": f"question {number}",
        **more,
    }


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small log with two bad rows, in the working folder."""
    monkeypatch.chdir(tmp_path)
    lines = [json.dumps(record(number)) for number in range(10)]
    lines += [json.dumps(record(10, at="yesterday")), '{"torn']
    path = Path("log.jsonl")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_inspect_says_what_is_there_and_what_is_missing(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inspect", str(log)]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("10 exchanges · 3 accounts")
    assert "missing: system, response, previous, organisation" in shown.out
    assert "2 rows set aside:" in shown.out
    assert "log.jsonl, row 11, field at" in shown.out
    assert shown.err == ""


def test_inspect_as_json_is_one_document(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(log), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["exchanges"] == 10
    assert told["set_aside"] == 2
    assert told["filled"]["prompt"] == 1


def test_inspect_names_the_evidence_that_is_ruled_out(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By what is missing, in the words of the command line; with -v each kind on its own."""
    assert run(["inspect", str(log)]) == 0
    out = capsys.readouterr().out
    short = " ".join(out.split())
    assert "no --accounts: One shape of name, " in short
    assert "no ip and --networks: Through proxies, Many networks" in short
    assert "Batch endpoints (no batch)" in short
    assert "given." not in out
    assert run(["inspect", str(log), "-v"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "ruled out: Through proxies (needs ip and --networks)" in lines
    told = sum(line.startswith("ruled out: ") for line in lines)
    assert f"{told} of " in short
    assert out.count("\n") < len(lines) - told / 2


def test_every_table_that_evidence_asks_for_is_named_by_its_option() -> None:
    needs = {name for card in load() for name in card.card.needs if name.startswith("given.")}
    options = {option for parameter in investigate.command.params for option in parameter.opts}
    assert needs
    assert {words.needed(name) for name in needs} <= options


@pytest.mark.parametrize("how", [(), ("--json",), ("--max-bad", "0")])
def test_a_log_of_which_no_row_can_be_used_is_an_error(
    log: Path, capsys: pytest.CaptureFixture[str], how: tuple[str, ...]
) -> None:
    """As it is for `investigate`; what was looked at is told nevertheless."""
    log.write_text(json.dumps(record(10, at="yesterday")) + "\n")
    assert run(["inspect", str(log), *how]) == run(["investigate", str(log)]) == 2
    shown = capsys.readouterr()
    assert "error: no row of the input could be used" in shown.err
    assert "is text of length" in shown.out
    assert "ruled out" not in shown.out


def test_too_many_bad_rows_exit_with_3(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(log), "--max-bad", "2"]) == 0
    assert run(["inspect", str(log), "--max-bad", "1"]) == 3
    assert "2 rows were set aside, more than --max-bad 1" in capsys.readouterr().err


def test_ingest_writes_parts_that_can_be_read_again(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ingest", str(log), "-o", "out"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "wrote 10 exchanges to out; 2 rows set aside" in shown.err
    assert pq.read_table("out/part-00000.parquet").num_rows == 10
    aside = [json.loads(line) for line in Path("out/_set_aside.jsonl").read_text().splitlines()]
    assert [row["row"] for row in aside] == [11, 12]
    assert run(["inspect", "out"]) == 0


@pytest.mark.parametrize("name", ["one.parquet", "one.jsonl", "one.jsonl.gz", "one.jsonl.zst"])
def test_ingest_into_one_file(name: str, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", str(log), "-q", "-o", f"new/{name}"]) == 0
    assert capsys.readouterr().err == ""
    assert run(["inspect", f"new/{name}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exchanges"] == 10


@pytest.mark.parametrize("output", ["new/b.jsonl", "new"])
def test_rows_that_an_earlier_run_set_aside_do_not_stay_beside_a_good_one(output: str, log: Path) -> None:
    assert run(["ingest", str(log), "-q", "-o", "new/a.jsonl"]) == 0
    assert Path("new/_set_aside.jsonl").exists()
    log.write_text(json.dumps(record(1)) + "\n")
    assert run(["ingest", str(log), "-q", "-o", output]) == 0
    assert not Path("new/_set_aside.jsonl").exists()


def test_a_file_of_that_name_that_is_somebody_elses_stays(log: Path) -> None:
    log.write_text(json.dumps(record(1)) + "\n")
    for name in ("_set_aside.jsonl", "set_aside.jsonl"):
        Path(name).write_text('{"file": "of mine"}\n')
    assert run(["ingest", str(log), "-q", "-o", "b.jsonl"]) == 0
    assert run(["investigate", str(log), "-q", "-o", "."]) == 0
    for name in ("_set_aside.jsonl", "set_aside.jsonl"):
        assert Path(name).read_text() == '{"file": "of mine"}\n'


@pytest.mark.parametrize("output", ["deep/out", "deep/one.parquet", "deep/one.jsonl.gz"])
def test_a_log_without_a_usable_row_is_no_success(
    output: str, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mapping whose paths lead nowhere sets every row aside: that must not look like a log that was converted."""
    Path("map.toml").write_text('id = "id"\nat = "at"\naccount = "nobody"\nprompt = "prompt"\n')
    assert run(["ingest", str(log), "--mapping", "map.toml", "-o", output]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: no row of the input could be used; 10 of 12: account: is missing\nhint: ")
    assert not Path("deep").exists()


def test_accounts_alone_are_no_log(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.with_suffix(".csv").write_text("account,payment\na0,p\n")
    assert run(["ingest", "log.csv", "-o", "out"]) == 2
    assert "no row of the input could be used\nhint: " in capsys.readouterr().err


def test_an_empty_log_is_converted_to_an_empty_one(log: Path) -> None:
    log.write_text("")
    assert run(["ingest", str(log), "-o", "one.parquet"]) == 0
    assert pq.read_table("one.parquet").num_rows == 0


@pytest.mark.parametrize(
    "arguments", [["none.jsonl"], ["log.jsonl", "--set", "account"], ["log.jsonl", "--format", "x"]]
)
def test_a_fault_before_any_work_leaves_no_folder(arguments: list[str], log: Path) -> None:
    Path("there").mkdir()
    for output in ("new/deep", "there"):
        assert run(["ingest", *arguments, "-o", output]) == 2
        assert run(["investigate", *arguments, "-o", output]) == 2
    assert not Path("new").exists()
    assert Path("there").is_dir()


def test_an_account_table_beside_the_log_is_named(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("logs").mkdir()
    log.rename("logs/log.jsonl")
    Path("logs/accounts.csv").write_text("account,payment\na0,p\n")
    told = "logs/accounts.csv holds accounts and was not read as a log: give it"
    assert run(["inspect", "logs"]) == 0
    assert f"note: {told} with --accounts" in " ".join(capsys.readouterr().out.split())
    assert run(["inspect", "logs", "--accounts", "logs/accounts.csv"]) == 0
    assert "was not read" not in capsys.readouterr().out
    assert run(["ingest", "logs", "-o", "out"]) == 0
    assert f"{told} to investigate with --accounts\n" in capsys.readouterr().err


def test_an_interrupted_ingest_keeps_finished_parts(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = ingest._write

    def interrupted(batches: object, path: Path) -> int:
        if path.name == "part-00001.parquet":
            raise KeyboardInterrupt
        return written(batches, path)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest, "PART_ROWS", 5)
    monkeypatch.setattr(ingest, "_write", interrupted)
    lines = [json.dumps(record(number)) for number in range(200_000)]
    log.write_text("\n".join(lines))
    assert run(["ingest", str(log), "-o", "out"]) == 130
    assert "kept 1 finished parts" in capsys.readouterr().err
    assert sorted(path.name for path in Path("out").iterdir()) == ["part-00000.parquet"]


def test_set_fills_a_column_that_the_log_lacks(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(log), "--set", "organisation=acme", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["filled"]["organisation"] == 1
    assert run(["inspect", str(log), "--set", "organisation"]) == 2
    assert "hint: for example --set model=large-1" in capsys.readouterr().err


def test_a_log_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", "nowhere.jsonl"]) == 2
    assert capsys.readouterr().err.startswith("error: nowhere.jsonl: does not exist\n")


def test_nothing_of_a_log_acts_on_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = "a\x1b[2J\x1b]0;owned\x07<script>"
    Path("bad \x1b[31m.jsonl").write_text(json.dumps({hostile: 1, "id": hostile, "at": hostile}) + "\n")
    run(["inspect", "."])
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    assert "\x07" not in shown.out + shown.err
