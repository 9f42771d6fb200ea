"""What comes in as Arrow and goes out: tables that agree with one another, a ledger that adds up, a safe fragment."""

from __future__ import annotations

import json
import re
from collections import Counter
from copy import copy
from dataclasses import replace
from html import unescape
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import headwater
from headwater.errors import UnreadableInput, UsageError
from headwater.explain import load
from house.source import ROOT
from investigation.worlds import SETTINGS, accounts, exchanges, members, plain, verdicts

pytestmark = pytest.mark.xdist_group("small")


def test_a_table_a_reader_and_a_relation_give_the_same() -> None:
    table = exchanges()
    with duckdb.connect() as db:
        for given in (
            pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=777)),
            db.from_arrow(table),
        ):
            with headwater.investigate(given, accounts(), settings=SETTINGS) as found:
                assert verdicts(found) == verdicts(plain())
                assert found.findings.log.sources == ("Arrow data",)


def test_the_account_table_may_be_a_file_or_missing(tmp_path: Path) -> None:
    pq.write_table(accounts(), tmp_path / "accounts.parquet")
    with headwater.investigate(exchanges(), tmp_path / "accounts.parquet", settings=SETTINGS) as found:
        assert verdicts(found) == verdicts(plain())


@pytest.mark.parametrize(
    "given", [3, None, [], ["a", 3], {"rows": []}, object()], ids=lambda given: type(given).__name__
)
def test_what_is_neither_path_nor_arrow_is_refused(given: object) -> None:
    with pytest.raises(UsageError) as caught:
        headwater.investigate(given)
    assert caught.value.hint


def test_a_log_without_a_usable_row() -> None:
    nobody = exchanges().slice(0, 3).drop_columns(["account"])
    with pytest.raises(UnreadableInput):
        headwater.investigate(nobody)


def test_accounts_and_exchanges_agree_with_the_findings() -> None:
    found = plain()
    (ring,) = found.campaigns
    table = found.accounts
    assert table.num_rows == found.findings.log.accounts
    assert sum(table["exchanges"].to_pylist()) == found.findings.log.exchanges
    named = {row["account"]: row for row in table.to_pylist() if row["campaign"] == ring.id}
    assert set(named) == members(found)[0]
    every = found.exchanges().read_all()
    assert every.num_rows == found.findings.log.exchanges
    hits = Counter(row["account"] for row in every.to_pylist() if row["attributed"])
    assert sum(hits.values()) == ring.exchanges
    for member in ring.members:
        assert named[member.account]["attributed"] == member.attributed == hits[member.account]
        assert named[member.account]["exchanges"] == member.exchanges
        assert named[member.account]["tie_nats"] == member.tie
        assert named[member.account]["word"] == ring.word
    assert sum(count for _, count in found.findings.log.timeline) == found.findings.log.exchanges


def test_only_what_is_reported_stands_as_a_campaign() -> None:
    """The ring's second half as a group of its own, which was considered and not reported."""
    found = copy(plain())
    (ring,) = found.campaigns
    half = len(ring.members) // 2
    first = replace(ring, members=ring.members[:half])
    second = replace(ring, id="other-half", word="possible", probability=0.4, members=ring.members[half:])
    found.findings = replace(found.findings, campaigns=(first,), considered=(second,))
    table = found.accounts.to_pylist()
    assert [row["account"] for row in table] == sorted(row["account"] for row in table)
    assert {m.account for m in first.members} == {row["account"] for row in table if row["campaign"]}
    assert {m.account for m in second.members} == {row["account"] for row in table if row["considered"]}
    for row in table:
        if row["considered"]:
            assert (row["campaign"], row["considered"], row["attributed"]) == (None, "other-half", 0)
            assert (row["word"], row["probability"]) == ("possible", 0.4)
        elif row["campaign"]:
            assert (row["campaign"], row["considered"], row["word"]) == (ring.id, None, ring.word)
            assert row["attributed"] > 0
        else:
            assert {row[name] for name in ("word", "probability", "tie_nats")} == {None}
    every = found.exchanges().read_all().to_pylist()
    assert {row["account"] for row in every if row["campaign"]} == {m.account for m in first.members}


def test_every_column_that_is_written_is_documented(tmp_path: Path) -> None:
    plain().write(tmp_path)
    page = (ROOT / "docs/reference/outputs.md").read_text("utf-8")
    for name in ("accounts.parquet", "exchanges.parquet"):
        part = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        told = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (yes)? ?\|", part, re.M)
        schema = pq.read_schema(tmp_path / name)
        assert [(f.name, str(f.type), "" if f.nullable else "yes") for f in schema] == told


def test_it_says_in_one_line_what_it_holds() -> None:
    found = plain()
    shown = repr(found)
    assert "\n" not in shown
    assert shown.startswith(f"<Investigation: {found.findings.log.exchanges:,} exchanges, ")
    assert "1 campaign (1 likely)" in shown
    assert f"{len(found.findings.considered)} considered group" in shown
    assert not any(account in shown for account in members(found)[0])


def test_every_waterfall_adds_up() -> None:
    for ring in (*plain().campaigns, *plain().findings.considered):
        counted = sum(piece.llr for piece in ring.pieces)
        assert abs(ring.prior_log_odds + counted - ring.log_odds) < 1e-9
        assert all(piece.llr == 0 for piece in ring.pieces if not piece.counted)
        groups = [piece.group for piece in ring.pieces if piece.counted]
        assert len(groups) == len(set(groups))


def test_a_notebook_shows_a_fragment_that_does_nothing() -> None:
    shown = plain()._repr_html_().lower()
    assert "<script" not in shown
    assert "javascript:" not in shown
    assert "http://" not in shown.replace("http://www.w3.org/", "")
    assert "https://" not in shown
    assert plain().campaigns[0].id in shown


@pytest.mark.parametrize("name", ["settings", "key"])
def test_a_path_instead_of_an_object_is_refused_with_what_to_give(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is a str, not ") as caught:
        headwater.investigate(exchanges().slice(0, 300), **{name: "x.toml"})
    assert "headwater." in (caught.value.hint or "")


def test_faults_of_arrow_data_name_it_and_no_temporary_file(tmp_path: Path) -> None:
    few = exchanges().slice(0, 300)
    with pytest.raises(UnreadableInput) as caught:
        headwater.investigate(pa.table({"a": [1], "b": [2]}), settings=SETTINGS)
    assert caught.value.where.file == "Arrow data (exchanges)"
    with pytest.raises(UnreadableInput) as caught:
        headwater.investigate(few, pa.table({"a": [1]}), settings=SETTINGS)
    assert caught.value.where.file == "Arrow data (accounts)"
    at = few.schema.get_field_index("account")
    holed = few.set_column(at, "account", pa.array([None, *few["account"].to_pylist()[1:]]))
    with headwater.investigate(holed, settings=SETTINGS) as found:
        found.write(tmp_path)
    (row,) = (tmp_path / "set_aside.jsonl").read_text().splitlines()
    assert json.loads(row)["file"] == "Arrow data (exchanges)"


def test_what_is_written_is_what_was_found(tmp_path: Path) -> None:
    found = plain()
    found.write(tmp_path / "new" / "report")
    folder = tmp_path / "new" / "report"
    names = {path.name for path in folder.iterdir()}
    assert names == {"report.html", "campaigns.json", "accounts.parquet", "exchanges.parquet"}
    assert load(folder) == found.findings
    assert pq.read_table(folder / "accounts.parquet").equals(found.accounts)
    assert pq.read_table(folder / "exchanges.parquet").equals(found.exchanges().read_all())
    assert (folder / "report.html").read_bytes() == found.html()


def test_findings_outlive_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with headwater.investigate(exchanges().slice(0, 500), settings=SETTINGS) as found:
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []
    assert found.accounts.num_rows == found.findings.log.accounts
    assert found.json()
    assert found.html()


def test_a_column_that_is_lost_is_named_with_the_evidence_it_costs() -> None:
    poor = exchanges().drop_columns(["ip", "tls", "user_agent"])
    full = {each.evidence: each for each in plain().findings.coverage}
    with headwater.investigate(poor, settings=SETTINGS) as found:
        lost = {each.evidence: each for each in found.findings.coverage if not each.available}
        assert {"ip", "tls", "user_agent"} <= set(found.findings.log.missing)
    assert full["infrastructure"].available
    assert "infrastructure" in lost
    assert any("ip" in name for name in lost["infrastructure"].missing)
    assert any("account." in name for name in lost["infrastructure"].missing)
    assert not any(piece.evidence in lost for ring in found.campaigns for piece in ring.pieces)
    text = unescape(found.html().decode())
    for each in lost.values():
        assert each.title in text
