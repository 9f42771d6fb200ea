"""How the log was read is told: declarations without effect, accounts passed over, values assumed, columns missing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import headwater
from headwater.cli.app import run
from headwater.detect import Declaration
from headwater.exchange import inspect
from headwater.explain import load
from headwater.imprint import imprint
from headwater.investigation import Settings
from headwater.keys import DEMO_KEY
from investigation.worlds import HIDDEN, SETTINGS, accounts, exchanges

pytestmark = pytest.mark.xdist_group("small")


def party(name: str, accounts: Collection[str] = (), organisations: Collection[str] = ()) -> Declaration:
    return Declaration(name, "partner", frozenset(accounts), frozenset(organisations), None, "")


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pa.Table:
    """A few rows, as `logs/log.parquet` in the working folder too."""
    monkeypatch.chdir(tmp_path)
    Path("logs").mkdir()
    table = exchanges().slice(0, 300)
    pq.write_table(table, "logs/log.parquet")
    return table


def test_a_declaration_that_matches_nothing_is_named(few: pa.Table) -> None:
    known = [
        party("Right account", {few["account"][0].as_py(), "nobody"}),
        party("Wrong account", {"acct-0"}),
        party("Wrong organisation", organisations={"Meridian Ltd"}),
        party("Right organisation", organisations={"meridian"}),
    ]
    given = exchanges()
    assert "meridian" in pc.unique(given["organisation"]).to_pylist()
    with headwater.investigate(given, accounts(), known=known, settings=SETTINGS) as found:
        assert found.findings.notes == (
            "the declaration “Wrong account” (partner) matches no account and no organisation of this log",
            "the declaration “Wrong organisation” (partner) matches no account and no organisation of this log",
        )


def test_it_is_named_in_terminal_report_and_json(few: pa.Table, capsys: pytest.CaptureFixture[str]) -> None:
    Path("known.toml").write_text('[[known]]\nname = "Typo"\nkind = "fleet"\norganisations = ["acme"]\n')
    assert run(["investigate", "logs", "--known", "known.toml", "-o", "report"]) == 0
    told = "the declaration “Typo” (fleet) matches no account and no organisation of this log"
    assert f"note: {told}" in " ".join(capsys.readouterr().out.split())
    assert load("report").notes == (told,)
    assert told in Path("report/report.html").read_text("utf-8")


def test_an_account_table_in_the_folder_is_pointed_at_unless_it_is_given(few: pa.Table) -> None:
    pq.write_table(accounts(), "logs/accounts.parquet")
    with headwater.investigate("logs", settings=SETTINGS) as found:
        assert found.findings.notes == (
            "logs/accounts.parquet holds accounts and was not read as a log: give it with --accounts",
        )
    with headwater.investigate("logs", "logs/accounts.parquet", settings=SETTINGS) as found:
        assert found.findings.notes == ()


def test_what_was_assumed_is_noted(few: pa.Table) -> None:
    naive = few.set_column(1, "at", few["at"].cast(pa.timestamp("us")))
    assert naive.schema.names == few.schema.names
    with headwater.investigate(naive, settings=SETTINGS) as found:
        assert found.findings.notes == ("300 × at: names no time zone and was read as UTC",)
        assert found.findings.log.last_at_us - found.findings.log.first_at_us < timedelta(
            days=20
        ) / timedelta(microseconds=1)


def answered(table: pa.Table) -> pa.Table:
    return table.append_column("response", pa.array(["an answer"] * table.num_rows, pa.large_string()))


def imprinted(table: pa.Table) -> pa.Table:
    marks = imprint(table["prompt"], DEMO_KEY)
    return table.drop_columns(["prompt"]).append_column("imprint", marks)


@pytest.mark.parametrize("way", ["file", "arrow"])
@pytest.mark.parametrize("settings", [SETTINGS, HIDDEN], ids=["prompts", "imprints"])
@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        (answered, {"response": False, "system": False, "prompt": False, "imprint": False}),
        (lambda table: table.drop_columns(["system", "ip"]), {"response": True, "system": True, "ip": True}),
        (imprinted, {"response": True, "prompt": True, "imprint": False}),
    ],
    ids=["answers", "poorer", "imprints"],
)
def test_the_report_lacks_what_inspect_lacks(
    change: object, lacks: dict[str, bool], settings: Settings, way: str, few: pa.Table
) -> None:
    """One list, whatever detection keeps of the log, and however the log is given."""
    table = change(few)  # type: ignore[operator]
    pq.write_table(table, "logs/log.parquet")
    with headwater.investigate("logs" if way == "file" else table, settings=settings) as found:
        log = found.findings.log
    assert log.missing == inspect(["logs"]).missing
    assert {name: name in log.missing for name in lacks} == lacks
    assert set(log.columns) == set(table.schema.names)
