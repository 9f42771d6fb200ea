"""Broken input of every kind, and the exact words a person reads about it (`tests/messages/exchange-*.txt`).

Each case writes files into the folder `logs` and reads them. The message file holds what was read and what
was said; run with HEADWATER_WRITE_MESSAGES=1 to write the files again, and review the difference.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exchange.logs import AT, row, write_lines
from headwater.errors import BadRow, HeadwaterError
from headwater.exchange import SetAside, formats, read, read_accounts, streams
from headwater.exchange.readers import Record, Row

MESSAGES = Path(__file__).parents[1] / "messages"
WRITE = bool(os.environ.get("HEADWATER_WRITE_MESSAGES"))
LOGS = Path("logs")
SECRET = "the prompt itself"

Case = Callable[[], dict[str, Any] | None]
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    CASES[make.__name__.replace("_", "-")] = make
    return make


def log(*records: Any, name: str = "log.jsonl") -> Path:
    return write_lines(LOGS / name, records)


def good(number: int = 1, **other: Any) -> dict[str, Any]:
    return row(number, **{"prompt": SECRET, **other})


@case
def torn_gzip() -> None:
    packer = zlib.compressobj(wbits=31)
    whole = b"".join(packer.compress(json.dumps(good(n)).encode() + b"\n") for n in range(3))
    whole += packer.flush(zlib.Z_SYNC_FLUSH)  # all that was given so far is in the bytes so far
    whole += packer.compress(json.dumps(good(4)).encode())
    (LOGS / "log.jsonl.gz").write_bytes(whole)
    log(good(99))


@case
def torn_csv() -> None:
    packer = zlib.compressobj(wbits=31)
    whole = packer.compress(
        b'id,at,account,prompt\nr1,%b,a,ok\nr2,%b,a,"of two\nlines' % (AT.encode(), AT.encode())
    )
    (LOGS / "log.csv.gz").write_bytes(whole + packer.flush(zlib.Z_SYNC_FLUSH))


@case
def torn_zstd_document() -> None:
    parts = []
    for text in (json.dumps([good(1), good(2)])[:-1] + ",", json.dumps(good(3))):
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as out:
            out.write(text.encode())
        parts.append(sink.getvalue().to_pybytes())
    (LOGS / "log.json.zst").write_bytes(parts[0] + parts[1][:-8])


@case
def torn_parquet() -> None:
    pq.write_table(pa.table({"id": ["a"]}), LOGS / "log.parquet")
    (LOGS / "log.parquet").write_bytes((LOGS / "log.parquet").read_bytes()[:-20])


@case
def torn_parquet_among_others() -> None:
    torn_parquet()
    log(good())


@case
def document_that_ends_early() -> None:
    (LOGS / "log.json").write_text(json.dumps([good(1), good(2)])[:-20])


@case
def invalid_utf8() -> None:
    broken = json.dumps(good(2)).encode().replace(b"the prompt", b"the \xff prompt")
    log(good(1), broken, good(3))


@case
def invalid_utf8_in_csv() -> None:
    (LOGS / "log.csv").write_bytes(
        b"id,at,account,prompt\nr1,%b,a,ok\nr2,%b,a,\xff\n" % (AT.encode(), AT.encode())
    )


@case
def utf16() -> None:
    (LOGS / "log.jsonl").write_bytes(json.dumps(good()).encode("utf-16"))


@case
def no_json() -> None:
    log(good(1), b'{"id": "r2", "at": oops}', b'{"id": "r3"', b"  ", good(4))


@case
def nested_too_deep() -> None:
    log(b'{"a":' * 100_000, good(2))


@case
def records_that_are_no_objects() -> None:
    log(good(), [1, 2], "text of somebody", 5, None, True)


@case
def wrong_types() -> None:
    log(
        good(1, id=["r1"]),
        good(2, at="yesterday"),
        good(3, at={"seconds": 1}),
        good(4, account=True),
        good(5, prompt={"text": SECRET}),
        good(6, temperature=SECRET, max_tokens=2**80, stream="perhaps", model={"name": SECRET}),
        good(7, id="x" * 5000),
    )


@case
def what_is_required_is_missing() -> None:
    log(
        *(
            {k: v for k, v in good(n).items() if k != name}
            for n, name in enumerate(("id", "at", "account", "prompt"))
        )
    )


@case
def clock_skew() -> None:
    ahead = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    log(
        good(1),
        good(2, at=ahead),
        good(3, at="1999-12-31T23:59:59Z"),
        good(4, at=0),
        good(5, at="4026-01-01T00:00:00Z"),
    )


@case
def times_without_a_zone() -> None:
    log(good(1, at="2026-03-04 05:06:07"), good(2, at="2026-03-04T05:06:07"))


@case
def column_missing_halfway() -> None:
    at = pa.array([datetime.fromisoformat(AT)], pa.timestamp("us", "UTC"))
    whole = pa.table({"id": ["r1"], "at": at, "account": ["a"], "prompt": [SECRET], "ip": ["10.0.0.1"]})
    pq.write_table(whole, LOGS / "1.parquet")
    pq.write_table(whole.drop_columns(["ip"]), LOGS / "2.parquet")
    pq.write_table(whole.drop_columns(["account"]), LOGS / "3.parquet")


@case
def csv_rows_that_do_not_fit() -> None:
    at = AT.encode()
    (LOGS / "log.csv").write_bytes(
        b'id,at,account,prompt\nr1,%b,a\nr2,%b,a,b,c,d\nr3,%b,a,p\n\nr4,%b,a,"unfinished\n' % (at, at, at, at)
    )


@case
def csv_quotes_that_nobody_closed() -> None:
    """They swallow the rows behind them, up to the next quote or the end of the file."""
    rows = [f"r{n},{AT},a,p" for n in range(1, 9)]
    rows[1] = f'r2,{AT},a,"opened'
    rows[3] = f'r4,{AT},a,"of two\nlines"'
    rows[5] = f'r6,{AT},a,"opened again'
    (LOGS / "log.csv").write_text("\n".join(["id,at,account,prompt", *rows]) + "\n")


@case
def csv_without_a_header() -> None:
    """Its first row is content: no message may hold it."""
    (LOGS / "log.csv").write_text(f"sk-live-1,{AT},alice,{SECRET}\ni2,{AT},bob,{SECRET}\n")
    log(good())


@case
def accounts_without_a_header() -> dict[str, Any]:
    (LOGS / "accounts.csv").write_text(f"sk-live-1,{SECRET},alice@example.com,+49 30 1234\n" * 2)
    return {"accounts": ["logs/accounts.csv"]}


@case
def csv_of_an_old_mac() -> None:
    (LOGS / "log.csv").write_text(f"id,at,account,prompt\rr1,{AT},a,p\r")
    log(good())


@case
def csv_with_one_column_twice() -> None:
    (LOGS / "log.csv").write_text(f"id,at,account,,prompt,,prompt\nr1,{AT},a,,p,,q\n")


@case
def parquet_with_one_column_twice() -> None:
    columns = [pa.array([value]) for value in ("r1", AT, "a", "p", "q")]
    table = pa.Table.from_arrays(columns, names=["id", "at", "account", "prompt", "prompt"])
    pq.write_table(table, LOGS / "log.parquet")


@case
def times_beyond_what_can_be_counted() -> None:
    times = [1_767_225_600_000, 1 << 62, -(1 << 62), 18_448_511_299_309_552]
    columns = {"id": ["r1", "r2", "r3", "r4"], "account": ["a"] * 4, "prompt": [SECRET] * 4}
    at = pa.array(times, pa.timestamp("ms", "UTC"))
    pq.write_table(pa.table({**columns, "at": at}), LOGS / "log.parquet")


@case
def otlp_containers_of_wrong_types() -> None:
    told = [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}]
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "chat", "attributes": told}
    fine = {"resourceSpans": [{"scopeSpans": [{"spans": []}]}]}
    log(
        fine,
        {"resourceSpans": [{"scopeSpans": [{"spans": span}]}]},
        {"resourceSpans": [{"scopeSpans": {"spans": [span]}}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [7, {**span, "attributes": "chat"}]}]}]},
        {"resourceSpans": ["text"]},
        {"resourceLogs": [{"scopeLogs": [{"logRecords": 1}]}]},
        {**span, "attributes": 5},
        fine,
    )


@case
def langfuse_observations_of_no_kind() -> None:
    seen = {"id": "1", "traceId": "t", "startTime": AT, "userId": "u", "input": SECRET}
    kinds = ["GENERATION", None, "REASONING", ["GENERATION"], "SPAN"]
    log(*({**seen, "id": str(number), "type": kind} for number, kind in enumerate(kinds)))


@case
def too_many_values() -> None:
    """A record of 9 MB that would take 200 in memory."""
    large = json.dumps(good(2))[:-1] + ', "extra": [' + "[]," * 3_100_000 + "0]}"
    log(good(), large.encode(), good(3))


@case
def too_long() -> dict[str, Any]:
    log(good(1), good(2, prompt="x" * 5000), good(3))
    return {"limit": 1000}


@case
def unknown_format() -> None:
    log({"event_type": "api", "colour": "red", "\x1b[31mred": 1, "k" * 100: 2, "payload": {"text": SECRET}})


@case
def nearly_known_format() -> None:
    log({"id": "1", "at": AT, "user": "a", "text": SECRET})


@case
def ambiguous_format() -> dict[str, Any]:
    log({"either": 1})
    return {"readers": [Claims("one"), Claims("two")]}


@case
def empty_folder() -> None:
    (LOGS / "README.md").write_text("nothing here")


@case
def no_such_path() -> dict[str, Any]:
    log(good())
    return {"paths": ["logs/lag.jsonl"]}


@case
def pipe() -> dict[str, Any]:
    os.mkfifo(LOGS / "log.jsonl")
    return {"paths": ["logs/log.jsonl"]}


@case
def unknown_kind_of_file() -> dict[str, Any]:
    (LOGS / "log.bin").write_bytes(b"\x00\x01\x02")
    return {"paths": ["logs/log.bin"]}


@case
def unknown_format_name() -> dict[str, Any]:
    log(good())
    return {"format": "litelm"}


@case
def unknown_column_to_set() -> dict[str, Any]:
    log(good())
    return {"defaults": {"acount": "acme"}}


@case
def unusable_value_to_set() -> dict[str, Any]:
    log(good())
    return {"defaults": {"at": "tomorrow"}}


@case
def mapping_with_a_wrong_column() -> dict[str, Any]:
    log(good())
    Path("map.toml").write_text('id = "id"\nprmpt = "text"\n')
    return {"mapping": "map.toml"}


@case
def mapping_that_is_no_toml() -> dict[str, Any]:
    log(good())
    Path("map.toml").write_text('id = "id"\nat = \n')
    return {"mapping": "map.toml"}


@case
def mapping_without_what_every_exchange_needs() -> dict[str, Any]:
    log(good())
    Path("map.toml").write_text('id = "id"\nmodel = "model"\n')
    return {"mapping": "map.toml", "defaults": {"at": "2026-03-02T00:00:00Z"}}


@case
def mapping_that_is_not_there() -> dict[str, Any]:
    log(good())
    Path("map.toml").write_text('id = "id"\n')
    return {"mapping": "mop.toml"}


@case
def mapping_that_finds_nothing() -> dict[str, Any]:
    log(good())
    return {"mapping": {"id": "id", "at": "at", "account": ["key.hash", "key.id"], "prompt": "prompt"}}


@case
def batch_halves() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": SECRET}]}
    answer = {
        "status_code": 200,
        "request_id": "q",
        "body": {"id": "c1", "object": "chat.completion", "choices": []},
    }
    log(
        {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": body},
        {"custom_id": "2", "method": "POST", "url": "/v1/chat/completions", "body": body},
        {"custom_id": "2", "method": "POST", "url": "/v1/chat/completions", "body": body},
        {"id": "b", "custom_id": "9", "response": answer, "error": None},
    )


@case
def account_table_without_accounts() -> dict[str, Any]:
    write_lines(LOGS / "accounts.jsonl", [{"user": "a", "tier": "free"}])
    return {"accounts": ["logs/accounts.jsonl"]}


class Claims:
    """A reader that knows every record."""

    title = "a format"

    def __init__(self, name: str) -> None:
        self.name = name

    def recognises(self, record: Record) -> float:
        return 0.9

    def exchanges(self, record: Record, where: Any) -> Iterator[Row | BadRow]:
        yield {}


def transcript(options: dict[str, Any]) -> str:
    """What is read and what is said, as a door would word it."""
    aside = SetAside()
    said: list[str] = []
    rows = 0
    try:
        if "accounts" in options:
            rows = read_accounts(options["accounts"], aside).num_rows
        else:
            rows = sum(
                batch.num_rows for batch in read(options.pop("paths", ["logs"]), aside=aside, **options)
            )
    except HeadwaterError as error:
        said += [f"error: {error}", *([f"hint: {error.hint}"] if error.hint else [])]
    for bad in aside.rows:
        said += [f"set aside: {bad.where}: {bad.what}", *([f"    hint: {bad.hint}"] if bad.hint else [])]
    said += [f"note: {count} × {what}" for what, count in sorted(aside.notices.items())]
    assert aside.total == len(aside.rows)
    return "\n".join([f"{rows} good rows, {aside.total} set aside", *said]) + "\n"


@pytest.mark.parametrize("name", CASES)
def test_messages(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    LOGS.mkdir()
    options = CASES[name]() or {}
    if "limit" in options:
        limit = options.pop("limit")
        monkeypatch.setattr(streams.lines, "__defaults__", (limit,))
    if "readers" in options:
        readers = options.pop("readers")
        monkeypatch.setattr(formats, "load_all", lambda: readers)
    said = transcript(options)
    path = MESSAGES / f"exchange-{name}.txt"
    if WRITE:
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")
    assert SECRET not in said
    assert "\x1b" not in said


def test_every_message_file_has_its_case() -> None:
    assert {path.stem for path in MESSAGES.glob("exchange-*.txt")} == {f"exchange-{name}" for name in CASES}


def test_what_is_not_read_is_said_in_all_forms_alike(tmp_path: Path) -> None:
    """Rows, sheets and tables word one fault in the same way."""
    early = good(1, at="1999-12-31T23:59:59Z")
    log_path = write_lines(tmp_path / "a.jsonl", [early])
    (tmp_path / "a.csv").write_text("id,at,account,prompt\nr1,1999-12-31T23:59:59Z,a1,p\n")
    at = pa.array([datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    pq.write_table(
        pa.table({"id": ["r1"], "at": at, "account": ["a"], "prompt": ["p"]}), tmp_path / "a.parquet"
    )
    said = set()
    for path in (log_path, tmp_path / "a.csv", tmp_path / "a.parquet"):
        aside = SetAside()
        assert list(read([path], aside=aside)) == []
        said.add((aside.rows[0].what, aside.rows[0].where.row, aside.rows[0].where.field, aside.rows[0].hint))
    assert len(said) == 1
