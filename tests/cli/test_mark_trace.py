"""`headwater mark trace`: whose outputs are in a data set, as a file, a folder or packed; and what it can't say."""

from __future__ import annotations

import gzip
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.cli.app import run
from headwater.mark import load_keyring, plain, save_evidence, scheme
from provenance.audit import marked as made

MASTER = "a1b2c3d4e5f60718" * 4
ACCOUNTS = f"""
[[accounts]]
name = "customers"
scheme = "headwater-gumbel"
width = 2
tokenizer = "list"
epoch = ["2026-01", "2026-02"]
file = "accounts.txt"
key = "0x{MASTER}"
"""
OURS = scheme("headwater-gumbel", {"width": 2})
#: Rows, counted from 1, that are an account's.
SEVEN, NINE = (4, 9, 14, 19), (2, 12)


def ring(folder: Path, *tables: str, accounts: int = 40, listed: str = "") -> Path:
    names = listed or "".join(f"acct-{number:03}\n" for number in range(accounts))
    (folder / "accounts.txt").write_text(names)
    return made.keyring(folder / "keys.toml", made.TOKENIZER, *(tables or (ACCOUNTS,)))


@cache
def rows(folder: Path) -> tuple[dict[str, str], ...]:
    entry = load_keyring(ring(folder)).accounts[0]
    random = np.random.default_rng(2)
    told = [made.unmarked(60, random) for _ in range(40)]
    for places, account, epoch in ((SEVEN, "acct-007", "2026-02"), (NINE, "acct-009", "2026-01")):
        for row in places:
            told[row - 1] = made.marked(50, random, entry.key(account, epoch), OURS)
    return tuple({"question": made.unmarked(30, random), "answer": text, "model": "own"} for text in told)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], ...]:
    return rows(tmp_path_factory.mktemp("rows"))


def lines(path: Path, told: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in told))
    return path


def traced(capfd: pytest.CaptureFixture[str], *words: object, code: int = 0) -> dict[str, Any]:
    assert run(["mark", "trace", *map(str, words), "--json"]) == code
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


def test_whose_outputs(
    tmp_path: Path, kept: tuple[dict[str, str], ...], capfd: pytest.CaptureFixture[str]
) -> None:
    keys, data = ring(tmp_path), lines(tmp_path / "rows.jsonl", kept)
    found = traced(capfd, data, "--keyring", keys, "--fail-on", "named", code=1)
    assert found["answer"] == "named"
    assert (found["keys"], found["rows"], found["texts"]) == (80, 40, 80)
    named = {one["account"]: one for one in found["found"]}
    assert set(named) == {"acct-007", "acct-009"}
    assert named["acct-007"]["key"] == "customers 2026-02"
    assert [place["row"] for place in named["acct-007"]["places"]] == list(SEVEN)
    assert [place["row"] for place in named["acct-009"]["places"]] == list(NINE)
    first = found["found"][0]
    assert math.isclose(first["log10_p_adjusted"], first["log10_p"] + math.log10(80), abs_tol=1e-3)
    assert first["share"]["low"] <= first["share"]["estimate"] <= first["share"]["high"]

    assert run(["mark", "trace", str(data), "--keyring", str(keys)]) == 0
    said = capfd.readouterr().out
    assert (
        "Outputs picked under the keys of 2 accounts are in “rows.jsonl”: acct-007 and acct-009."
        in " ".join(said.split())
    )
    assert "80 keys tested" in said
    assert MASTER[:8] not in said


def test_a_folder_of_files_and_the_columns_to_read(
    tmp_path: Path, kept: tuple[dict[str, str], ...], capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(list(kept[:10])), folder / "a.parquet")
    with gzip.open(folder / "b.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in kept[10:])
    keys = ring(tmp_path)
    found = traced(capfd, folder, "--keyring", keys, "--text", "answer")
    places = {(place["file"], place["row"]) for one in found["found"] for place in one["places"]}
    assert places == {
        ("a.parquet", 2), ("a.parquet", 4), ("a.parquet", 9),
        ("b.jsonl.gz", 2), ("b.jsonl.gz", 4), ("b.jsonl.gz", 9),
    }  # fmt: skip
    assert found["texts"] == 40
    asked = traced(capfd, folder, "--keyring", keys, "--text", "question", "--fail-on", "named")
    assert asked["found"] == []
    assert run(["mark", "trace", str(folder), "--keyring", str(keys), "--text", "anser"]) == 2
    assert "did you mean answer?" in capfd.readouterr().err


def test_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(9)
    data = lines(tmp_path / "rows.jsonl", [{"text": made.unmarked(200, random)} for _ in range(10)])
    found = traced(capfd, data, "--keyring", ring(tmp_path), "--fail-on", "named")
    assert (found["answer"], found["found"]) == ("not-shown", [])
    assert 0 < found["tested"][0]["reach"] < 1
    short = lines(tmp_path / "short.jsonl", [{"text": str(number)} for number in range(30)] + [{"text": ""}])
    found = traced(capfd, short, "--keyring", ring(tmp_path))
    assert (found["answer"], found["tested"][0]["units"]) == ("not-enough-evidence", 0)
    assert run(["mark", "trace", str(short), "--keyring", str(ring(tmp_path))]) == 0
    assert "not enough evidence for or against any account" in capfd.readouterr().out


def test_one_error_rate_for_all_entries(
    tmp_path: Path, kept: tuple[dict[str, str], ...], capfd: pytest.CaptureFixture[str]
) -> None:
    """Marks that are an account's count beside the accounts of a list, and a revoked one isn't tested."""
    random = np.random.default_rng(4)
    own = made.MARK + 'account = "acct-777"\n'
    gone = made.OTHER + 'account = "acct-666"\nrevoked = true\n'
    data = lines(tmp_path / "rows.jsonl", [*kept, {"answer": made.marked(60, random)}])
    found = traced(capfd, data, "--keyring", ring(tmp_path, ACCOUNTS, own, gone))
    assert {one["account"] for one in found["found"]} == {"acct-007", "acct-009", "acct-777"}
    assert (found["keys"], found["revoked"]) == (81, ["other"])
    assert math.isclose(sum(one["level"] for one in found["tested"]), 0.001)
    mark = next(one for one in found["found"] if one["account"] == "acct-777")
    assert mark["places"] == [{"file": "rows.jsonl", "row": 41}]
    assert math.isclose(mark["log10_p_adjusted"], mark["log10_p"] + math.log10(81), abs_tol=1e-3)


def test_rows_that_can_not_be_read(
    tmp_path: Path, kept: tuple[dict[str, str], ...], capfd: pytest.CaptureFixture[str]
) -> None:
    data = lines(tmp_path / "rows.jsonl", kept)
    with data.open("ab") as file:
        file.write(b'{"torn\n[1, 2]\n\xff\xfe\x00\n{"answer": "prose that is no list of tokens"}\n')
    words = [data, "--keyring", ring(tmp_path)]
    found = traced(capfd, *words)
    assert found["set_aside"] == 3
    assert {one["account"] for one in found["found"]} == {"acct-007", "acct-009"}
    assert found["tested"][0]["unread_texts"] == 1
    assert "not a token id" in found["tested"][0]["unread_why"]
    traced(capfd, *words, "--max-bad", 3)
    traced(capfd, *words, "--max-bad", 2, code=3)


def test_faults_of_rows_are_told_with_the_first_of_each(
    tmp_path: Path, kept: tuple[dict[str, str], ...], capfd: pytest.CaptureFixture[str]
) -> None:
    data = lines(tmp_path / "rows.jsonl", kept)
    with data.open("ab") as file:
        file.write(b'[1]\n{"a": x}\n{"answer": "1", "b": x}\n')
    assert run(["mark", "trace", str(data), "--keyring", str(ring(tmp_path))]) == 0
    said = capfd.readouterr().out
    assert "3 rows set aside:" in said
    assert "  2 × is not JSON (invalid character), first rows.jsonl:42" in said
    assert "  1 × is neither an object nor a text, first rows.jsonl:41" in said
    folder = tmp_path / "audit"
    words = ["audit", str(data), "-o", str(folder), "--sample", "0", "--max-bad", "0", "--fail-on", "never"]
    assert run(words) == 3
    shown = capfd.readouterr()
    assert "2 × is not JSON (invalid character)\n" in shown.out
    assert "at byte N" not in (folder / "audit.html").read_text()
    data.write_bytes(data.read_bytes().replace(b'{"a": x}\n', b"").replace(b"[1]\n", b""))
    assert run(words) == 3
    assert "1 row was set aside, more than --max-bad 0" in capfd.readouterr().err


def test_a_page(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    keys = ring(tmp_path, listed="<b>one</b>\nacct-2\n")
    key = load_keyring(keys).accounts[0].key("<b>one</b>", "2026-01")
    data = lines(tmp_path / "rows.jsonl", [{"text": made.marked(60, np.random.default_rng(1), key, OURS)}])
    found = traced(capfd, data, "--keyring", keys, "-o", tmp_path / "trace.html")
    page = (tmp_path / "trace.html").read_text()
    assert found["page"] == str(tmp_path / "trace.html")
    assert "&lt;b&gt;one&lt;/b&gt;" in page
    assert "<b>one" not in page
    assert page.replace("&#39;", "'").replace("’", "'").count("doesn't say who put them there") == 1
    assert "are in “rows.jsonl”" in page
    words = ["mark", "trace", str(data), "--keyring", str(keys), "-o", str(tmp_path / "trace.html")]
    assert run(words) == 0  # an older page of ours is written over
    assert f"wrote {tmp_path / 'trace.html'}" in capfd.readouterr().out.replace("\n", "")


def test_a_page_is_written_over_nothing_that_is_read(
    tmp_path: Path, kept: tuple[dict[str, str], ...], capfd: pytest.CaptureFixture[str]
) -> None:
    keys, data = ring(tmp_path), lines(tmp_path / "data" / "train.jsonl", kept)
    master = tmp_path / "master.key"
    master.write_text("secret")
    before = {path: path.read_bytes() for path in (keys, data, master)}
    for out, told in (
        (data, "would be overwritten"),
        (keys, "would be overwritten"),
        (master, "isn't a page of ours"),
        (tmp_path / "gone" / "x.html", "its folder isn't there"),
    ):
        for dataset in (data, data.parent):
            assert run(["mark", "trace", str(dataset), "--keyring", str(keys), "-o", str(out)]) == 2
            said = capfd.readouterr().err
            assert str(out) in said.replace("\n", "")
            assert ".headwater-" not in said
            if dataset == data:
                assert told in said
    assert {path: path.read_bytes() for path in before} == before
    assert list(data.parent.iterdir()) == [data]


def test_what_may_well_be_chance_is_said_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Thirteen marked tokens name their account beyond doubt; what a level of 1 in 20 names beside it is chance."""
    keys, random = ring(tmp_path), np.random.default_rng(3)
    key = load_keyring(keys).accounts[0].key("acct-007", "2026-02")
    told = [made.marked(13, random, key, OURS), *(made.unmarked(60, random) for _ in range(5))]
    data = lines(tmp_path / "rows.jsonl", [{"text": text} for text in told])
    assert [one["account"] for one in traced(capfd, data, "--keyring", keys)["found"]] == ["acct-007"]
    words = ["mark", "trace", str(data), "--keyring", str(keys), "--level", "0.05"]
    assert run([*words, "-o", str(tmp_path / "page.html")]) == 0
    said = " ".join(capfd.readouterr().out.split())
    weakly = "a key shows so often in 1 of 70 such data sets without any of their outputs"
    assert "Outputs picked under the key of the account acct-007 are in “rows.jsonl”." in said
    assert f"The key of the account acct-035 shows in “rows.jsonl”, but weakly: {weakly}." in said
    assert "acct-007: a key shows so often" not in said
    assert weakly in (tmp_path / "page.html").read_text()


def test_a_detector_that_reads_no_account_is_an_error(
    tmp_path: Path, kept: tuple[dict[str, str], ...], capfd: pytest.CaptureFixture[str]
) -> None:
    """Also where a mark of the keyring, that is no account's, has its scheme."""
    keys = ring(tmp_path, ACCOUNTS, made.MARK)
    for name, detector in (("other", plain(made.GUMBEL)), ("ours", plain(OURS))):
        save_evidence(detector, tmp_path / f"{name}.json")
    words = ["mark", "trace", str(lines(tmp_path / "rows.jsonl", kept)), "--keyring", str(keys)]
    assert run([*words, "--evidence", str(tmp_path / "ours.json")]) == 0
    capfd.readouterr()
    assert run([*words, "--evidence", str(tmp_path / "other.json")]) == 2
    said = capfd.readouterr().err
    assert "the detector is for vllm-gumbel" in said
    assert "schemes of the accounts: headwater-gumbel" in said
    assert run([*words, "--proxy", str(tmp_path / "proxy.npz")]) == 2
    assert "a proxy is read with --evidence alone" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no row could be read"),
        (b"\x00\x01\x02\xff" * 100, "no row could be read"),
        (b'{"tokens": [1, 2, 3]}\n', "no row holds a text"),
    ],
)
def test_data_that_hold_nothing(
    tmp_path: Path, content: bytes, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.jsonl").write_bytes(content)
    assert run(["mark", "trace", str(tmp_path / "rows.jsonl"), "--keyring", str(ring(tmp_path))]) == 2
    assert told in capfd.readouterr().err


def test_files_that_can_not_be_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    keys = ring(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and then nothing")
    for name, told in (
        ("empty", "no data files"),
        ("rows.parquet", "rows.parquet"),
        ("none.jsonl", "none.jsonl"),
    ):
        assert run(["mark", "trace", str(tmp_path / name), "--keyring", str(keys)]) == 2
        said = capfd.readouterr().err
        assert told in said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    ("tables", "listed", "told"),
    [
        ((made.MARK,), "", "the keyring names no accounts"),
        ((ACCOUNTS + "revoked = true\n",), "", "all accounts of the keyring are revoked"),
        ((ACCOUNTS,), "one\ntwo\none\n", "stands in the list twice"),
        ((ACCOUNTS,), "\n \n", "lists no account"),
        (
            (
                made.MARK + 'account = "one"\n',
                made.MARK.replace('"chat"', '"again"') + 'account = "two"\n',
            ),
            "",
            "two accounts have the same key",
        ),
    ],
)
def test_keyrings_that_can_not_be_used(
    tmp_path: Path, tables: tuple[str, ...], listed: str, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data = lines(tmp_path / "rows.jsonl", [{"text": "1 2 3 4 5 6"}])
    assert run(["mark", "trace", str(data), "--keyring", str(ring(tmp_path, *tables, listed=listed))]) == 2
    said = capfd.readouterr().err
    assert told in said
    assert MASTER[:8] not in said
