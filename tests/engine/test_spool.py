"""A spool gives back what was put in, in order, by column and by row number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.logs import SCHEMA, row, spooled
from headwater.engine import Spool
from headwater.engine.spool import Group
from headwater.engine.spool import _as_they_lie as as_they_lie
from headwater.errors import UsageError
from headwater.exchange import IMPRINT_TYPE
from headwater.imprint import imprint
from headwater.keys import DEMO_KEY

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
ROWS = st.lists(
    st.builds(
        lambda number, account, second, model: row(number, account, second, model=model),
        st.integers(0, 2**62),
        TEXTS,
        st.integers(0, 2**37),
        st.none() | TEXTS,
    ),
    min_size=1,
    max_size=30,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spool")


@settings(max_examples=40)
@given(ROWS, st.integers(1, 7), st.integers(1, 9), st.integers(1, 20))
def test_round_trip(folder: Path, rows: list[dict[str, Any]], written: int, group: int, part: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headwater.engine.spool.ROWS_A_GROUP", group)
        patch.setattr("headwater.engine.spool.ROWS_A_PART", part)
        spool = spooled(rows, folder, batch=written)
    batches = list(spool.batches(SCHEMA.names))
    table = pa.Table.from_batches(batches)
    assert spool.rows == len(rows) == table.num_rows
    assert all(batch.num_rows <= group for batch in batches)
    assert len(spool.parts) >= min(len(rows) // (part + group + written), 1)
    assert table.to_pylist() == pa.Table.from_pylist(rows, schema=SCHEMA).to_pylist()
    assert ("model" in spool.filled) == any(each["model"] is not None for each in rows)
    assert "organisation" not in spool.filled


@settings(max_examples=40)
@given(ROWS, st.data())
def test_take_finds_rows_by_number(folder: Path, rows: list[dict[str, Any]], data: st.DataObject) -> None:
    wanted = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headwater.engine.spool.ROWS_A_GROUP", 4)
        found = spooled(rows, folder, batch=5).take(["account"], np.array(wanted, np.int64))
    assert found.schema.names == ["row", "account"]
    assert found["row"].to_pylist() == wanted
    assert found["account"].to_pylist() == [rows[at]["account"] for at in wanted]


@pytest.mark.parametrize("page", [300, 1 << 24])
def test_sketches_are_read_as_they_lie_and_else_by_arrow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    made = imprint(pa.array([f"Say {at} in words of one syllable, please." for at in range(4000)]), DEMO_KEY)
    fields = [pa.field("account", pa.string()), pa.field("imprint", IMPRINT_TYPE, nullable=False)]
    accounts: Any = pa.array([f"account-{at % 5}" for at in range(4000)])
    whole = pa.RecordBatch.from_arrays([accounts, made], schema=pa.schema(fields))
    monkeypatch.setattr("headwater.engine.spool._PAGE", page)  # older stores have many pages a group
    with Spool(tmp_path / "spool", whole.schema) as spool:
        for start in range(0, 4000, 1000):
            spool.append(whole.slice(start, 1000))
    found: list[str] = []

    def noted(*given: Any) -> dict[str, Any]:
        lying = as_they_lie(*given)
        found.extend(lying)
        return lying

    monkeypatch.setattr("headwater.engine.spool._as_they_lie", noted)
    (batch,) = spool.batches(["imprint", "account"])
    assert batch.select(["account", "imprint"]).to_pylist() == whole.to_pylist()
    assert found == ([] if page < 4000 else ["imprint.minimisers", "imprint.sketch"])
    shingles: Any = batch.column("imprint").field("minimisers")
    assert shingles.flatten().to_numpy().flags.aligned


def test_a_closed_spool_takes_no_more(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", SCHEMA)
    spool.close()
    spool.close()
    with pytest.raises(ValueError, match="closed"):
        spool.append(pa.RecordBatch.from_pylist([row(0, "a", 0)], schema=SCHEMA))


def test_an_empty_spool_is_read_as_nothing(tmp_path: Path) -> None:
    spool = spooled([], tmp_path)
    assert list(spool.batches(["id"])) == []
    assert spool.take(["id"], np.array([0])).num_rows == 0


def test_what_a_killed_run_left_is_no_part(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", SCHEMA)
    spool.append(pa.RecordBatch.from_pylist([row(0, "a", 0)], schema=SCHEMA))
    spool.cut()
    spool.append(pa.RecordBatch.from_pylist([row(1, "a", 1)], schema=SCHEMA))
    spool._flush(1)  # on its way, and never ended
    again = Spool(tmp_path / "s", SCHEMA, spool.parts, next_part=1)
    again.append(pa.RecordBatch.from_pylist([row(2, "b", 2)], schema=SCHEMA))
    again.close()
    assert [part.name for part in again.parts] == ["part-000000.parquet", "part-000001.parquet"]
    assert [batch.column("id").to_pylist() for batch in again.batches(["id"])] == [["r0"], ["r2"]]
    assert again.take(["account"], np.array([1])).to_pylist() == [{"row": 1, "account": "b"}]


def test_groups_are_whole_but_the_last_one(folder: Path) -> None:
    """However rows come; groups of odd sizes would be read one by one forever after."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headwater.engine.spool.ROWS_A_GROUP", 8)
        patch.setattr("headwater.engine.spool.ROWS_A_PART", 32)
        spool = spooled([row(at, "a", at) for at in range(101)], folder, batch=3)
    sizes = [size for part in spool.parts for size in part.groups]
    assert sizes == [8] * 12 + [5]
    assert [part.rows for part in spool.parts] == [32, 32, 32, 5]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_rows_are_taken_by_several_threads_in_their_order(folder: Path, workers: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headwater.engine.spool.ROWS_A_GROUP", 4)
        spool = spooled([row(at, f"account-{at}", at) for at in range(30)], folder, batch=5)
    for rows in ([], [0], [3, 4, 11, 12, 29], list(range(30))):
        found = spool.take(["account"], np.array(rows, np.int64), workers)
        assert found.column("row").to_pylist() == rows
        assert found.column("account").to_pylist() == [f"account-{at}" for at in rows]


def test_what_was_written_before_a_write_failed_is_not_written_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.engine.spool.ROWS_A_GROUP", 4)
    wrote, calls = Spool._group, 0

    def fails(spool: Spool, batches: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(28, "No space left on device")
        wrote(spool, batches)

    monkeypatch.setattr(Spool, "_group", fails)
    batch = pa.RecordBatch.from_pylist([row(at, f"account-{at}", at) for at in range(10)], schema=SCHEMA)
    place = folder / "failed"
    with pytest.raises(OSError, match="No space"), Spool(place, SCHEMA) as spool:
        spool.append(batch)
    found = [name for part in spool.batches(["account"]) for name in part.column("account").to_pylist()]
    assert len(found) == len(set(found))


def test_a_full_disk_is_told_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", fails)
    spool = Spool(folder / "full", SCHEMA)
    spool.append(pa.RecordBatch.from_pylist([row(1, "a", 1)], schema=SCHEMA))
    with pytest.raises(UsageError, match="no room for imprints") as told:
        spool.cut()
    assert str(folder / "full") in str(told.value)


def test_a_column_is_found_by_its_whole_name(tmp_path: Path) -> None:
    one, other = (pa.array([letter * 8] * 50, pa.binary(8)) for letter in (b"a", b"b"))
    inside = pa.StructArray.from_arrays([one], names=["here"])
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"inside": inside, "here": other}),
        path,
        compression="none",
        use_dictionary=False,  # type: ignore[arg-type]
        write_statistics=False,
    )
    with pq.ParquetFile(path) as file, pa.memory_map(str(path)) as mapped:
        found = as_they_lie(file, Group(0, 0, 0, 50), ["here"], mapped)
        assert found["here"].equals(other)


def test_what_waits_does_not_hold_a_large_batch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.engine.spool.ROWS_A_GROUP", 1_000)
    spool = Spool(folder / "large", SCHEMA)
    spool.append(
        pa.RecordBatch.from_pylist([row(at, f"account-{at}", at) for at in range(10_001)], schema=SCHEMA)
    )
    (waits,) = spool._waiting
    assert waits.num_rows == 1
    assert waits.get_total_buffer_size() < 10_000
    spool.close()
    assert spool.rows == 10_001
