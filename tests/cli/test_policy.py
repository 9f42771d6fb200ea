"""`headwater policy`: faults with their place, tests of packs, and whom a pack would have hit, by commands."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from headwater.cli.app import run
from headwater.explain import dumps
from policy.making import STRONG
from policy.test_replay import FINDINGS, written

Run = Callable[..., tuple[int, str, str]]

PACK = """\
name: mine
rules:
  - {id: ask, rung: notice, when: "true", reason: r, reason_class: volume, clause: c}
limits:
  - {id: declared, at_most: observe, when: "declared != ''", reason: r}
"""


@pytest.fixture
def headwater(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in a folder that holds a report and a pack; exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    Path("report").mkdir()
    Path("report/campaigns.json").write_bytes(dumps(FINDINGS))
    Path("mine.yaml").write_text(PACK)

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["policy", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_a_pack_that_loads_and_one_that_does_not(headwater: Run) -> None:
    code, out, _ = headwater("check", "mine.yaml")
    assert (code, out.endswith("loads: 1 rule, 1 limit, 0 overlays, 0 programmes\n")) == (0, True)
    Path("mine.yaml").write_text(PACK.replace('when: "true"', "when: region == 'US'"))
    for command in (("check",), ("test",), ("replay", "--over", "report"), ("diff", "balanced")):
        code, out, err = headwater(command[0], *command[1:], "mine.yaml")
        assert (code, out) == (2, "")
        assert "mine.yaml, field rules.ask.when: region has no place in a rule, which raises" in err


def test_remarks_are_no_faults(headwater: Run) -> None:
    code, out, _ = headwater("check", "strict", "--json")
    told = json.loads(out)
    assert code == 0
    assert [remark["line"] for remark in told["remarks"]] == ["rules.hold"]


def test_a_pack_is_tested(headwater: Run) -> None:
    assert headwater("test", "balanced")[0] == 0
    code, _, err = headwater("test", "mine.yaml")
    assert (code, "has no tests beside it" in err, "mine.tests.yaml" in err) == (2, True, True)
    given = {name: str(value) for name, value in list(asdict(STRONG).items())[:7]}
    right = {"name": "right", "expect": {"rung": "notice"}}
    wrong = {"name": "wrong", "facts": {"declared": "partner: p"}, "expect": {"rung": "ban"}}
    Path("mine.tests.yaml").write_text(json.dumps({"given": given, "tests": [right]}))
    code, out, err = headwater("test", "mine.yaml")
    assert (code, "1 of 1 tests passed" in out, err) == (0, True, "decides no test: declared\n")
    Path("other.yaml").write_text(json.dumps({"given": given, "tests": [right, wrong]}))
    code, out, _ = headwater("test", "mine.yaml", "other.yaml")
    assert code == 1
    assert out.startswith("failed: wrong: rung is observe, not ban\n")
    code, out, _ = headwater("test", "mine.yaml", "other.yaml", "--json")
    assert (code, [bool(each["differs"]) for each in json.loads(out)["results"]]) == (1, [False, True])


def test_known_parties_come_first_and_examples_can_be_opened(headwater: Run) -> None:
    code, out, err = headwater("replay", "mine.yaml", "--over", "report")
    assert code == 0
    known = [line.split() for line in out.splitlines() if line.startswith(("evaluator:", "partner:"))]
    assert known == [
        ["partner:", "p", "b", "notice", "ask", "9"],
        ["evaluator:", "e", "d", "observe", "declared", "9"],
    ]
    assert out.index("evaluator: e") < out.index("campaigns  accounts")
    assert "left out: 1 group that were only considered" in err
    last = next(line for line in out.splitlines() if line.startswith("headwater explain"))
    assert run(last.split()[1:]) == 0
    both = headwater("replay", "mine.yaml", "--over", "report", "--considered")
    assert (both[0], "3 campaigns" in both[1]) == (0, True)


def test_every_account_as_a_table_for_elsewhere(headwater: Run) -> None:
    written(Path("o.jsonl"), {"account": "a", "outcome": "reversed"})
    arguments = (
        "replay",
        "mine.yaml",
        "--over",
        "report",
        "--against",
        "observe-only",
        "--outcomes",
        "o.jsonl",
    )
    code, out, _ = headwater(*arguments, "--format", "csv")
    rows = {row["account"]: row for row in csv.DictReader(io.StringIO(out))}
    assert (code, set(rows)) == (0, {"a", "b", "c", "d"})
    assert (rows["a"]["rung"], rows["a"]["was"], rows["a"]["outcome"]) == ("notice", "observe", "reversed")
    code, out, _ = headwater(*arguments, "--format", "json")
    told = json.loads(out)
    assert (code, told["accounts"], told["against"]) == (0, 4, "observe-only")
    assert [(moved["was"], moved["now"], moved["accounts"]) for moved in told["moved"]] == [
        ("observe", "notice", 3)
    ]
    code, out, _ = headwater(*arguments)
    assert (code, "wrong at most" in out) == (0, True)


def test_a_name_that_a_spreadsheet_would_run(headwater: Run) -> None:
    facts = replace(STRONG, declared="")
    written(Path("f.jsonl"), {"account": "=cmd()", "campaign": "\x1b[31mc", "facts": asdict(facts)})
    code, out, _ = headwater("replay", "mine.yaml", "--over", "f.jsonl", "--format", "csv")
    assert (code, "'=cmd()" in out, "\x1b" in out) == (0, True, False)
    code, out, _ = headwater("replay", "mine.yaml", "--over", "f.jsonl")
    assert (code, "\x1b" in out, "headwater explain" in out) == (0, False, False)


def test_what_is_known_of_accounts_is_read_as_for_a_proposal(headwater: Run) -> None:
    Path("accounts.csv").write_text("account,tier,customer,shoe\na,2,internal,40\nb,gold,,\nc,9,,\n")
    arguments = ("replay", "balanced", "--over", "report", "--accounts", "accounts.csv", "--format", "csv")
    code, out, err = headwater(*arguments)
    rows = {row["account"]: row for row in csv.DictReader(io.StringIO(out))}
    assert (code, rows["a"]["rule"]) == (0, "declared-use")
    assert "accounts.csv, row 3, field tier: is not between 0 and 3" in err
    assert "columns that mean nothing here: shoe" in err
    written(Path("f.jsonl"), {"account": "a", "facts": asdict(STRONG)})
    code, _, err = headwater("replay", "balanced", "--over", "f.jsonl", "--accounts", "accounts.csv")
    assert (code, "go with a report" in err) == (2, True)


def test_a_report_that_cannot_be_read(headwater: Run) -> None:
    for over in ("nowhere", "nowhere.json", "mine.yaml"):
        code, out, err = headwater("replay", "balanced", "--over", over)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")


def test_what_changed_and_whose_decision_that_changes(headwater: Run) -> None:
    code, out, _ = headwater("diff", "observe-only", "mine.yaml", "--over", "report")
    assert code == 0
    assert "rules.watch: is gone: raises to observe" in out
    assert "observe  notice" in out
    code, out, _ = headwater("diff", "mine.yaml", "mine.yaml", "--over", "report")
    assert (code, "nothing changed" in out, "no account's rung changes" in out) == (0, True, True)
    code, out, _ = headwater("diff", "mine.yaml", "balanced", "--json")
    told = json.loads(out)
    assert (code, told["moved"], len(told["changes"]) > 5) == (0, None, True)
