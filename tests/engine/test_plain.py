"""Columns that are read as they lie in a file are those that Arrow reads; whatever lies otherwise is left to Arrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.engine.plain import plain_values

WIDTH, ONE_PAGE = 16, 1 << 30
KIND = pa.binary(WIDTH)


def table(values: list[bytes | None], *, nullable: bool = True) -> pa.Table:
    return pa.table({"before": list(range(len(values))), "here": pa.array(values, KIND)}).cast(
        pa.schema([("before", pa.int64()), pa.field("here", KIND, nullable)])
    )


def write(path: Path, values: pa.Table, rows: int = ONE_PAGE, **otherwise: Any) -> None:
    how = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    pages = {"data_page_size": ONE_PAGE, "max_rows_per_page": ONE_PAGE}
    pq.write_table(values, path, row_group_size=rows, **(how | pages | otherwise))


def found(path: Path, group: int = 0, width: int = WIDTH) -> bytes | None:
    with pq.ParquetFile(path) as file, pa.memory_map(str(path)) as mapped:
        rows = file.metadata.row_group(group)
        values = plain_values(mapped, file.schema.column(1), rows.column(1), width)
        return None if values is None else values.to_pybytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.binary(min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=40),
    st.integers(1, 40),
    st.booleans(),
)
def test_what_is_found_is_what_was_written(
    tmp_path: Path, values: list[bytes], rows: int, nullable: bool
) -> None:
    path = tmp_path / "a.parquet"
    write(path, table(list(values), nullable=nullable), rows)
    parts = [found(path, group) for group in range(pq.read_metadata(path).num_row_groups)]
    assert b"".join(part for part in parts if part is not None) == b"".join(values)
    assert None not in parts


@pytest.mark.parametrize("rows", [63, 64, 8191, 8192, 65_536, 300_000])
def test_lengths_of_all_sizes_are_understood(tmp_path: Path, rows: int) -> None:
    path, raw = tmp_path / "a.parquet", np.random.default_rng(rows).bytes(rows * WIDTH)
    here = pa.Array.from_buffers(KIND, rows, [None, pa.py_buffer(raw)])
    write(path, pa.table({"before": np.arange(rows), "here": here}))
    assert found(path) == raw


@pytest.mark.parametrize(
    "otherwise",
    [
        {"compression": "lz4"},
        {"use_dictionary": True},
        {"data_page_size": 4096, "write_batch_size": 16},
        {"max_rows_per_page": 100, "write_batch_size": 10},
        {"data_page_version": "2.0"},
        {"column_encoding": {"here": "BYTE_STREAM_SPLIT", "before": "PLAIN"}},
        {"column_encoding": {"here": "DELTA_BYTE_ARRAY", "before": "PLAIN"}},
    ],
)
def test_other_ways_of_writing_are_left_to_arrow(tmp_path: Path, otherwise: dict[str, Any]) -> None:
    path = tmp_path / "a.parquet"
    write(path, table([bytes([at % 7]) * WIDTH for at in range(1000)]), **otherwise)
    assert found(path) is None


def test_nulls_are_left_to_arrow(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    for gone in ([0], [999], list(range(1000)), [5, 500]):
        write(path, table([None if at in gone else b"x" * WIDTH for at in range(1000)]))
        assert found(path) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 14), st.integers(1, 200), st.data())
def test_nulls_that_leave_room_for_their_levels(
    tmp_path: Path, width: int, rows: int, data: st.DataObject
) -> None:
    """Some nulls are as many bytes as the levels that tell of them: then the sizes say nothing."""
    gone = data.draw(st.sets(st.integers(0, rows - 1), min_size=1, max_size=3))
    values = [None if at in gone else b"x" * width for at in range(rows)]
    path = tmp_path / "a.parquet"
    write(path, pa.table({"before": np.arange(rows), "here": pa.array(values, pa.binary(width))}))
    assert found(path, width=width) is None


def test_a_part_of_something_else_is_left_to_arrow(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    inside = pa.StructArray.from_arrays([pa.array([b"x" * WIDTH] * 100, KIND)], names=["here"])
    write(path, pa.table({"before": np.arange(100), "inside": inside}))
    assert found(path) is None


def test_values_of_another_length_are_left_to_arrow(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, table([b"x" * WIDTH] * 1000))
    assert [found(path, width=width) for width in (WIDTH - 1, WIDTH + 1, 8, 2 * WIDTH)] == [None] * 4


def test_a_file_that_was_cut_after_it_was_opened_gives_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, table([b"x" * WIDTH] * 1000))
    metadata = pq.read_metadata(path)
    column = metadata.schema.column(1)
    path.write_bytes(path.read_bytes()[:9000])
    with pa.memory_map(str(path)) as mapped:
        assert plain_values(mapped, column, metadata.row_group(0).column(1), WIDTH) is None


def test_a_header_that_was_changed_is_left_to_arrow(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, table([b"x" * WIDTH] * 1000))
    whole, at = path.read_bytes(), pq.read_metadata(path).row_group(0).column(1).data_page_offset
    for place in range(at, at + 12):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x11]) + whole[place + 1 :])
        assert found(path) is None
