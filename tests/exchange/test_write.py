"""Our own format, written and read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.logs import read_all, row, write_lines
from exchange.test_values import IMPRINT
from headwater.errors import UsageError
from headwater.exchange import EXCHANGE_COLUMNS, EXCHANGE_SCHEMA, safe_cell, write_jsonl, write_parquet

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
SHORT = TEXT.filter(bool)


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a column, none among them."""
    if pa.types.is_large_string(kind):
        return TEXT
    if pa.types.is_string(kind):
        return SHORT
    if pa.types.is_boolean(kind):
        return st.booleans()
    if pa.types.is_integer(kind):
        return st.integers(-(2 ** (kind.bit_width - 1)), 2 ** (kind.bit_width - 1) - 1)
    if pa.types.is_floating(kind):
        return st.floats(allow_nan=False, allow_infinity=False, width=kind.bit_width)
    if pa.types.is_timestamp(kind):
        start = datetime(2015, 1, 1, tzinfo=UTC)
        return st.integers(0, 10**14).map(lambda us: start + timedelta(microseconds=us))
    return st.just(IMPRINT) | st.just({**IMPRINT, "passages": [1, 2**64 - 1]})


ROW = st.fixed_dictionaries(
    {
        c.name: of(c.type) if c.required or c.name == "prompt" else st.none() | of(c.type)
        for c in EXCHANGE_COLUMNS
    }
)


@settings(max_examples=25)
@given(st.lists(ROW, max_size=5), st.sampled_from(["x.parquet", "x.jsonl", "x.jsonl.gz", "x.jsonl.zst"]))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], name: str
) -> None:
    path = tmp_path_factory.mktemp("out") / name
    table = pa.Table.from_pylist(rows, schema=EXCHANGE_SCHEMA)
    write = write_parquet if name.endswith("parquet") else write_jsonl
    assert write(table.to_batches(), path) == len(rows)
    back, aside = read_all(path)
    assert (aside.total, back.num_rows) == (0, len(rows))
    assert back.to_pylist() == table.to_pylist()


@pytest.mark.parametrize("name", ["x.parquet", "x.jsonl", "x.jsonl.gz", "x.jsonl.zst"])
def test_the_same_batches_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    table, _ = read_all(write_lines(tmp_path / "log.jsonl", [row(n) for n in range(50)]))
    write = write_parquet if name.endswith("parquet") else write_jsonl
    (tmp_path / "b").mkdir()
    for place in (tmp_path / name, tmp_path / "b" / name):
        write(table.to_batches(), place)
    assert (tmp_path / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_parquet_carries_its_schema_version(tmp_path: Path) -> None:
    write_parquet(EXCHANGE_SCHEMA.empty_table().to_batches(), tmp_path / "x.parquet")
    assert pq.read_schema(tmp_path / "x.parquet").metadata[b"headwater.schema"] == b"exchange/1"


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def failing() -> Any:
        yield from EXCHANGE_SCHEMA.empty_table().to_batches()
        raise RuntimeError("interrupted")

    (tmp_path / "x.parquet").write_bytes(b"old")
    for write, name in ((write_parquet, "x.parquet"), (write_jsonl, "y.jsonl")):
        with pytest.raises(RuntimeError):
            write(failing(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]
    assert (tmp_path / "x.parquet").read_bytes() == b"old"


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the folder to write to does not exist"):
        write_jsonl([], tmp_path / "none" / "x.jsonl")


@pytest.mark.parametrize("text", ["=1+1", "+x", "-2", "@cmd", "\tx", "\rx", "\nx"])
def test_no_cell_is_run_by_a_spreadsheet(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert safe_cell("plain = text") == "plain = text"


def test_small_batches_become_one_group_of_rows(tmp_path: Path) -> None:
    one = {"id": "a", "account": "a", "at": datetime(2026, 1, 1, tzinfo=UTC), "prompt": "p"}
    many = pa.RecordBatch.from_pylist([one] * 100, schema=EXCHANGE_SCHEMA)
    path = tmp_path / "out.parquet"
    assert write_parquet([many] * 700, path) == 70_000
    meta = pq.ParquetFile(path).metadata
    assert [meta.row_group(at).num_rows for at in range(meta.num_row_groups)] == [65_500, 4_500]
