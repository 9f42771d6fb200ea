"""Any other log, through a mapping file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exchange.logs import ids, places, read_all, write_lines
from headwater.errors import ConfigurationError
from headwater.exchange.readers.mapping import follow, load_mapping

MAPPING = """
id = "meta.request-id"
at = {path = "meta.t", unit = "ms"}
account = ["auth.key", "auth.user"]
prompt = "body.messages"
response = "answer.choices.0.message.content"
model = "gen_ai.request.model"
batch = {value = false}
organisation = {value = "acme"}
"""
RECORD: dict[str, Any] = {
    "meta": {"request-id": 17, "t": 1_767_323_045_250},
    "auth": {"user": "u1"},
    "body": '{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]}',
    "answer": {"choices": [{"message": {"content": "a"}}]},
    "gen_ai.request.model": "m",
}
HELD = {
    "id": "17",
    "at": datetime(2026, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC),
    "account": "u1",
    "prompt": "q",
    "system": "s",
    "response": "a",
    "organisation": "acme",
    "turn": 0,
    "model": "m",
    "batch": False,
}


def columns(table: pa.Table) -> dict[str, Any]:
    (row,) = table.to_pylist()
    return {name: value for name, value in row.items() if value is not None}


def test_a_mapping_reads_what_no_reader_knows(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAPPING)
    table, aside = read_all(write_lines(tmp_path / "log.jsonl", [RECORD]), mapping=tmp_path / "map.toml")
    assert columns(table) == HELD
    assert aside.total == 0


def test_a_mapping_reads_parquet_with_other_names(tmp_path: Path) -> None:
    stamps = pa.array([datetime(2026, 1, 2, 12, 0)], pa.timestamp("ns"))  # noqa: DTZ001  (naive on purpose)
    pq.write_table(
        pa.table({"key": ["k"], "when": stamps, "who": [5], "text": ["hello"]}), tmp_path / "x.parquet"
    )
    mapping = {
        "id": "key",
        "at": {"path": "when", "timezone": "Europe/Berlin"},
        "account": "who",
        "prompt": "text",
    }
    table, aside = read_all(tmp_path / "x.parquet", mapping=mapping)
    (row,) = table.select(["id", "account", "prompt"]).to_pylist()
    assert row == {"id": "k", "account": "5", "prompt": "hello"}
    assert (table.column("at").to_pylist(), aside.total) == ([datetime(2026, 1, 2, 11, tzinfo=UTC)], 0)


@pytest.mark.parametrize(
    ("at", "noted"),
    [
        ("t", 1),
        ({"path": "t", "unit": "ms"}, 1),
        ({"path": "t", "timezone": "UTC"}, 0),
    ],
)
def test_a_time_whose_zone_neither_record_nor_mapping_names_is_noted(
    at: object, noted: int, tmp_path: Path
) -> None:
    records = [
        {"i": at, "t": text, "a": "a", "p": "p"}
        for at, text in enumerate(("2026-01-02 12:00", 1767355200000))
    ]
    mapping = {"id": "i", "at": at, "account": "a", "prompt": "p"}
    table, aside = read_all(write_lines(tmp_path / "log.jsonl", records), mapping=mapping)
    assert table.column("at").to_pylist() == [datetime(2026, 1, 2, 12, tzinfo=UTC)] * 2
    assert aside.notices == ({"at: names no time zone and was read as UTC": noted} if noted else {})


def test_columns_that_are_named_are_not_overwritten(tmp_path: Path) -> None:
    mapping = {"id": "i", "at": "t", "account": "a", "prompt": "m", "system": "s", "turn": "n"}
    record = {
        "i": "1",
        "t": "2026-01-02T00:00:00Z",
        "a": "a",
        "m": [{"role": "system", "content": "inner"}, {"role": "user", "content": "q"}],
        "s": "outer",
        "n": 4,
    }
    table, _ = read_all(write_lines(tmp_path / "log.jsonl", [record]), mapping=mapping)
    assert table.select(["prompt", "system", "turn"]).to_pylist() == [
        {"prompt": "q", "system": "outer", "turn": 4}
    ]


def test_faults_name_the_path_in_the_record(tmp_path: Path) -> None:
    mapping = {"id": "i", "at": {"path": "when.end", "unit": "s"}, "account": "a", "prompt": "p"}
    records = [
        {"i": 1, "when": {"end": "soon"}, "a": "a", "p": "p"},
        {"i": 2, "when": {"end": 1_767_323_045}, "p": "p"},
        {"i": 3, "when": {"end": 1_767_323_045}, "a": "a", "p": "p"},
    ]
    table, aside = read_all(write_lines(tmp_path / "log.jsonl", records), mapping=mapping)
    assert ids(table) == ["3"]
    assert places(aside) == [
        (1, "when.end", "is text of length 4, not a time"),
        (2, "account", "is missing"),
    ]
    assert aside.rows[1].hint == "the mapping reads it from a"


@pytest.mark.parametrize(
    ("held", "path", "found"),
    [
        ({"a": {"b": 1}}, "a.b", 1),
        ({"a.b": 1}, "a.b", 1),
        ({"a": {"b.c": 1}}, "a.b.c", 1),
        ({"a.b": {"c": 1}}, "a.b.c", 1),
        ({"a": [{"b": 1}, {"b": 2}]}, "a.1.b", 2),
        ({"a": '{"b": 1}'}, "a.b", 1),
        ({"a": None}, "a.b", None),
        ({"a": [1]}, "a.7", None),
        ({"a": [1]}, "a.-1", None),
        ({"a": "text"}, "a.b", None),
        ({}, "", None),
    ],
)
def test_paths(held: object, path: str, found: object) -> None:
    assert follow(held, path) == found


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ('acount = "a"', "acount", "is no column of an exchange"),
        ('at = {path = "t", unit = "hours"}', "at", "has an unknown unit"),
        ('at = {path = "t", timezone = "Mars/Olympus"}', "at", "has an unknown time zone"),
        ('at = {path = "t", zone = "UTC"}', "at", "has no setting zone"),
        ('at = {path = "t", value = 3}', "at", "needs either a path or a value"),
        ("at = 7", "at", "is neither a path nor a list of paths"),
        ("at = []", "at", "is neither a path nor a list of paths"),
        ("", None, "names no column"),
        pytest.param("id = " + "[" * 5000, None, "is not TOML: nested too deep", id="deep"),
        pytest.param("id = " + "9" * 5000, None, "is not TOML: a number has too many digits", id="long"),
    ],
)
def test_a_mapping_that_cannot_be_used(tmp_path: Path, text: str, place: str | None, what: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_mapping(path)
    assert (caught.value.where.file, caught.value.where.field, caught.value.what) == (str(path), place, what)


NEEDED = {"id": "i", "at": "t", "account": "a", "prompt": "p"}
LINE = {"i": "1", "t": "2026-01-02T00:00:00Z", "a": "a", "p": "q"}


@pytest.mark.parametrize("name", NEEDED)
def test_a_mapping_that_can_never_give_a_required_column(tmp_path: Path, name: str) -> None:
    log = write_lines(tmp_path / "log.jsonl", [LINE])
    mapping = {column: path for column, path in NEEDED.items() if column != name}
    with pytest.raises(ConfigurationError) as caught:
        read_all(log, mapping=mapping)
    assert caught.value.what == f"gives no {name}, without which no row can be used"
    assert f'{name} = "path.to.it"' in (caught.value.hint or "")


def test_what_a_mapping_leaves_out_may_be_set_or_constant(tmp_path: Path) -> None:
    log = write_lines(tmp_path / "log.jsonl", [LINE])
    mapping = {"id": "i", "at": "t", "prompt": "p"}
    for table, _ in (
        read_all(log, mapping=mapping, defaults={"account": "acme"}),
        read_all(log, mapping={**mapping, "account": {"value": "acme"}}),
    ):
        assert table.column("account").to_pylist() == ["acme"]


def test_an_imprint_stands_for_a_prompt(tmp_path: Path) -> None:
    """The one row is set aside for what it holds, not refused for what the mapping says."""
    mapping = {"id": "i", "at": "t", "account": "a", "imprint": "mark"}
    table, aside = read_all(write_lines(tmp_path / "log.jsonl", [LINE]), mapping=mapping)
    assert (table.num_rows, places(aside)) == (0, [(1, "prompt", "is missing, and so is its imprint")])
