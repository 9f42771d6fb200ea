"""Our own Parquet: types that are right, types that can be made right, and rows that cannot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.logs import AT, AT_US, ids, places, read_all
from exchange.test_values import IMPRINT
from headwater.errors import BadRow, UnreadableInput
from headwater.exchange import EXCHANGE_SCHEMA, IMPRINT_TYPE, SetAside, read
from headwater.exchange.parquet import parquet_batches, parquet_records

WHEN = datetime.fromisoformat(AT)


def stored(path: Path, columns: dict[str, Any]) -> Path:
    """A Parquet file of `columns`, with what is required filled in."""
    size = len(next(iter(columns.values())))
    whole = {
        "id": [f"r{n}" for n in range(1, size + 1)],
        "at": pa.array([AT_US] * size, pa.timestamp("us", "UTC")),
        "account": ["a"] * size,
        "prompt": ["p"] * size,
    }
    whole.update(columns)
    pq.write_table(pa.table({name: value for name, value in whole.items() if value is not None}), path)
    return path


@pytest.mark.parametrize(
    "at",
    [
        pa.array([WHEN], pa.timestamp("us", "UTC")),
        pa.array([WHEN], pa.timestamp("us", "Asia/Tokyo")),
        pa.array([np.datetime64(AT_US * 1000 + 999, "ns")]).cast(pa.timestamp("ns", "UTC")),
        pa.array([AT_US], pa.int64()),
        pa.array([AT_US * 1000], pa.int64()),
        pa.array([AT_US], pa.uint64()),
        pa.array([AT]),
        pa.array([AT]).dictionary_encode(),
        pa.array([AT], pa.string_view()),
        pa.array([AT.encode()], pa.binary()),
    ],
    ids=lambda array: str(array.type),
)
def test_times_of_every_type(tmp_path: Path, at: pa.Array) -> None:
    table, aside = read_all(stored(tmp_path / "log.parquet", {"at": at}))
    assert table.column("at").cast(pa.int64()).to_pylist() == [AT_US]
    assert (aside.total, aside.notices) == (0, {})


def test_a_time_without_a_zone_is_noted(tmp_path: Path) -> None:
    naive = pa.array([WHEN.replace(tzinfo=None), None, WHEN.replace(tzinfo=None)], pa.timestamp("ns"))
    path = stored(tmp_path / "log.parquet", {"at": naive})
    table, aside = read_all(path)
    assert table.column("at").cast(pa.int64()).to_pylist() == [AT_US] * 2
    assert aside.notices == {"at: names no time zone and was read as UTC": 2}
    assert places(aside) == [(2, "at", "is missing")]
    east, noted = read_all(path, zone=ZoneInfo("Asia/Tokyo"))
    assert east.column("at").cast(pa.int64()).to_pylist() == [AT_US - 9 * 3_600_000_000] * 2
    assert noted.notices == {"at: names no time zone and was read as Asia/Tokyo": 2}


def test_one_bad_row_costs_one_row(tmp_path: Path) -> None:
    skewed = datetime.now(UTC) + timedelta(days=3)
    path = stored(
        tmp_path / "log.parquet",
        {
            "id": ["r1", None, "r3", "r4", "r5", "r6", ""],
            "at": pa.array(
                [WHEN, WHEN, None, datetime(2001, 1, 1, tzinfo=UTC), skewed, WHEN, WHEN],
                pa.timestamp("ms", "UTC"),
            ),
            "prompt": ["p", "p", "p", "p", "p", None, "p"],
        },
    )
    table, aside = read_all(path)
    assert ids(table) == ["r1"]
    assert places(aside) == [
        (2, "id", "is missing"),
        (3, "at", "is missing"),
        (4, "at", "lies before 2015"),
        (5, "at", "lies more than a day after the file was written"),
        (6, "prompt", "is missing, and so is its imprint"),
        (7, "id", "is missing"),
    ]


def test_other_types_by_the_rules_of_any_format(tmp_path: Path) -> None:
    path = stored(
        tmp_path / "log.parquet",
        {
            "id": pa.array([1, 2, 3], pa.int32()),
            "temperature": ["0.5", "hot", ""],
            "max_tokens": pa.array([100.0, 1.5, float("nan")]),
            "latency_ms": pa.array([1, 2, None], pa.int64()),
            "seed": pa.array([2**63, 5, 6], pa.uint64()),
            "stream": pa.array([1, 0, 7], pa.int8()),
            "model": pa.array(["m", "", None]).dictionary_encode(),
            "top_p": pa.array([1e300, float("nan"), 0.5]),
            "status": pa.nulls(3),
        },
    )
    table, aside = read_all(path)
    rows = table.select(
        ["id", "temperature", "max_tokens", "latency_ms", "seed", "stream", "model", "top_p"]
    ).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("1", 0.5, 100, 1.0, None, True, "m", None),
        ("2", None, None, 2.0, 5, False, None, None),
        ("3", None, None, None, 6, None, None, 0.5),
    ]
    assert aside.total == 0
    assert aside.notices == {
        "temperature: is text of length N, not a number; left empty": 1,
        "max_tokens: is a number, not a whole number; left empty": 1,
        "seed: is a number out of range; left empty": 1,
        "stream: is a number, neither true nor false; left empty": 1,
        "top_p: is a number out of range; left empty": 1,
    }


def test_bytes_that_are_no_text_cost_their_row(tmp_path: Path) -> None:
    raw = pa.array([b"good", b"\xff\xfe", b"fine"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    table, aside = read_all(stored(tmp_path / "log.parquet", {"prompt": text, "user_agent": ["u", "u", "u"]}))
    assert ids(table) == ["r1", "r3"]
    assert places(aside) == [(2, "prompt", "is not valid UTF-8")]
    table, aside = read_all(stored(tmp_path / "other.parquet", {"user_agent": text}))
    assert places(aside) == [(2, "user_agent", "is not valid UTF-8")]


def test_a_column_that_is_missing_halfway_is_null_there(tmp_path: Path) -> None:
    first = stored(tmp_path / "1.parquet", {"ip": ["10.0.0.1"], "id": ["r1"]})
    second = stored(tmp_path / "2.parquet", {"id": ["r2"]})
    table, aside = read_all(first, second)
    assert table.column("ip").to_pylist() == ["10.0.0.1", None]
    assert aside.total == 0
    assert table.schema == EXCHANGE_SCHEMA


def test_imprints_stand_for_prompts(tmp_path: Path) -> None:
    struct = pa.array([IMPRINT, None, IMPRINT, {**IMPRINT, "sketch": None}], IMPRINT_TYPE)
    table, aside = read_all(
        stored(tmp_path / "log.parquet", {"imprint": struct, "prompt": [None, "p", None, None]})
    )
    assert ids(table) == ["r1", "r2", "r3"]
    assert table.column("imprint").to_pylist() == [IMPRINT, None, IMPRINT]
    assert places(aside) == [(4, "prompt", "is no imprint of this version")]


def test_what_a_log_lacks_can_be_given(tmp_path: Path) -> None:
    path = stored(tmp_path / "log.parquet", {"account": [None, "b"], "organisation": pa.nulls(2), "at": None})
    table, aside = read_all(path, defaults={"account": "acme", "at": AT, "organisation": "o"})
    assert table.column("account").to_pylist() == ["acme", "b"]
    assert table.column("at").to_pylist() == [WHEN, WHEN]
    assert aside.total == 0


def test_a_value_that_is_wrong_is_not_one_that_is_lacking(tmp_path: Path) -> None:
    early = pa.array([datetime(2001, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC"))
    table, aside = read_all(stored(tmp_path / "log.parquet", {"at": early}), defaults={"at": AT})
    assert ids(table) == ["r2"]
    assert places(aside) == [(1, "at", "lies before 2015")]


@pytest.mark.parametrize("folded", [False, True])
def test_damage_inside_the_data_costs_the_rest_of_the_file(
    folded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if folded:
        monkeypatch.setattr("headwater.exchange.parquet._BYTES", 40_000)
    path = tmp_path / "log.parquet"
    size = 3000
    columns = {
        "id": [f"r{n}" for n in range(size)],
        "at": pa.array([AT_US] * size, pa.timestamp("us", "UTC")),
        "account": ["a"] * size,
        "prompt": [f"{n * 7919}" * 20 for n in range(size)],
    }
    pq.write_table(pa.table(columns), path, row_group_size=1000, compression="zstd", use_dictionary=folded)
    column = pq.ParquetFile(path).metadata.row_group(1).column(3)
    offset = column.dictionary_page_offset if folded else column.data_page_offset
    data = bytearray(path.read_bytes())
    data[offset + 40 : offset + 400] = b"\0" * 360
    path.write_bytes(data)
    table, aside = read_all(path, batch_rows=1000)
    read_before = len(ids(table))
    assert ids(table) == [f"r{n}" for n in range(read_before)]
    assert read_before == 1000 or (folded and read_before > 900)  # batches need not end with a group
    assert places(aside) == [(read_before + 1, None, "the Parquet data are damaged from here on")]


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    arrays = [
        pa.array(["r1"]),
        pa.array([AT_US], pa.timestamp("us", "UTC")),
        pa.array(["a"]),
        pa.array(["p"]),
        pa.array(["q"]),
    ]
    pq.write_table(pa.Table.from_arrays(arrays, names=["id", "at", "account", "prompt", "prompt"]), path)
    with pytest.raises(UnreadableInput, match=r"two columns of one name \(columns 4 and 5\)"):
        read_all(path, aside=SetAside())


def test_batches_are_small_where_rows_are_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(tmp_path / "log.parquet", {"prompt": [f"{n} " * 1000 for n in range(100)]})
    monkeypatch.setattr("headwater.exchange.parquet._BYTES", 20_000)
    sizes = [batch.num_rows for batch in read([path], aside=SetAside())]
    assert sum(sizes) == 100
    assert max(sizes) < 30


@pytest.mark.parametrize("encoding", ["dictionary", "DELTA_BYTE_ARRAY", "PLAIN"])
@pytest.mark.parametrize("foreign", [False, True])
def test_a_text_that_repeats_is_cut_by_what_it_decodes_to(
    encoding: str, foreign: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs the file next to nothing; ten thousand long prompts of 120 KB would take gigabytes at once."""
    monkeypatch.setattr("headwater.exchange.parquet._BYTES", 1_000_000)
    prompts = [f"{n // 500} " * 20_000 for n in range(1000)]
    columns = {
        "id": [f"r{n}" for n in range(1000)],
        "at": [AT] * 1000,
        "account": ["a"] * 1000,
        "prompt": prompts,
    }
    path = tmp_path / "log.parquet"
    way: dict[str, Any] = {"column_encoding": {"prompt": encoding}, "use_dictionary": False}
    pq.write_table(pa.table(columns), path, **({} if encoding == "dictionary" else way))
    if encoding != "PLAIN":
        assert path.stat().st_size < 1_000_000
    if foreign:
        found = [len(str(record)) for _, record in parquet_records(path)]
        assert len(found) == 1000
    batches = [part[1] for part in parquet_batches(path, 1000) if not isinstance(part, BadRow)]
    sizes = [sum(len(text) for text in batch["prompt"].to_pylist()) for batch in batches]
    assert sum(sizes) == sum(map(len, prompts))
    assert max(sizes) <= 1_000_000
    table, aside = read_all(path, aside=SetAside())
    assert (table["prompt"].to_pylist(), aside.total) == (prompts, 0)


@pytest.mark.parametrize("first", [None, "", "long " * 8_000])
def test_of_texts_that_do_not_repeat_few_are_held(
    first: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arrow writes a million rows to a group: as a dictionary all of their prompts would be in memory at once."""
    monkeypatch.setattr("headwater.exchange.parquet._BYTES", 1_000_000)
    prompts = [first] * 50 + [f"{n} " * 500 for n in range(10_000)] + [first] * 50
    path = tmp_path / "log.parquet"
    pq.write_table(
        pa.table({"prompt": prompts}), path, dictionary_pagesize_limit=100_000, write_batch_size=64
    )
    pool, usual = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    found: list[str | None] = []
    pa.set_memory_pool(pool)
    try:
        for part in parquet_batches(path, 20_000):
            assert not isinstance(part, BadRow)
            texts = part[1]["prompt"].to_pylist()
            assert sum(len(text or "") for text in texts) <= 1_000_000
            found += texts
            del part
    finally:
        pa.set_memory_pool(usual)
    assert found == prompts
    assert (pool.max_memory() or 0) < 10_000_000


@given(
    lengths=st.lists(st.sampled_from([0, 3, 900, 4_000]), min_size=1, max_size=300),
    group=st.integers(1, 200),
    rows=st.integers(1, 250),
    names=st.sampled_from([None, ["prompt"], ["id", "prompt"], ["account", "said", "prompt"], ["id"]]),
    dotted=st.booleans(),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_columns_of_long_texts_come_beside_the_others(
    lengths: list[int],
    group: int,
    rows: int,
    names: list[str] | None,
    dotted: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Texts are read a few rows at a time and the rest in larger batches: every row keeps what is its own."""
    monkeypatch.setattr("headwater.exchange.parquet._BYTES", 20_000)
    size = len(lengths)
    columns: dict[str, Any] = {
        "id": [f"r{n}" for n in range(size)],
        "prompt": [f"{n % 50} " * (length // 3) for n, length in enumerate(lengths)],
        "account": ["a" if n % 3 else None for n in range(size)],
        "said": [f"{n % 9}" * length for n, length in enumerate(lengths)],
    }
    if dotted:
        columns["said.at"] = list(range(size))
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=group, dictionary_pagesize_limit=2_000)
    parts = [part for part in parquet_batches(path, rows, names) if not isinstance(part, BadRow)]
    assert [part[0] for part in parts] == [
        sum(part[1].num_rows for part in parts[:at]) for at in range(len(parts))
    ]
    assert all(part[1].num_rows <= rows for part in parts)
    found = pa.Table.from_batches(
        [pa.RecordBatch.from_pylist(part[1].to_pylist(), part[1].schema) for part in parts]
    )
    wanted = [name for name in columns if names is None or name in names]
    assert found.schema.names == wanted
    assert found.to_pydict() == {name: columns[name] for name in wanted}


def test_a_page_of_texts_that_says_too_few_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that end before the columns beside them: the rest of the file is damaged, and nobody may miss it."""
    monkeypatch.setattr("headwater.exchange.parquet._BYTES", 20_000)
    size, path = 600, tmp_path / "log.parquet"
    prompts = [f"P{n % 37}-" * 100 if n % 5 else f"x{n}" * 40 for n in range(size)]
    pq.write_table(
        pa.table({"id": list(range(size)), "prompt": prompts}),
        path,
        compression="none",
        data_page_size=1024,
        write_batch_size=20,
        dictionary_pagesize_limit=3000,
    )
    raw = path.read_bytes()
    column = pq.ParquetFile(path).metadata.row_group(0).column(1)
    end = (column.dictionary_page_offset or 0) + column.total_compressed_size
    # Headers of pages begin so: of which kind, and how long (Thrift's compact protocol).
    heads = [at for at in range(column.data_page_offset, end - 3) if raw[at] == raw[at + 2] == 0x15]
    heads = [at for at in heads if raw[at + 1] in (0, 6)][-6:]
    told = 0
    for place, bit in [(head + off, bit) for head in heads for off in range(2, 14) for bit in (2, 4, 8)]:
        path.write_bytes(raw[:place] + bytes([raw[place] ^ bit]) + raw[place + 1 :])
        found = list(parquet_batches(path, 4096))
        rows = sum(part[1].num_rows for part in found if not isinstance(part, BadRow))
        bad = [part for part in found if isinstance(part, BadRow)]
        assert rows == size or bad
        told += bool(bad)
    assert told


def shaped(shape: str, texts: Any) -> Any:
    """A column that holds each text inside something else, with holes."""
    holes: Any = pa.array([n % 7 == 0 for n in range(len(texts))])
    numbers: Any = pa.array(range(len(texts)))
    struct: Any = pa.StructArray.from_arrays([texts, numbers], ["text", "n"], mask=holes)
    if shape == "struct":
        return struct
    if shape == "fixed":
        return pa.FixedSizeListArray.from_arrays(struct, 1)
    ends: Any = pa.array(range(len(texts) + 1), pa.int32())
    keys: Any = pa.array(["k"] * len(texts))
    if shape == "map":
        return pa.MapArray.from_arrays(ends, keys, texts)
    return pa.ListArray.from_arrays(ends, struct)


@pytest.mark.parametrize("encoding", ["dictionary", "DELTA_BYTE_ARRAY"])
@pytest.mark.parametrize("shape", ["struct", "list", "map", "fixed"])
def test_a_text_inside_others_that_repeats_is_cut_too(
    shape: str, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred answers of 30 MiB, one dictionary entry, would take six gigabytes at once."""
    monkeypatch.setattr("headwater.exchange.parquet._BYTES", 1_000_000)
    column = shaped(shape, pa.array([f"{n // 70} " + "x" * 100_000 for n in range(200)]))
    path = tmp_path / "log.parquet"
    way: dict[str, Any] = {"use_dictionary": False}
    if encoding != "dictionary":
        leaves = {"struct": "text", "list": "list.element.text", "map": "key_value.value"}
        way["column_encoding"] = {"c." + leaves.get(shape, "list.element.text"): encoding}
    pq.write_table(
        pa.table({"c": column}), path, row_group_size=90, **({} if encoding == "dictionary" else way)
    )
    assert path.stat().st_size < 1_000_000
    pool, usual = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    pa.set_memory_pool(pool)
    try:
        for part in parquet_batches(path, 1000):
            assert not isinstance(part, BadRow)
            assert len(str(part[1].to_pylist())) < 1_050_000
            del part
    finally:
        pa.set_memory_pool(usual)
    assert (pool.max_memory() or 0) < 4_000_000
    records = [part[1] for part in parquet_records(path) if not isinstance(part, BadRow)]
    assert records == pa.table({"c": column}).to_pylist()


@pytest.mark.parametrize("shape", ["flat", "struct", "list"])
def test_rows_longer_than_any_record_are_set_aside(
    shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.exchange.streams.LIMIT", 5000)
    texts = pa.array(["a" * 10, "b" * 6000, "c" * 5, "d" * 4900, "e" * 5001])
    column = texts if shape == "flat" else shaped(shape, texts)
    columns: Any = {"id": pa.array([f"r{n}" for n in range(5)]), "c": column}
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table(columns), path)
    found = list(parquet_records(path))
    what = [(part.where.row, part.where.field, part.what) for part in found if isinstance(part, BadRow)]
    assert what == [(2, "c", "is longer than 64 MiB"), (5, "c", "is longer than 64 MiB")]
    assert [part[0].row for part in found if not isinstance(part, BadRow)] == [1, 3, 4]


@pytest.mark.parametrize("value", [True, None, "", {"a": None}])
def test_a_list_of_many_short_values_is_long(
    value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A billion of them cost a file, and Arrow's arrays, next to nothing, but an object each as a record."""
    monkeypatch.setattr("headwater.exchange.streams.LIMIT", 5000)
    path = tmp_path / "log.parquet"
    held: Any = [[value] * 10, [value] * 1000, None]
    pq.write_table(pa.table({"c": held}), path)
    found = list(parquet_records(path))
    assert [isinstance(part, BadRow) for part in found] == [False, True, False]


def test_rows_of_our_own_that_are_too_long_are_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.exchange.streams.LIMIT", 5000)
    path = stored(tmp_path / "log.parquet", {"prompt": ["p", "q" * 6000, "r"]})
    table, aside = read_all(path)
    assert table["prompt"].to_pylist() == ["p", "r"]
    assert places(aside) == [(2, "prompt", "is longer than 64 MiB")]
