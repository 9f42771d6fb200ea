"""The commands of a casebook: what they print, what they refuse, and that errors say what to do next."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from casework.books import pack, report
from explain.builders import HOSTILE
from headwater.cli.app import COMMANDS, run
from headwater.explain import dumps

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def headwater(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in a folder with a report and a casebook; exit code, stdout and stderr."""
    for name in ("casebook", "step", "appeal"):
        monkeypatch.setitem(COMMANDS, name, "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "campaigns.json").write_bytes(dumps(report()))
    (tmp_path / "pack.yaml").write_bytes(pack())

    def called(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    new = ("casebook", "new", "desk", "--operator", "Example AI", "--appeals", "help@example.com")
    code, out, _ = called(*new, "--policy", "pack.yaml")
    assert code == 0
    assert out.startswith("example.com/desk+")
    monkeypatch.setenv("HEADWATER_CASEBOOK", "desk")
    monkeypatch.setenv("HEADWATER_PERSON", "alice")
    return called


def steps(headwater: Run, *more: str) -> list[dict[str, object]]:
    code, out, _ = headwater("step", "list", "--format", "json", *more)
    assert code == 0
    found: list[dict[str, object]] = json.loads(out)
    return found


def test_from_a_report_to_a_restored_account(headwater: Run) -> None:
    code, out, _ = headwater("step", "propose", "report")
    assert code == 0
    assert "3 steps proposed" in out
    assert headwater("step", "propose", "report")[1].count("3 steps were there before") == 1
    code, out, _ = headwater("step", "confirm", "birch-harvest", "--by", "bob")
    assert code == 0
    assert out.count("standing") == 3
    code, out, _ = headwater("step", "notice", "birch-00000")
    assert out.startswith("Subject: Some requests from your account are held (reference step-")
    statement = json.loads(headwater("step", "statement", "birch-00000")[1])
    assert statement["reasons"]["decision_provision"] == "DECISION_PROVISION_PARTIAL_SUSPENSION"
    assert headwater("appeal", "file", "birch-00000", "--text", "we teach")[0] == 0
    code, _, err = headwater("appeal", "take", "birch-00000", "--by", "bob")
    assert code == 2
    assert "error: bob had a part in" in err
    assert headwater("appeal", "take", "birch-00000", "--by", "carol")[0] == 0
    decide = ("appeal", "decide", "birch-00000", "reversed", "--by", "carol", "--reason", "A class.")
    assert "reversed by carol" in headwater(*decide)[1]
    states = {
        step["account"]: step["state"] for step in steps(headwater, "--of", "birch-harvest", "--reveal")
    }
    assert states == {"birch-00000": "reversed", "birch-00001": "standing", "birch-00002": "standing"}
    rates = json.loads(headwater("casebook", "outcomes", "--format", "json")[1])
    assert rates["rates"][0]["false"] == 1


def test_accounts_are_pseudonyms_unless_revealed(headwater: Run) -> None:
    headwater("step", "propose", "report")
    for command in (("step", "list"), ("step", "show", "birch-00000"), ("step", "list", "--format", "json")):
        assert "acct-" in headwater(*command)[1]
        assert "birch-0000" not in headwater(*command)[1]
        assert "birch-00000" in headwater(*command, "--reveal")[1]


def test_step_show_says_on_what_it_rests_and_what_happened(headwater: Run) -> None:
    headwater("step", "propose", "report")
    headwater("step", "confirm", "birch-00000", "--by", "bob", "--reason", "seen by two of us")
    out = headwater("step", "show", "birch-00000")[1]
    for said in ("rule-seventeen", "one-thing", "several accounts acted as one", "bob", "seen by two of us"):
        assert said in out
    assert "revision 2" in out


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (("step", "confirm", "birch-harvst"), "there is no such step", "did you mean birch-harvest?"),
        (("step", "reverse", "birch-harvest"), "say why", "--reason"),
        (
            ("step", "decline", "birch-harvest", "--reason", "x", "--by", "a b"),
            "not a person's name",
            "1 to 64",
        ),
        (("step", "undo", "birch-00000", "--reason", "x"), "was only proposed", "decline it"),
        (("step", "notice", "birch-00000"), "nothing was told", "casebook tick"),
        (("step", "statement", "birch-00000"), "no statement of reasons", "one is made when"),
        (("step", "propose", "reprot"), "no such file", "name a report folder"),
        (("step", "list", "--casebook", "nodesk"), "is no casebook", "headwater casebook new"),
        (("step", "show", "birch-harvest"), "3 steps go by this name", "step list --of"),
        (("appeal", "file", "birch-00000", "--text", "x"), "is proposed: there is nothing", ""),
        (("appeal", "file", "birch-00000"), "give what the customer says once", "--text"),
        (("appeal", "take", "appeal-000"), "no such appeal", "appeal list"),
        (("casebook", "erase", "nobody", "--reason", "x"), "nothing is held", "step list --reveal"),
        (("casebook", "erase", "birch-00000", "--reason", "x"), "is proposed", "--even-so"),
        (("casebook", "new", "desk", "--operator", "A", "--appeals", "b"), "exists already", "a new folder"),
        (
            ("casebook", "new", "d2", "--operator", " ", "--appeals", "b"),
            "this setting is empty",
            "customers",
        ),
        (("casebook", "policy", "pakc.yaml"), "does not exist", "did you mean pack.yaml?"),
    ],
)
def test_an_error_says_what_to_do(headwater: Run, arguments: tuple[str, ...], error: str, hint: str) -> None:
    headwater("step", "propose", "report")
    code, _, err = headwater(*arguments)
    assert code == 2
    assert err.startswith("error: ")
    assert error in err
    if hint:
        assert hint in err.partition("hint: ")[2]


@pytest.mark.parametrize("name", ["HEADWATER_PERSON", "HEADWATER_CASEBOOK"])
def test_who_acts_where_has_to_be_said(headwater: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    code, _, err = headwater("step", "propose", "report")
    assert code == 2
    assert name in err


def test_a_table_of_accounts_changes_what_is_proposed_and_bad_rows_are_told(headwater: Run) -> None:
    limits = "limits:\n  - {id: known, at_most: observe, when: tier >= 2, reason: We know them.}\n"
    Path("limited.yaml").write_bytes(pack(extra=limits))
    assert headwater("casebook", "policy", "limited.yaml")[0] == 0
    Path("accounts.csv").write_text("account,tier,colour\nbirch-00000,3,red\nbirch-00001,7,red\n")
    code, out, err = headwater("step", "propose", "report", "--accounts", "accounts.csv")
    assert code == 0
    assert "2 steps proposed" in out
    assert "1 accounts are watched" in out
    assert "set aside: accounts.csv, row 2, field tier: is not between 0 and 3" in err
    assert "colour" in err


def test_a_pack_with_a_fault_is_not_put_in_force(headwater: Run) -> None:
    Path("broken.yaml").write_text(pack().decode().replace("probability", "probabilty"))
    before = Path("desk/policy.yaml").read_bytes()
    code, _, err = headwater("casebook", "policy", "broken.yaml")
    assert code == 2
    assert "did you mean probability?" in err
    assert Path("desk/policy.yaml").read_bytes() == before


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_customer_writes_acts_on_no_screen(headwater: Run, text: str) -> None:
    headwater("step", "propose", "report")
    headwater("step", "confirm", "birch-harvest", "--by", "bob")
    Path("appeal.txt").write_text(f"x {text}", "utf-8")
    for command in (
        ("appeal", "file", "birch-00000", "--text-file", "appeal.txt"),
        ("appeal", "list"),
        ("appeal", "list", "--format", "json"),
        ("appeal", "take", "birch-00000", "--by", "carol"),
        (
            "appeal",
            "decide",
            "birch-00000",
            "upheld",
            "--by",
            "carol",
            "--reason",
            f"x {text}".replace("\0", ""),
        ),
        ("step", "notice", "birch-00000", "--all"),
        ("step", "show", "birch-00000"),
    ):
        code, out, err = headwater(*command)
        assert code == 0, err
        assert not [c for c in out + err if not c.isprintable() and c != "\n"], command


def test_outcomes_of_accounts_are_what_replay_reads(headwater: Run) -> None:
    from headwater.policy import read_outcomes

    headwater("step", "propose", "report")
    headwater("step", "confirm", "birch-00000", "--by", "bob")
    headwater("step", "reverse", "birch-00000", "--by", "bob", "--reason", "x")
    headwater("step", "decline", "birch-00001", "--by", "bob", "--reason", "x")
    out = headwater("casebook", "outcomes", "--accounts", "--reveal")[1]
    Path("outcomes.jsonl").write_text(out)
    assert read_outcomes(Path("outcomes.jsonl")) == {"birch-00000": frozenset({"reversed"})}
    assert "birch-00000" not in headwater("casebook", "outcomes", "--accounts")[1]


def test_export_and_erase(headwater: Run) -> None:
    headwater("step", "propose", "report")
    headwater("step", "decline", "birch-00000", "--reason", "ours", "--by", "bob")
    assert headwater("casebook", "export", "birch-00000", "-o", "out")[0] == 0
    assert json.loads(Path("out/account.json").read_text())["account"] == "birch-00000"
    code, out, _ = headwater("casebook", "erase", "birch-00000", "--reason", "asked for")
    assert code == 0
    assert "stays: " in out
    assert b"birch-00000" not in Path("desk/casebook.sqlite").read_bytes()


def test_tick_says_what_was_due_and_an_overdue_appeal_is_an_exit_code(
    headwater: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nothing was due" in headwater("casebook", "tick")[1]
    headwater("step", "propose", "report")
    headwater("step", "confirm", "birch-harvest", "--by", "bob")
    headwater("appeal", "file", "birch-00000", "--text", "x")
    from headwater.cli import casebook

    late = casebook.now_us() + 20 * 86_400_000_000
    monkeypatch.setattr(casebook, "now_us", lambda: late)
    code, out, _ = headwater("casebook", "tick")
    assert code == 1
    assert "ended: their time was over" in out
    assert "overdue: appeal-" in out


def test_settings_of_a_casebook_are_checked(headwater: Run) -> None:
    settings = Path("desk/casebook.toml")
    before = settings.read_text()
    for line, error in (
        ("[retention]\nsteps = 0\n", "field retention.steps"),
        ("[retention]\nstpes = 9\n", "did you mean retention.steps?"),
        ("[effects]\nshape_rate = 2.0\n", "field effects.shape_rate"),
        ('texts = "letters"\n', "does not exist"),
    ):
        settings.write_text(line + before if line.startswith("texts") else before + line)
        code, _, err = headwater("step", "propose", "report")
        assert (code, error in err) == (2, True), err


def test_an_appeal_in_another_encoding_is_refused_and_can_be_filed_again(headwater: Run) -> None:
    assert headwater("step", "propose", "report")[0] == 0
    assert headwater("step", "confirm", "birch-00000", "--by", "bob")[0] == 0
    Path("latin.txt").write_bytes("Bäckerei".encode("latin-1"))
    code, _, err = headwater("appeal", "file", "birch-00000", "--text-file", "latin.txt")
    assert (code, "isn't UTF-8" in err, "latin.txt" in err) == (2, True, True)
    Path("utf8.txt").write_bytes("\ufeffBäckerei".encode())
    code, out, _ = headwater("appeal", "file", "birch-00000", "--text-file", "utf8.txt", "--format", "json")
    assert code == 0
    assert "\\ufeff" not in out
    assert "Bäckerei" in json.dumps(json.loads(out), ensure_ascii=False)


def test_a_row_that_cannot_be_read_is_named_and_the_others_are_shown(headwater: Run) -> None:
    from headwater.store import Store

    headwater("step", "propose", "report")
    bad = steps(headwater)[0]["step"]
    with Store.open(Path("desk/casebook.sqlite"), (), must_exist=True) as store, store.write() as tx:
        tx.run("UPDATE steps SET basis = x'7b' WHERE id = ?", (bad,))
    code, out, err = headwater("step", "list")
    assert (code, out.count("proposed")) == (0, 2)
    assert f"warning: set aside: {bad}: what it rests on is not what a step rests on" in err
    code, _, err = headwater("step", "show", str(bad))
    assert code == 2
    assert f"error: {bad} can't be read" in err
    code, out, err = headwater("step", "confirm", "birch-harvest")
    assert (code, out.count("standing")) == (0, 2)
    assert f"warning: passed over: {bad} can't be read" in err
    code, _, err = headwater("casebook", "tick")
    assert code == 0
    assert str(bad) in err


def test_what_was_changed_past_headwater_is_named_by_check(headwater: Run) -> None:
    from headwater.store import Store

    headwater("step", "propose", "report")
    headwater("step", "confirm", "birch-harvest", "--by", "bob")
    code, out, _ = headwater("casebook", "check")
    assert code == 0
    assert "3 steps, 6 events, 3 notices" in out
    assert "all agree" in out
    step = str(steps(headwater)[0]["step"])
    with Store.open(Path("desk/casebook.sqlite"), (), must_exist=True) as store, store.write() as tx:
        tx.run("UPDATE events SET by = 'mallory\x1b[2J' WHERE revision = 2 AND step = ?", (step,))
    code, out, _ = headwater("casebook", "check")
    assert code == 1
    assert step in out
    assert "revision 2: by is “mallory" in out
    assert "\x1b" not in out
    code, out, _ = headwater("casebook", "check", "--format", "json")
    told = json.loads(out)
    assert (code, told["agrees"]) == (1, False)
    assert told["differences"][0]["id"] == step


@pytest.mark.parametrize("year", [1970, 2200])
def test_a_clock_that_cannot_be_right_is_told(
    headwater: Run, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    from datetime import UTC, datetime

    headwater("step", "propose", "report")
    at_s = int(datetime(year, 1, 2, tzinfo=UTC).timestamp())
    monkeypatch.setattr("time.time_ns", lambda: at_s * 1_000_000_000)
    for command in (("step", "confirm", "birch-harvest"), ("casebook", "tick"), ("log", "publish")):
        code, _, err = headwater(*command)
        assert code == 2
        assert f"error: this machine's clock says {year}-01-02 00:00 UTC" in err
        assert "hint: set it" in err


def test_a_tick_far_ahead_has_to_be_said(headwater: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from headwater.cli import casebook

    headwater("step", "propose", "report")
    late = casebook.now_us() + 730 * 86_400_000_000
    monkeypatch.setattr(casebook, "now_us", lambda: late)
    code, _, err = headwater("casebook", "tick")
    assert code == 2
    assert "730 days after the last that was done in this casebook" in err
    assert "headwater casebook tick --far" in err
    assert len(steps(headwater)) == 3
    code, out, _ = headwater("casebook", "tick", "--far")
    assert code == 0
    assert "lapsed" in out


def test_a_text_that_is_far_too_long_is_told_by_its_size(headwater: Run) -> None:
    headwater("step", "propose", "report")
    headwater("step", "confirm", "birch-harvest", "--by", "bob")
    with Path("long.txt").open("wb") as file:
        file.truncate(50_000_000)
    code, _, err = headwater("appeal", "file", "birch-00000", "--text-file", "long.txt")
    assert code == 2
    assert "error: long.txt: a text of 50,000,000 bytes is too long" in err
    assert "hint: at most 20,000 characters" in err
    code, _, err = headwater("appeal", "file", "birch-00000", "--text-file", "/dev/zero")
    assert "a text of more than 200,000 bytes is too long" in err
    Path("long.txt").write_text("x" * 30_000)
    code, _, err = headwater("appeal", "file", "birch-00000", "--text-file", "long.txt")
    assert "a text of 30,000 characters is too long" in err


@pytest.mark.parametrize("width", ["72", "80", "200"])
def test_ids_and_pseudonyms_stay_whole_in_a_narrow_terminal(
    headwater: Run, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    headwater("step", "propose", "report")
    headwater("step", "confirm", "birch-harvest", "--by", "bob")
    told = steps(headwater)
    _, out, _ = headwater("step", "list")
    lines = out.splitlines()
    assert len(lines) == 4
    assert all(len(line) <= int(width) for line in lines)
    for step in told:
        assert any(str(step["step"]) in line and str(step["account"]) in line for line in lines)
    assert ("until" in lines[0]) == (width == "200")
