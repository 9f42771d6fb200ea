"""From files and folders to the schema: one table whatever the form, and nothing lost in silence."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from exchange.logs import AT, AT_US, ids, places, read_all, row, write_lines
from headwater.errors import BadRow, UnreadableInput, UsageError, Where
from headwater.exchange import EXCHANGE_SCHEMA, SetAside, open_log, read, streams
from headwater.exchange import readers as registry
from headwater.exchange.readers import Record, Row, load, load_all, names

ROWS = [row(n, model="m", temperature=0.5, max_tokens=n, stream=n % 2 == 0) for n in range(1, 6)]


def as_csv(path: Path, separator: str = ",") -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(ROWS[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(ROWS)
    return path


def in_every_form(folder: Path) -> Iterator[Path]:
    plain = write_lines(folder / "a.jsonl", ROWS)
    yield plain
    yield write_lines(folder / "a.ndjson", ROWS)
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    yield folder / "a.jsonl.gz"
    with pa.CompressedOutputStream(str(folder / "a.jsonl.zst"), "zstd") as out:
        out.write(plain.read_bytes())
    yield folder / "a.jsonl.zst"
    (folder / "a.json").write_text(json.dumps(ROWS, indent=1))
    yield folder / "a.json"
    (folder / "lines.json").write_bytes(plain.read_bytes())
    yield folder / "lines.json"
    (folder / "pretty.json").write_text("\n".join(json.dumps(each, indent=2) for each in ROWS))
    yield folder / "pretty.json"
    (folder / "wrapped.json").write_text(json.dumps({"data": ROWS, "has_more": False}))
    yield folder / "wrapped.json"
    (folder / "mark.jsonl").write_bytes(b"\xef\xbb\xbf" + plain.read_bytes().replace(b"\n", b"\r\n"))
    yield folder / "mark.jsonl"
    yield as_csv(folder / "a.csv")
    yield as_csv(folder / "semicolon.csv", ";")
    yield as_csv(folder / "a.tsv", "\t")


def test_one_table_whatever_the_form(tmp_path: Path) -> None:
    tables = {path.name: read_all(path) for path in in_every_form(tmp_path)}
    first = tables["a.jsonl"][0]
    assert first.num_rows == 5
    assert first.column("at").cast(pa.int64()).to_pylist() == [AT_US] * 5
    for name, (table, aside) in tables.items():
        assert table.equals(first), name
        assert (aside.total, aside.notices) == (0, {}), name


def test_a_folder_is_read_in_order_of_names_without_what_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    write_lines(tmp_path / "b" / "2.jsonl", [row(2)])
    write_lines(tmp_path / "c.jsonl", [row(3)])
    write_lines(tmp_path / "a.jsonl", [row(1)])
    write_lines(tmp_path / "_part.jsonl", [row(9)])
    write_lines(tmp_path / ".hidden.jsonl", [row(9)])
    (tmp_path / "README.md").write_text("not a log")
    table, _ = read_all(tmp_path, tmp_path / "a.jsonl")
    assert ids(table) == ["r1", "r2", "r3"]


def test_a_file_without_an_extension_is_known_by_how_it_begins(tmp_path: Path) -> None:
    assert ids(read_all(write_lines(tmp_path / "log", [row(1), row(2)]))[0]) == ["r1", "r2"]


def test_mixed_records_of_one_file_each_find_their_reader(tmp_path: Path) -> None:
    pair = {
        "id": "p1",
        "timestamp": AT,
        "account": "a2",
        "request": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        "response": {"object": "chat.completion", "choices": []},
    }
    path = write_lines(tmp_path / "log.jsonl", [row(1), pair, {"event": "rotated"}, [1], row(2)])
    table, aside = read_all(path)
    assert ids(table) == ["r1", "p1", "r2"]
    assert table.column("endpoint").to_pylist() == [None, "chat", None]
    assert places(aside) == [
        (3, None, "is of no known format"),
        (4, None, "is a list of length 1, not an object"),
    ]


def test_account_tables_beside_a_log_are_passed_over(tmp_path: Path) -> None:
    write_lines(tmp_path / "accounts.jsonl", [{"account": "a1", "tier": "free"}])
    write_lines(tmp_path / "log.jsonl", [row(1)])
    table, aside = read_all(tmp_path)
    assert ids(table) == ["r1"]
    assert aside.notices == {"holds accounts and was not read as a log": 1}


def test_an_empty_file_is_noted(tmp_path: Path) -> None:
    write_lines(tmp_path / "empty.jsonl", [])
    write_lines(tmp_path / "log.jsonl", [row(1)])
    table, aside = read_all(tmp_path)
    assert (ids(table), aside.notices) == (["r1"], {"holds no records": 1})


def test_empty_prompts_are_prompts_and_long_ones_are_whole(tmp_path: Path) -> None:
    long = "word " * 2_000_000
    path = write_lines(tmp_path / "log.jsonl", [row(1, prompt=""), row(2, prompt=long), row(3, prompt="  ")])
    table, aside = read_all(path)
    assert table.column("prompt").to_pylist() == ["", long, "  "]
    assert aside.total == 0


def test_batches_are_closed_by_rows_and_by_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_lines(tmp_path / "log.jsonl", [row(n, prompt="x" * 100) for n in range(10)])
    sizes = [batch.num_rows for batch in read([path], aside=SetAside(), batch_rows=4)]
    assert sizes == [4, 4, 2]
    monkeypatch.setattr("headwater.exchange.rows._TEXT", 250)
    assert [batch.num_rows for batch in read([path], aside=SetAside())] == [3, 3, 3, 1]


def test_half_a_surrogate_pair_is_replaced_and_noted(tmp_path: Path) -> None:
    line = json.dumps(row(1)).replace("What", "\\ud83d What").encode()
    table, aside = read_all(write_lines(tmp_path / "log.jsonl", [line, row(2)]))
    assert table.column("prompt").to_pylist() == ["? What is 1?", "What is 2?"]
    assert aside.notices == {"prompt: holds half of a surrogate pair, which was replaced": 1}


def test_what_python_writes_and_json_forbids_is_read(tmp_path: Path) -> None:
    line = json.dumps(row(1, temperature=float("nan"), latency_ms=float("inf"))).encode()
    table, aside = read_all(write_lines(tmp_path / "log.jsonl", [line]))
    assert table.select(["temperature", "latency_ms"]).to_pylist() == [
        {"temperature": None, "latency_ms": None}
    ]
    assert (aside.total, aside.notices) == (0, {})


def test_of_a_repeated_key_the_last_counts_and_other_keys_are_passed_over(tmp_path: Path) -> None:
    line = (
        b'{"id":"x","id":"r1","at":"%s","account":"a","prompt":"p","__proto__":{},"colour":3}' % AT.encode()
    )
    assert ids(read_all(write_lines(tmp_path / "log.jsonl", [line]))[0]) == ["r1"]


def test_duplicate_ids_are_all_handed_on(tmp_path: Path) -> None:
    assert ids(read_all(write_lines(tmp_path / "log.jsonl", [row(1), row(1)]))[0]) == ["r1", "r1"]


def test_times_of_many_zones_in_one_log(tmp_path: Path) -> None:
    times = [
        "2026-03-04T05:06:07Z",
        "2026-03-04T14:06:07+09:00",
        "2026-03-04T00:06:07-0500",
        "2026-03-04T05:06:07",
    ]
    table, aside = read_all(
        write_lines(tmp_path / "log.jsonl", [row(n, at=at) for n, at in enumerate(times)])
    )
    assert len(set(table.column("at").to_pylist())) == 1
    assert aside.notices == {"at: names no time zone and was read as UTC": 1}


def test_defaults_fill_what_is_missing_only(tmp_path: Path) -> None:
    first, second = row(1), row(2)
    del first["account"]
    table, _ = read_all(
        write_lines(tmp_path / "log.jsonl", [first, second]), defaults={"account": "acme", "n": "2"}
    )
    assert table.select(["account", "n"]).to_pylist() == [
        {"account": "acme", "n": 2},
        {"account": "a1", "n": 2},
    ]


def test_an_odd_old_file_date_does_not_cost_its_rows(tmp_path: Path) -> None:
    import os

    path = write_lines(tmp_path / "log.jsonl", [row(1)])
    os.utime(path, (0, 0))  # as archives and images restore it
    assert ids(read_all(path)[0]) == ["r1"]


def test_errors_of_the_call_come_before_the_first_batch(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "log.jsonl", [row(1)])
    with pytest.raises(UsageError, match="no log format named litelm"):
        read([path], aside=SetAside(), format="litelm")
    with pytest.raises(UsageError, match="no column acount"):
        read([path], aside=SetAside(), defaults={"acount": "x"})
    with pytest.raises(UnreadableInput):
        read([tmp_path / "none.jsonl"], aside=SetAside())


def test_the_plan_says_how_each_file_is_read(tmp_path: Path) -> None:
    write_lines(tmp_path / "log.jsonl", [row(1)])
    log = open_log([tmp_path], aside=SetAside())
    assert [(entry.file.path.name, entry.format) for entry in log.planned] == [("log.jsonl", "headwater")]
    assert pa.Table.from_batches(list(log), schema=EXCHANGE_SCHEMA).num_rows == 1


def test_built_in_readers_come_through_the_same_door_as_others() -> None:
    assert set(names()) >= {"headwater", "openai", "openai-batch", "anthropic", "anthropic-batch"}
    assert all(load(reader.name).title == reader.title for reader in load_all())


class Stranger:
    """A reader from elsewhere that fails in every way it can."""

    name = "stranger"
    title = "a stranger's format"

    def recognises(self, record: Record) -> float:
        if "boom" in record:
            raise RuntimeError("not a record of mine: " + str(record))
        return 1.0 if "strange" in record else 0.0

    def exchanges(self, record: Record, where: Where) -> Iterator[Row | BadRow]:
        yield row(1)
        raise KeyError(record["strange"])

    def finish(self) -> Iterator[tuple[Where, Row] | BadRow]:
        raise ZeroDivisionError
        yield  # type: ignore[unreachable]


class Point:
    """An entry point as importlib finds it."""

    name = "stranger"
    value = "elsewhere:Stranger"

    def __init__(self, made: Any) -> None:
        self._made = made

    def load(self) -> Any:
        if isinstance(self._made, Exception):
            raise self._made
        return self._made


def test_a_reader_that_fails_costs_its_record_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: [Point(Stranger)])
    path = write_lines(tmp_path / "log.jsonl", [{"strange": "secret"}, {"boom": "secret"}])
    table, aside = read_all(path, format="stranger")
    assert ids(table) == ["r1", "r1"][: table.num_rows]
    assert [bad.what for bad in aside.rows] == [
        "could not be read by the reader stranger (KeyError)",
        "could not be read by the reader stranger (KeyError)",
        "the reader stranger could not finish (ZeroDivisionError)",
    ]
    assert not any("secret" in str(bad) for bad in aside.rows)


@pytest.mark.parametrize("made", [ImportError("no module"), lambda: 3])
def test_a_reader_that_cannot_be_loaded_matters_only_to_who_asks(
    monkeypatch: pytest.MonkeyPatch, made: Any
) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: [Point(made)])
    assert load_all() == []
    with pytest.raises(UsageError, match="stranger"):
        load("stranger")


def test_what_is_set_aside_can_be_written_whole(tmp_path: Path) -> None:
    bad = [row(n, at="never") for n in range(20)]
    path = write_lines(tmp_path / "log.jsonl", [row(99), *bad])
    with SetAside(keep=3, sink=tmp_path / "_set_aside.jsonl") as aside:
        read_all(path, aside=aside)
    assert (aside.total, len(aside.rows)) == (20, 3)
    written = [json.loads(line) for line in (tmp_path / "_set_aside.jsonl").read_text().splitlines()]
    assert len(written) == 20
    assert written[0] == {
        "file": str(path),
        "row": 2,
        "field": "at",
        "what": "is text of length 5, not a time",
        "hint": "times are ISO 8601 with an offset, or seconds, ms, µs or ns since 1970",
    }


def test_reasons_are_few_even_in_a_hostile_log(tmp_path: Path) -> None:
    aside = SetAside(keep=1)
    for number in range(2000):
        aside.add(BadRow("is wrong", Where("f", 1, f"field{chr(0x4E00 + number)}")))
    assert aside.total == sum(aside.reasons.values()) == 2000
    assert len(aside.reasons) <= 501


def test_a_line_without_end_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LIMIT", 1000)
    monkeypatch.setattr(streams.lines, "__defaults__", (1000,))
    path = write_lines(tmp_path / "log.jsonl", [row(1), row(2, prompt="x" * 2000), row(3)])
    table, aside = read_all(path)
    assert ids(table) == ["r1", "r3"]
    assert [bad.where.row for bad in aside.rows] == [2]


def test_every_list_of_a_wrapped_document_is_read_or_counted(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"items": [row(3), 5], "data": [row(1), row(2)], "results": [], "total": 4}))
    table, aside = read_all(path)
    assert ids(table) == ["r1", "r2", "r3"]
    assert places(aside) == [(4, None, "is a number, not an object")]
