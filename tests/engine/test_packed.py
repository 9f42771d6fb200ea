"""What is packed comes back: structs, lists of one length with gaps, lists of any length, slices, single fields."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.engine.packed import pack, packed_schema, parts, unpack

IMPRINT = pa.struct(
    [
        pa.field("exact", pa.uint64()),
        pa.field("minimisers", pa.list_(pa.uint64(), 3)),
        pa.field("sketch", pa.list_(pa.int8(), 4)),
        pa.field("passages", pa.list_(pa.uint64())),
    ]
)
SCHEMA = pa.schema(
    [pa.field("account", pa.string()), pa.field("imprint", IMPRINT), pa.field("lone", pa.list_(pa.int8(), 2))]
)
WIDE = st.integers(0, 2**64 - 1)
NARROW = st.integers(-128, 127)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "account": maybe(st.sampled_from(["a", "b"])),
            "imprint": st.fixed_dictionaries(
                {
                    "exact": maybe(WIDE),
                    "minimisers": maybe(st.lists(WIDE, min_size=3, max_size=3)),
                    "sketch": maybe(st.lists(NARROW, min_size=4, max_size=4)),
                    "passages": maybe(st.lists(WIDE, max_size=3)),
                }
            ),
            "lone": maybe(st.lists(NARROW, min_size=2, max_size=2)),
        }
    ),
    min_size=1,
    max_size=12,
)


def packed(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(pack(list(batch.columns), SCHEMA), schema=packed_schema(SCHEMA))


@given(ROWS, st.data())
def test_round_trip(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(rows) - 1))
    batch = packed(pa.RecordBatch.from_pylist(rows, schema=SCHEMA).slice(first))
    again = data.draw(st.integers(0, batch.num_rows - 1))
    back = unpack(batch.slice(again), SCHEMA.names, SCHEMA)
    assert back.schema == SCHEMA
    assert back.to_pylist() == rows[first + again :]


@given(ROWS)
def test_one_field_of_a_struct(rows: list[dict[str, Any]]) -> None:
    batch = packed(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
    names = ["imprint.sketch", "account", "imprint.exact"]
    assert [part for name in names for part in parts(name, SCHEMA)] == names
    back = unpack(batch.select(names), names, SCHEMA)
    assert back.to_pylist() == [
        {"imprint": {k: row["imprint"][k] for k in ("sketch", "exact")}, "account": row["account"]}
        for row in rows
    ]


def test_a_struct_that_is_null_is_refused() -> None:
    batch = pa.RecordBatch.from_pylist([{"account": "a", "imprint": None, "lone": None}], schema=SCHEMA)
    with pytest.raises(ValueError, match="imprint is null in 1 rows"):
        packed(batch)
