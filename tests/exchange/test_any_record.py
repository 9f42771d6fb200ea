"""Whatever a log holds: no reader raises, and what comes out fits the schema."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import BadRow, UnreadableInput, Where
from headwater.exchange import EXCHANGE_COLUMNS, EXCHANGE_SCHEMA, SetAside, read
from headwater.exchange.readers import Finishing, Reader, load, names
from headwater.exchange.readers.mapping import load_mapping
from headwater.exchange.rows import Batches, Checker, Rules

#: Keys that readers look for, so that records get past their first doors.
KEYS = sorted(
    {column.name for column in EXCHANGE_COLUMNS}
    | {
        "request",
        "response",
        "body",
        "messages",
        "input",
        "output",
        "role",
        "content",
        "type",
        "text",
        "parts",
        "choices",
        "message",
        "usage",
        "params",
        "custom_id",
        "result",
        "results",
        "requests",
        "url",
        "headers",
        "status_code",
        "error",
        "created",
        "timestamp",
        "api_key_id",
        "metadata",
        "resourceSpans",
        "scopeSpans",
        "spans",
        "attributes",
        "key",
        "value",
        "stringValue",
        "startTimeUnixNano",
        "traceId",
        "spanId",
        "parentSpanId",
        "observations",
        "startTime",
        "endTime",
        "modelParameters",
        "usageDetails",
        "request_id",
        "call_type",
        "model_parameters",
        "litellm_params",
        "user_api_key_hash",
        "proxy_server_request",
        "request_created_at",
        "response_created_at",
        "request_body",
        "response_body",
        "provider",
        "gen_ai.prompt",
        "gen_ai.request.model",
        "resource",
        "name",
        "data",
    }
)
WORDS = ["user", "assistant", "system", "chat.completion", "message", "GENERATION", "chat", "success", ""]
WORDS += [
    "2026-01-02T03:04:05Z",
    "1767323045000000000",
    "{}",
    "[]",
    '[{"role":"user","content":"x"}]',
    '{"a',
    "=1",
    "\x1b[31m",
]

LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=5)
    | st.sampled_from([1_767_323_045, 1_767_323_045_123, "\ud800", "9" * 400])
)
JSON = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)
RECORD = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), JSON, max_size=7)
MAPPING = {
    "id": "id",
    "at": {"path": "timestamp"},
    "account": ["account", "metadata.user"],
    "prompt": "messages",
}

READERS = [*names(), "mapping"]


def fresh(name: str) -> Reader:
    return load_mapping(MAPPING) if name == "mapping" else load(name)


def said(reader: Reader, records: list[Any]) -> list[tuple[Where, Any] | BadRow]:
    found: list[tuple[Where, Any] | BadRow] = []
    for number, record in enumerate(records, 1):
        where = Where("log", number)
        found += [row if isinstance(row, BadRow) else (where, row) for row in reader.exchanges(record, where)]
    if isinstance(reader, Finishing):
        found += list(reader.finish())
    return found


@settings(max_examples=50)
@given(st.lists(RECORD, min_size=1, max_size=2))
def test_any_record_gives_valid_rows_or_bad_ones(records: list[Any]) -> None:
    aside = SetAside()
    checker = Checker(Rules(), aside)
    batches = Batches(EXCHANGE_COLUMNS, aside, 1000)
    for name in READERS:
        reader = fresh(name)
        assert all(0 <= reader.recognises(record) <= 1 for record in records), name
        for item in said(reader, records):
            if isinstance(item, BadRow):
                assert item.where.file == "log", name
            elif (checked := checker.checked(item[1], item[0])) is not None:
                batches.add(checked, item[0])
    batch = batches.take()
    batch.validate(full=True)
    assert batch.schema == EXCHANGE_SCHEMA
    for column in EXCHANGE_COLUMNS:
        assert not column.required or batch.column(column.name).null_count == 0


def all_of(path: Path) -> tuple[pa.Table, SetAside]:
    aside = SetAside()
    batches = list(read([path], aside=aside))
    for batch in batches:
        batch.validate(full=True)
    return pa.Table.from_batches(batches, schema=EXCHANGE_SCHEMA), aside


@settings(max_examples=40)
@given(
    st.lists(RECORD, max_size=4),
    st.binary(max_size=40),
    st.sampled_from(["jsonl", "json", "csv", "jsonl.gz"]),
)
def test_any_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, records: list[Any], junk: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("log") / f"x.{suffix}"
    lines = [json.dumps(record).encode() for record in records]
    content = b"\n".join([*lines[:2], junk, *lines[2:]])
    path.write_bytes(gzip.compress(content)[:-1] if suffix.endswith("gz") else content)
    with suppress(UnreadableInput):
        table, aside = all_of(path)
        assert table.num_rows + aside.total <= content.count(b"\n") + content.count(b"{") + 2


@settings(max_examples=30)
@given(st.data())
def test_any_parquet_of_our_names_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    kinds = [
        pa.string(), pa.large_string(), pa.binary(), pa.int64(), pa.uint64(), pa.float64(), pa.bool_(),
        pa.timestamp("ns"), pa.timestamp("s", "UTC"), pa.date32(), pa.list_(pa.string()), pa.null(),
        pa.struct([pa.field("exact", pa.uint64())]), pa.decimal128(20, 3),
        pa.dictionary(pa.int32(), pa.string()),
    ]  # fmt: skip
    rows = data.draw(st.integers(0, 3))
    arrays = {}
    for column in EXCHANGE_COLUMNS:
        if column.required or column.name == "prompt" or data.draw(st.booleans()):
            kind = data.draw(st.sampled_from(kinds))
            values = [data.draw(LEAF | st.lists(st.text(max_size=2), max_size=2)) for _ in range(rows)]
            arrays[column.name] = pa.array([_as(value, kind) for value in values], kind)
    path = tmp_path_factory.mktemp("log") / "x.parquet"
    pq.write_table(pa.table(arrays), path)
    table, aside = all_of(path)
    assert table.num_rows + aside.total == rows


def _as(value: object, kind: pa.DataType) -> object:
    """`value` if Arrow takes it as this kind, and Parquet (which holds seconds as milliseconds), else null."""
    try:
        held = pa.array([value], kind)
        if pa.types.is_timestamp(kind) and kind.unit == "s":
            held.cast(pa.timestamp("ms", kind.tz))
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None
    return value
