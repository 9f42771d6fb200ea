"""What a log holds, what it lacks, and which evidence that rules out."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exchange.logs import AT_US, row, write_lines
from headwater.exchange import EXCHANGE_SCHEMA, SetAside, inspect, lacking

NEEDS = {
    "shared addresses": frozenset({"ip"}),
    "shared payment": frozenset({"account.payment"}),
    "one queue": frozenset({"imprint", "at"}),
}


def test_counts_shares_and_span(tmp_path: Path) -> None:
    rows = [
        row(1, ip="10.0.0.1", organisation="o1"),
        row(2, account="a2", at="2026-03-05T00:00:00Z"),
        row(3, at="?"),
        row(4, account="a3", temperature="hot"),
    ]
    log = write_lines(tmp_path / "log.jsonl", rows)
    found = inspect([log], needs=NEEDS)
    assert (found.exchanges, found.accounts, found.organisations) == (3, 3, 1)
    assert (found.first_at_us, found.last_at_us) == (AT_US, 1_772_668_800_000_000)
    assert found.filled["prompt"] == 1
    assert found.filled["ip"] == pytest.approx(1 / 3)
    assert "tls" in found.missing
    assert "ip" not in found.missing
    assert found.formats == ((str(log), "headwater"),)
    assert found.ruled_out == {"shared payment": ("account.payment",)}
    assert (found.set_aside, found.reasons) == (1, (("at: is text of length N, not a time", 1),))
    assert found.notices == (("temperature: is text of length N, not a number; left empty", 1),)
    assert [bad.where.row for bad in found.examples] == [3]


def test_an_account_table_fills_what_is_its_own(tmp_path: Path) -> None:
    log = write_lines(tmp_path / "log.jsonl", [row(1), row(2, account="a2")])
    accounts = write_lines(
        tmp_path / "accounts.jsonl", [{"account": "a1", "payment": "h"}, {"account": "zz"}]
    )
    found = inspect([log], needs=NEEDS, accounts=[accounts])
    assert found.account_rows == 2
    assert found.account_filled["payment"] == 0.5
    assert found.unlisted == 1
    assert found.ruled_out == {"shared addresses": ("ip",)}


def test_a_log_with_nothing_in_it(tmp_path: Path) -> None:
    found = inspect([write_lines(tmp_path / "log.jsonl", [])], needs=NEEDS, aside=SetAside())
    assert (found.exchanges, found.first_at_us, set(found.filled.values())) == (0, None, {0.0})
    assert set(found.ruled_out) == set(NEEDS)


def test_what_a_log_lacks() -> None:
    """Imprints are made where there are prompts, but no prompt of an imprint."""
    every = set(EXCHANGE_SCHEMA.names)
    assert lacking(every) == ()
    assert lacking(every - {"imprint", "response"}) == ("response",)
    assert lacking(every - {"prompt"}) == ("prompt",)
    assert lacking(every - {"prompt", "imprint"}) == ("prompt", "imprint")


def test_an_account_table_in_the_folder_is_named_unless_it_is_given(tmp_path: Path) -> None:
    write_lines(tmp_path / "log.jsonl", [row(1)])
    accounts = write_lines(tmp_path / "accounts.jsonl", [{"account": "a1", "payment": "h"}])
    assert inspect([tmp_path]).accounts_unread == (str(accounts),)
    assert inspect([tmp_path]).notices == ()
    assert inspect([tmp_path], accounts=[accounts]).accounts_unread == ()
    assert inspect([tmp_path], accounts=[tmp_path / "." / "accounts.jsonl"]).accounts_unread == ()


@pytest.mark.slow
def test_a_million_rows_in_five_seconds(tmp_path: Path) -> None:
    size = 1_000_000
    numbers = np.arange(size)
    names = numbers.astype(str)
    table = pa.table(
        {
            "id": pa.array(names),
            "at": pa.array(AT_US + numbers, pa.timestamp("us", "UTC")),
            "account": pa.array((numbers % 20_000).astype(str)),
            "prompt": pa.array(np.char.add("Tell me about number ", names), pa.large_string()),
        }
    )
    path = tmp_path / "log.parquet"
    pq.write_table(table, path)
    begun = time.process_time()
    found = inspect([path], needs=NEEDS)
    assert (found.exchanges, found.accounts) == (size, 20_000)
    assert time.process_time() - begun < 5
    assert set(found.filled) == set(EXCHANGE_SCHEMA.names)
