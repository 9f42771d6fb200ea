"""Account tables: Parquet, JSON lines or CSV with the columns of the account schema, as one Arrow table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from headwater.errors import BadRow, UnreadableInput, Where
from headwater.exchange.aside import SetAside
from headwater.exchange.formats import keys_of
from headwater.exchange.model import ACCOUNT_COLUMNS, ACCOUNT_SCHEMA
from headwater.exchange.parquet import open_parquet
from headwater.exchange.rows import Batches, Checker, Rules
from headwater.exchange.source import LogFile, files, records
from headwater.exchange.tables import own_batches
from headwater.exchange.times import described

pc: Any = pyarrow.compute

_ROWS = 65_536
_HINTS = {"account": "the table needs a column account, as the log names accounts"}
_TWICE = "is in the table more than once; one row counts"
_ADDRESS = "was an address, of which only the domain is kept"


def read_accounts(paths: Iterable[str | Path], aside: SetAside, *, zone: tzinfo = UTC) -> pa.Table:
    """All accounts in `paths` in ACCOUNT_SCHEMA, sorted by account, each once.

    Of several rows for one account the first in order of their values counts, so that the order of files and
    rows does not matter; the others are set aside. Of an e-mail address only its domain is kept. Raises
    UnreadableInput for a file without a column `account`.
    """
    rules = Rules(columns=ACCOUNT_COLUMNS, zone=zone, hints=_HINTS)
    batches = [batch for file in files(paths) for batch in _batches(file, rules, aside)]
    table = pa.Table.from_batches(batches, schema=ACCOUNT_SCHEMA)
    domains = table.column("email_domain")
    if (addresses := pc.sum(pc.match_substring(domains, "@")).as_py()) is not None and addresses:
        aside.note(_ADDRESS, Where(field="email_domain"), int(addresses))
    domains = pc.utf8_lower(pc.replace_substring_regex(domains, "^(?s:.*)@", ""))
    table = table.set_column(
        table.schema.get_field_index("email_domain"), ACCOUNT_SCHEMA.field("email_domain"), domains
    )
    return _each_once(table, aside)


def _each_once(table: pa.Table, aside: SetAside) -> pa.Table:
    if table.num_rows < 2:
        return table
    table = table.sort_by([(name, "ascending") for name in table.schema.names]).combine_chunks()
    accounts: Any = table.column("account").chunk(0)
    new = pc.not_equal(accounts.slice(1), accounts.slice(0, len(accounts) - 1))
    keep = pa.concat_arrays([pa.array([True]), new])
    for _ in range(len(keep) - int(pc.sum(keep).as_py())):
        aside.add(BadRow(_TWICE, Where(field="account")))
    return table.filter(keep)


def _batches(file: LogFile, rules: Rules, aside: SetAside) -> Iterator[pa.RecordBatch]:
    rules = replace(rules, latest_us=file.latest_us)
    if file.kind == "parquet":
        names = open_parquet(file.path).schema_arrow.names
        if "account" not in names:
            raise _no_accounts(file, dict.fromkeys(names))
        yield from own_batches(file, rules, aside, _ROWS)
        return
    checker = Checker(rules, aside)
    collected = Batches(ACCOUNT_COLUMNS, aside, _ROWS)
    seen = False
    for found in records(file):
        if isinstance(found, BadRow):
            aside.add(found)
            continue
        where, record = found
        if not isinstance(record, dict):
            aside.add(BadRow(f"is {described(record)}, not an object", where))
            continue
        if not seen and "account" not in record:
            raise _no_accounts(file, record)
        seen = True
        if (checked := checker.checked(record, where)) is not None:
            collected.add(checked, where)
            if collected.full:
                yield collected.take()
    if len(collected):
        yield collected.take()


def _no_accounts(file: LogFile, record: dict[str, object]) -> UnreadableInput:
    return UnreadableInput(
        f"is no account table; it has {keys_of([record])}",
        where=Where(file.name, None, "account"),
        hint=_HINTS["account"],
    )
