"""How the log was read is told: declarations without effect, accounts passed over, values assumed, columns missing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import headwater
from headwater.cli.app import run
from headwater.detect import Campaign, Declaration
from headwater.exchange import inspect
from headwater.explain import explain_account, explain_campaign, load
from headwater.imprint import imprint
from headwater.investigation import Settings
from headwater.keys import DEMO_KEY
from investigation.worlds import HIDDEN, SETTINGS, accounts, exchanges, plain

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
        assert [note for note in found.findings.notes if "matches no" in note] == [
            "the declaration “Wrong account” (partner) matches no account and no organisation of this log",
            "the declaration “Wrong organisation” (partner) matches no account and no organisation of this log",
        ]


def test_it_is_named_in_terminal_report_and_json(few: pa.Table, capsys: pytest.CaptureFixture[str]) -> None:
    Path("known.toml").write_text('[[known]]\nname = "Typo"\nkind = "fleet"\norganisations = ["acme"]\n')
    assert run(["investigate", "logs", "--known", "known.toml", "-o", "report"]) == 0
    told = "the declaration “Typo” (fleet) matches no account and no organisation of this log"
    assert f"note: {told}" in " ".join(capsys.readouterr().out.split())
    assert load("report").notes == (told,)
    assert told in Path("report/report.html").read_text("utf-8")


def declared(share: float, until: date | None = None) -> tuple[Declaration, Campaign]:
    """A declaration of a share of the small world's ring, and the ring."""
    ring = plain().campaigns[0]
    names = [m.account for m in ring.members]
    some = frozenset(names[: int(share * len(names))])
    return Declaration("Ada", "red team", some, frozenset(), until, ""), ring


@pytest.mark.parametrize(
    ("share", "until", "why"),
    [
        (0.6, None, "it must name nine tenths of them"),
        (1.0, date(2020, 1, 1), "it ended on 2020-01-01, before the log does"),
    ],
    ids=["too few", "ended"],
)
def test_a_declaration_that_does_not_decide_is_said_to_count_for_nothing(
    share: float, until: date | None, why: str
) -> None:
    party, ring = declared(share, until)
    with headwater.investigate(exchanges(), accounts(), known=[party], settings=SETTINGS) as found:
        (same,) = (r for r in found.campaigns if r.id == ring.id)
        made = found.findings
    assert (same.word, same.declared, same.probability) == (ring.word, None, ring.probability)
    part = f"{len(party.accounts)} of {ring.judged_with}"
    told = f"the declaration “red team: Ada” names {part} accounts of {ring.id} and counts for nothing there: {why}"
    assert told in made.notes
    assert f"names {part} of its accounts and counts for nothing: {why}." in explain_campaign(
        made, ring.id
    ).text(999)
    sentence = f"The declaration “red team: Ada” names it, and counts for nothing here: {why}."
    for member in ring.members:
        assert (sentence in explain_account(made, member.account).text(999)) == (
            member.account in party.accounts
        )


def test_a_declaration_that_decides_shows_the_ring_with_both_weights() -> None:
    party, ring = declared(1.0)
    with headwater.investigate(exchanges(), accounts(), known=[party], settings=SETTINGS) as found:
        (same,) = (r for r in found.findings.considered if r.id == ring.id)
        assert not [n for n in found.findings.notes if "Ada" in n]
    assert same.declared == "red team: Ada"
    assert same.log_odds == pytest.approx(ring.log_odds - 15)


@pytest.mark.parametrize(
    ("column", "whole", "told"),
    [
        ("account", True, "there is a single account: "),
        ("organisation", True, "accounts belong to one organisation and are one customer: "),
        ("organisation", False, "accounts belong to one organisation and are one customer: "),
        ("id", True, None),
    ],
)
def test_that_most_accounts_are_one_customer_is_noted(
    column: str, whole: bool, told: str | None, few: pa.Table, capsys: pytest.CaptureFixture[str]
) -> None:
    """`inspect` says it too, before anything is concluded."""
    if column != "id":
        names = sorted(pc.unique(few["account"]).to_pylist())
        part = set(names if whole else names[: len(names) * 2 // 3])
        other = pa.array(["acme" if name in part else None for name in few["account"].to_pylist()])
        few = few.set_column(few.schema.get_field_index(column), column, other)
        pq.write_table(few, "logs/log.parquet")
    with headwater.investigate("logs", settings=SETTINGS) as found:
        notes = found.findings.notes
    assert run(["inspect", "logs"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    if told is None:
        assert notes == ()
        assert "note:" not in out
    else:
        (note,) = notes
        assert told in note
        assert note.endswith("no campaign can be found in this log" if whole else "none is found among them")
        assert f"note: {note}" in out


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


def test_an_id_that_is_reused_is_noted_and_merges_nothing(few: pa.Table) -> None:
    """300 rows; the first 20 again under another account, the next 10 again with a later time, 5 as they are."""
    at, account = few.schema.field("at"), few.schema.field("account")
    other = few.slice(0, 20).set_column(2, account, pa.array(["somebody else"] * 20, account.type))
    later = few.slice(20, 10)
    moved = pc.add(later["at"], pa.scalar(timedelta(minutes=5))).cast(at.type)
    later = later.set_column(1, at, moved)
    for parts in ([few, other, later, few.slice(30, 5)], [few.slice(30, 5), later, other, few]):
        with headwater.investigate(pa.concat_tables(parts), settings=SETTINGS) as found:
            log = found.findings.log
            assert (log.exchanges, log.duplicates) == (320, 15)
            assert "somebody else" in found.accounts["account"].to_pylist()
            assert [note for note in found.findings.notes if "accounts" not in note.split()] == [
                "20 exchanges reuse the id of another with another account or prompt, and count by themselves",
                "10 duplicates name a later time than the row with the same id, account and prompt that was kept",
            ]
