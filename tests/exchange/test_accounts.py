"""Account tables: one row each, whatever the file's form and order."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exchange.logs import write_lines
from headwater.errors import UnreadableInput
from headwater.exchange import ACCOUNT_SCHEMA, SetAside, read_accounts

OPENED = "2019-05-06T07:08:09Z"
ROWS: list[dict[str, Any]] = [
    {
        "account": "b",
        "organisation": "o",
        "created_at": "2019-05-06T07:08:09Z",
        "email_domain": "Example.COM",
    },
    {"account": "a", "payment": "h1", "tier": 2, "email_domain": "someone@mail.example.org"},
]


def read_rows(*paths: Path) -> tuple[pa.Table, SetAside]:
    aside = SetAside()
    return read_accounts(paths, aside), aside


def test_forms_give_one_table(tmp_path: Path) -> None:
    lines = write_lines(tmp_path / "a.jsonl", ROWS)
    sheet = tmp_path / "a.csv"
    sheet.write_text(
        "account,organisation,created_at,email_domain,payment,tier\n"
        "b,o,2019-05-06T07:08:09Z,Example.COM,,\na,,,someone@mail.example.org,h1,2\n"
    )
    columns = {name: [row.get(name) for row in ROWS] for name in ACCOUNT_SCHEMA.names}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    table, aside = read_rows(lines)
    assert table.schema == ACCOUNT_SCHEMA
    assert table.column("account").to_pylist() == ["a", "b"]
    assert table.column("created_at").to_pylist() == [None, datetime(2019, 5, 6, 7, 8, 9, tzinfo=UTC)]
    assert table.column("tier").to_pylist() == ["2", None]
    for other in (sheet, tmp_path / "a.parquet"):
        assert read_rows(other)[0].equals(table)
    assert aside.total == 0


def test_of_an_address_only_the_domain_is_kept(tmp_path: Path) -> None:
    table, aside = read_rows(write_lines(tmp_path / "a.jsonl", ROWS))
    assert table.column("email_domain").to_pylist() == ["mail.example.org", "example.com"]
    assert aside.notices == {"email_domain: was an address, of which only the domain is kept": 1}
    assert "someone" not in json.dumps(table.to_pylist(), default=str)


def test_an_account_counts_once_in_any_order(tmp_path: Path) -> None:
    rows = [{"account": "a", "tier": "x"}, {"account": "a"}, {"account": "b"}, {"account": "a", "tier": "c"}]
    first, aside = read_rows(write_lines(tmp_path / "1.jsonl", rows))
    second, _ = read_rows(write_lines(tmp_path / "2.jsonl", rows[::-1]))
    assert first.select(["account", "tier"]).to_pylist() == [
        {"account": "a", "tier": "c"},
        {"account": "b", "tier": None},
    ]
    assert first.equals(second)
    assert aside.by_reason() == (("account: is in the table more than once; one row counts", 2),)


def test_bad_rows_are_set_aside(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "a.jsonl",
        [{"account": "a"}, {"account": ""}, {"tier": "x"}, 7, {"account": "c", "tier": []}],
    )
    table, aside = read_rows(path)
    assert table.column("account").to_pylist() == ["a", "c"]
    assert [(bad.where.row, bad.what) for bad in aside.rows] == [
        (2, "is missing"),
        (3, "is missing"),
        (4, "is a number, not an object"),
    ]
    assert aside.notices == {"tier: is a list of length N, not text; left empty": 1}


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    table, aside = read_rows(write_lines(tmp_path / "a.jsonl", []))
    assert (table.num_rows, table.schema, aside.total) == (0, ACCOUNT_SCHEMA, 0)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_table_without_accounts_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "jsonl":
        write_lines(path, [{"user": "a"}])
    else:
        pq.write_table(pa.table({"user": ["a"]}), path)
    with pytest.raises(UnreadableInput, match="is no account table; it has 1 key, of which known are: user"):
        read_rows(path)
