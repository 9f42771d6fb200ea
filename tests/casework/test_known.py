"""Tables of accounts become facts; rows that can't be used are set aside, with file, row and field."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from casework.books import BEGIN, made, pack, proposed, report
from headwater.casework import read_known
from headwater.errors import UnreadableInput
from headwater.exchange import SetAside
from headwater.policy import AccountFacts

AT = 1_790_000_000_000_000  # 2026-09-21
ROWS = [
    {"account": "a", "tier": 2, "customer": "business", "region": "DE", "terms_accepted_at": "2026-09-11"},
    {"account": "b", "purpose": "evaluation", "notices": 1},
]


def written(folder: Path, kind: str) -> Path:
    path = folder / f"accounts.{kind}"
    if kind == "csv":
        path.write_text(
            "account,tier,customer,region,terms_accepted_at,purpose,notices\n"
            "a,2,business,de,2026-09-11,,\nb,,,,,evaluation,1\n"
        )
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        pq.write_table(
            pa.Table.from_pylist([{**dict.fromkeys(ROWS[0] | ROWS[1]), **row} for row in ROWS]), path
        )
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_the_same_table_in_any_form_gives_the_same_facts(tmp_path: Path, kind: str) -> None:
    aside = SetAside()
    known = read_known([written(tmp_path, kind)], aside, AT)
    assert aside.total == 0
    assert known.facts == {
        "a": AccountFacts(tier=2, customer="business", region="DE", terms_accepted_days=10),
        "b": AccountFacts(purpose="evaluation", notices=1),
    }


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("tier", "9", "not between 0 and 3"),
        ("tier", "1.5", "not a whole number"),
        ("tier", True, "not a whole number"),
        ("tier", 1.5, "not a whole number"),
        ("customer", "buisness", "none of its words"),
        ("region", "Germany", "none of its words"),
        ("notices", -1, "not between"),
        ("terms_accepted_at", "soon", "time"),
        ("account", "", "is missing"),
    ],
)
def test_a_row_that_cannot_be_used_is_set_aside(
    tmp_path: Path, column: str, value: object, what: str
) -> None:
    path = tmp_path / "accounts.jsonl"
    rows = [{"account": "good", "tier": 1}, {"account": "bad", column: value}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    aside = SetAside()
    assert set(read_known([path], aside, AT).facts) == {"good"}
    (row,) = aside.rows
    assert what in row.what
    assert str(value) not in row.what or value in ("", -1, True)
    assert (row.where.file, row.where.row, row.where.field) == (str(path), 2, column)


def test_the_first_row_of_an_account_counts_and_strange_columns_are_told(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text("account,tier,colour\na,1,red\na,2,blue\n")
    aside = SetAside()
    known = read_known([path], aside, AT)
    assert known.facts == {"a": AccountFacts(tier=1)}
    assert known.passed_over == ("colour",)
    assert "more than once" in aside.rows[0].what


def test_a_table_without_accounts_is_refused_with_the_nearest_column(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text("acount,tier\na,1\n")
    with pytest.raises(UnreadableInput) as caught:
        read_known([path], SetAside(), AT)
    assert caught.value.hint == "is it acount? name the column account"


def test_the_table_that_logs_are_read_with_can_be_given_too(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text("account,tier,programme,purpose\na,plus,evaluation,essays\n")
    aside = SetAside()
    assert read_known([path], aside, AT).facts == {"a": AccountFacts(purpose="evaluation")}
    assert aside.total == 0
    assert list(aside.notices.values()) == [1]


@pytest.mark.parametrize("value", [7, ["evaluation"], {"name": "evaluation"}, "x" * 2000, "\ud800"])
@pytest.mark.parametrize("column", ["programme", "purpose"])
def test_a_programme_that_cannot_be_used_is_left_empty_and_the_row_counts(
    tmp_path: Path, column: str, value: object
) -> None:
    path = tmp_path / "accounts.jsonl"
    path.write_text(json.dumps({"account": "a", "tier": 2, "region": "DE", column: value}) + "\n")
    aside = SetAside(keep=5)
    known = read_known([path], aside, AT)
    assert known.facts == {"a": AccountFacts(tier=2, region="DE")}
    assert (aside.total, [one.where.field for one in aside.noted]) == (0, [column])


def test_terms_of_another_century_and_many_notices_hold_up_no_proposal(tmp_path: Path) -> None:
    path = tmp_path / "accounts.jsonl"
    row = {"account": "birch-00000", "terms_accepted_at": "1900-01-01", "notices": 10_000}
    path.write_text(json.dumps(row) + "\n")
    known = read_known([path], SetAside(), AT).facts
    with made(tmp_path / "desk", pack("notice", person=False)) as book:
        proposed(book)
        assert len(book.propose(report(1, id="oak"), "alice", BEGIN, known).steps) == 1
