"""What a log holds and what it lacks, before anything is concluded from it.

Counts, span, how far each column is filled, which format each file was read as, what was set aside. Which
evidence a missing column rules out is told by the caller (`needs`), because evidence is defined above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute

from headwater.errors import BadRow
from headwater.exchange.accounts import read_accounts
from headwater.exchange.aside import SetAside
from headwater.exchange.model import ACCOUNT_COLUMNS, EXCHANGE_COLUMNS
from headwater.exchange.reading import Log, open_log

pc: Any = pyarrow.compute

#: Columns that count as there when another is: an imprint can be made of a prompt.
_DERIVED: Final = {"imprint": "prompt"}


@dataclass(frozen=True)
class Inspection:
    """What is in a log.

    `customers`: the accounts of one organisation count once; `largest_customer`: accounts of the largest.
    `filled`: share of exchanges that have each column of the exchange schema, `account_filled`: the same for
    the account table (empty without one). `formats`: (file, format) in order of reading. `missing`: columns
    that the log lacks (see `lacking`). `ruled_out`: evidence that cannot be looked for, with the columns it lacks.
    `unlisted`: accounts of the log that the account table does not have (0 without a table). `accounts_unread`:
    account tables that lie in the log's folders and weren't read; `outputs_unread`: reports of our own, likewise.
    """

    exchanges: int
    accounts: int
    organisations: int
    customers: int
    largest_customer: int
    first_at_us: int | None
    last_at_us: int | None
    filled: Mapping[str, float]
    account_rows: int
    account_filled: Mapping[str, float]
    unlisted: int
    accounts_unread: tuple[str, ...]
    outputs_unread: tuple[str, ...]
    formats: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    ruled_out: Mapping[str, tuple[str, ...]]
    set_aside: int
    reasons: tuple[tuple[str, int], ...]
    notices: tuple[tuple[str, int], ...]
    examples: tuple[BadRow, ...]


def inspect(
    paths: Iterable[str | Path],
    *,
    needs: Mapping[str, frozenset[str]] | None = None,
    accounts: Iterable[str | Path] | None = None,
    format: str = "auto",
    mapping: str | Path | Mapping[str, object] | None = None,
    defaults: Mapping[str, object] | None = None,
    zone: tzinfo = UTC,
    aside: SetAside | None = None,
) -> Inspection:
    """Read a log once and say what it holds; options are those of `read`.

    `needs`: per kind of evidence, the columns it cannot do without (`account.NAME` for one of the account
    table). Errors are those of `read` and `read_accounts`.
    """
    aside = aside or SetAside()
    log = open_log(paths, aside=aside, format=format, mapping=mapping, defaults=defaults, zone=zone)
    count = _Count()
    for batch in log:
        count.add(batch)
    table = read_accounts(accounts, aside, zone=zone) if accounts is not None else None
    account_filled = _filled_accounts(table) if table is not None else {}
    filled = count.filled()
    customers = count.customers(table)
    return Inspection(
        exchanges=count.rows,
        accounts=len(count.accounts),
        organisations=len(count.organisations),
        customers=len(customers),
        largest_customer=max(customers.values(), default=0),
        first_at_us=count.first,
        last_at_us=count.last,
        filled=filled,
        account_rows=table.num_rows if table is not None else 0,
        account_filled=account_filled,
        unlisted=_unlisted(set(count.accounts), table) if table is not None else 0,
        accounts_unread=tuple(str(path) for path in log.passed_over(accounts or ())),
        outputs_unread=tuple(map(str, log.outputs)),
        formats=tuple(_formats(log)),
        missing=lacking({name for name, share in filled.items() if share}),
        ruled_out=ruled_out(needs or {}, filled, account_filled),
        set_aside=aside.total,
        reasons=aside.by_reason(),
        notices=aside.by_notice(),
        examples=tuple(aside.rows[:20]),
    )


def lacking(filled: Collection[str]) -> tuple[str, ...]:
    """Columns of the schema that a log with these doesn't have; imprints are made where there are prompts."""
    return tuple(
        column.name
        for column in EXCHANGE_COLUMNS
        if column.name not in filled and _DERIVED.get(column.name) not in filled
    )


def ruled_out(
    needs: Mapping[str, frozenset[str]], filled: Mapping[str, float], account_filled: Mapping[str, float]
) -> dict[str, tuple[str, ...]]:
    """Evidence that lacks columns, and which; a column of the account table is needed as `account.NAME`."""
    there = {name for name, share in filled.items() if share}
    there |= {f"account.{name}" for name, share in account_filled.items() if share}
    there |= {derived for derived, source in _DERIVED.items() if source in there}
    lacking = {evidence: tuple(sorted(columns - there)) for evidence, columns in needs.items()}
    return {evidence: columns for evidence, columns in lacking.items() if columns}


class _Count:
    """Running counts over batches, column by column."""

    def __init__(self) -> None:
        self.rows = 0
        self.accounts: dict[str, str | None] = {}
        self.organisations: set[str] = set()
        self.first: int | None = None
        self.last: int | None = None
        self._there = dict.fromkeys((column.name for column in EXCHANGE_COLUMNS), 0)

    def add(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        for name in self._there:
            self._there[name] += batch.num_rows - batch.column(name).null_count
        pairs = pa.table({name: batch.column(name) for name in ("account", "organisation")})
        for pair in pairs.group_by(["account", "organisation"], use_threads=False).aggregate([]).to_pylist():
            self.accounts[pair["account"]] = self.accounts.get(pair["account"]) or pair["organisation"]
            if pair["organisation"] is not None:
                self.organisations.add(pair["organisation"])
        span = pc.min_max(batch.column("at").cast(pa.int64())).as_py()
        if span["min"] is not None:
            self.first = span["min"] if self.first is None else min(self.first, span["min"])
            self.last = span["max"] if self.last is None else max(self.last, span["max"])

    def customers(self, table: pa.Table | None) -> Counter[tuple[str, str]]:
        """How many accounts each customer has: an organisation, by the log or the table, or an account without."""
        rows = table.select(["account", "organisation"]).to_pylist() if table is not None else []
        listed = {row["account"]: row["organisation"] for row in reversed(rows)}
        return Counter(
            ("organisation", theirs)
            if (theirs := organisation or listed.get(account))
            else ("account", account)
            for account, organisation in self.accounts.items()
        )

    def filled(self) -> dict[str, float]:
        return {name: count / self.rows if self.rows else 0.0 for name, count in self._there.items()}


def _filled_accounts(table: pa.Table) -> dict[str, float]:
    rows = max(1, table.num_rows)
    return {
        c.name: 1 - table.column(c.name).null_count / rows if table.num_rows else 0.0 for c in ACCOUNT_COLUMNS
    }


def _unlisted(seen: set[str], table: pa.Table) -> int:
    return len(seen.difference(table.column("account").to_pylist()))


def _formats(log: Log) -> Iterator[tuple[str, str]]:
    return ((entry.file.name, entry.format) for entry in log.planned)
