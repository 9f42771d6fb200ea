"""Imprints that are kept: the same answer as without, nothing read twice, and nothing lost by a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import headwater
from headwater import intake, investigation, kept
from headwater.errors import UnreadableInput, UsageError
from headwater.explain import dumps
from headwater.keys import ImprintKey
from investigation.worlds import SETTINGS, accounts, exchanges


def days(folder: Path, parts: int) -> Path:
    """The log in files, one after another, with a row that can't be used in each."""
    folder.mkdir()
    table = exchanges()
    size = -(-table.num_rows // parts)
    for at in range(parts):
        rows = table.slice(at * size, size).to_pylist()
        for row in rows:
            row["at"] = row["at"].isoformat()
        lines = [json.dumps(row, default=str) for row in rows]
        (folder / f"day-{at}.jsonl").write_text("\n".join([*lines, "torn {"]) + "\n", "utf-8")
    return folder


def found(log: Path, store: Path | None, **more: Any) -> dict[str, Any]:
    with headwater.investigate(log, accounts(), settings=SETTINGS, store=store, **more) as done:
        told: dict[str, Any] = json.loads(dumps(done.findings))
        told["rows"] = pa.table(done.exchanges()).sort_by("id").to_pylist()
    for name in ("seconds", "peak_bytes"):
        told.pop(name, None)
    return told


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows became imprints, call by call."""
    counted: list[int] = []
    real = intake.imprint

    def counting(texts: Any, key: ImprintKey) -> Any:
        counted.append(len(texts))
        return real(texts, key)

    monkeypatch.setattr(intake, "imprint", counting)
    monkeypatch.setattr(kept, "UNIT_BYTES", 1)
    return counted


def test_a_file_that_has_two_names_is_read_once(tmp_path: Path) -> None:
    log = days(tmp_path / "log", 2)
    alone = found(log, tmp_path / "first")
    (log / "again.jsonl").symlink_to(log / "day-0.jsonl")
    assert found(log, tmp_path / "second") == alone
    assert found(log, None) == alone


def test_a_day_more_costs_a_day(tmp_path: Path, made: list[int]) -> None:
    log, store = days(tmp_path / "log", 4), tmp_path / "store"
    last = (log / "day-3.jsonl").read_text("utf-8")
    (log / "day-3.jsonl").unlink()
    found(log, store)
    first = sum(made)
    made.clear()
    (log / "day-3.jsonl").write_text(last, "utf-8")
    again = found(log, store)
    assert 0 < sum(made) < first / 2
    made.clear()
    assert found(log, store) == again
    assert made == []
    assert again == found(log, None)
    assert again["log"]["set_aside"] == 4


def test_days_far_smaller_than_a_unit_cost_their_own_reading(
    tmp_path: Path, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "UNIT_BYTES", 1 << 30)
    log, store = days(tmp_path / "log", 5), tmp_path / "store"
    later = {name: (log / name).read_text("utf-8") for name in ("day-3.jsonl", "day-4.jsonl")}
    rows = {at: (log / f"day-{at}.jsonl").read_text("utf-8").count("\n") - 1 for at in range(5)}
    for name in later:
        (log / name).unlink()
    found(log, store)
    for at in (3, 4):
        (log / f"day-{at}.jsonl").write_text(later[f"day-{at}.jsonl"], "utf-8")
        made.clear()
        found(log, store)
        assert sum(made) == rows[at]
    # The oldest day goes: what was read with it is read again, and nothing else.
    (log / "day-0.jsonl").unlink()
    made.clear()
    last = found(log, store)
    assert sum(made) == rows[1] + rows[2]
    assert last == found(log, None)


def test_a_file_that_changes_or_goes_is_no_longer_there(tmp_path: Path, made: list[int]) -> None:
    log, store = days(tmp_path / "log", 3), tmp_path / "store"
    found(log, store)
    (log / "day-0.jsonl").unlink()
    changed = (log / "day-1.jsonl").read_text("utf-8").splitlines()
    (log / "day-1.jsonl").write_text("\n".join(changed[5:]) + "\n", "utf-8")
    assert found(log, store) == found(log, None)
    assert len(list(store.glob("part-*.parquet"))) == 2


def test_large_parquet_is_kept_by_groups_of_rows(
    tmp_path: Path, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "UNIT_ROWS", 700)
    table = exchanges()
    pq.write_table(table, tmp_path / "log.parquet", row_group_size=300)
    answer = found(tmp_path / "log.parquet", tmp_path / "store")
    assert len(list((tmp_path / "store").glob("part-*.parquet"))) == -(-table.num_rows // 900)
    assert sum(made) == table.num_rows
    assert answer == found(tmp_path / "log.parquet", None)


def test_another_key_or_another_way_of_reading_is_refused(tmp_path: Path) -> None:
    log, store = days(tmp_path / "log", 1), tmp_path / "store"
    found(log, store)
    with pytest.raises(UsageError, match="another imprint key"):
        found(log, store, key=ImprintKey(bytes(range(32))))
    with pytest.raises(UsageError, match="another way of reading"):
        found(log, store, defaults={"model": "m"})
    (store / kept.MANIFEST).write_text("{", "utf-8")
    with pytest.raises(UnreadableInput, match="is damaged"):
        found(log, store)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    log = days(tmp_path / "log", 1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", "utf-8")
    with pytest.raises(UsageError, match="holds no imprints"):
        found(log, tmp_path / "mine")
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / kept.FAR_MANIFEST).write_text("{}", "utf-8")
    with pytest.raises(UsageError, match="that a cluster made"):
        found(log, tmp_path / "cluster")
    with pytest.raises(UsageError, match="that one machine made"):
        kept.refuse_others([kept.MANIFEST, "part-000000.parquet"], "s3://bucket/prefix")
    with pytest.raises(UsageError, match="lies in the log"):
        found(log, log / "store")
    with pytest.raises(UsageError, match="of files only"):
        headwater.investigate(exchanges(), store=tmp_path / "store")


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    log, store = days(tmp_path / "log", 1), tmp_path / "store"
    with (
        headwater.investigate(log, settings=SETTINGS, store=store),
        pytest.raises(UsageError, match="used by another run"),
    ):
        found(log, store)
    found(log, store)


@pytest.mark.parametrize("torn", [False, True])
def test_a_part_that_was_lost_or_torn_is_read_again(torn: bool, tmp_path: Path, made: list[int]) -> None:
    log, store = days(tmp_path / "log", 3), tmp_path / "store"
    answer = found(log, store)
    part = sorted(store.glob("part-*.parquet"))[1]
    if torn:
        part.write_bytes(part.read_bytes()[:-100])
    else:
        part.unlink()
    made.clear()
    assert found(log, store) == answer
    assert sum(made) > 0


KILLED = """
import sys, time
from headwater import intake, investigation, kept
kept.UNIT_BYTES = 1
real = intake.imprint
def slow(texts, key):
    time.sleep(0.3)
    return real(texts, key)
intake.imprint = slow
import headwater
headwater.investigate(sys.argv[1], store=sys.argv[2])
"""


@pytest.mark.parametrize("whole", [1, 3])
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, made: list[int], whole: int) -> None:
    log, store = days(tmp_path / "log", 6), tmp_path / "store"
    run = subprocess.Popen([sys.executable, "-c", KILLED, str(log), str(store)])
    for _ in range(600):
        if len(list(store.glob("part-*.parquet"))) >= whole:
            break
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    there = len(json.loads((store / kept.MANIFEST).read_text("utf-8"))["units"])
    assert there >= whole - 1
    answer = found(log, store)
    assert len(made) <= 6 - there
    assert answer == found(log, None)


def test_a_log_in_the_folder_of_imprints_is_refused_and_stays(tmp_path: Path) -> None:
    store = tmp_path / "store"
    found(days(tmp_path / "log", 2), store)
    mine = store / "part-00000-1f3e.parquet"
    pq.write_table(exchanges(), mine)
    with pytest.raises(UsageError, match="lies in the folder of imprints"):
        headwater.investigate(mine, store=store)
    found(tmp_path / "log", store)
    assert pq.read_table(mine).equals(exchanges())


@pytest.mark.parametrize("torn", [False, True])
def test_a_list_of_rows_set_aside_that_was_lost_or_torn_is_made_again(
    torn: bool, tmp_path: Path, made: list[int]
) -> None:
    log, store = days(tmp_path / "log", 3), tmp_path / "store"
    first = found(log, store)
    sink = sorted(store.glob("aside-*.jsonl"))[1]
    whole = sink.read_bytes()
    if torn:
        sink.write_bytes(whole[: len(whole) // 2])
    else:
        sink.unlink()
    made.clear()
    assert found(log, store) == first
    assert 0 < sum(made) < exchanges().num_rows / 2
    assert sum(path.read_bytes() == whole for path in store.glob("aside-*.jsonl")) == 1


def test_a_part_torn_in_the_middle_is_named(tmp_path: Path) -> None:
    log, store = days(tmp_path / "log", 2), tmp_path / "store"
    found(log, store)
    part = next(store.glob("part-*.parquet"))
    data = bytearray(part.read_bytes())
    data[len(data) // 10 : len(data) // 2] = b"\xff" * (len(data) // 2 - len(data) // 10)
    part.write_bytes(data)
    with pytest.raises(UnreadableInput, match="imprints that can't be read"):
        found(log, store)


def test_a_file_is_no_folder_of_imprints(tmp_path: Path) -> None:
    log = days(tmp_path / "log", 2)
    (tmp_path / "store").write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="is no folder"):
        found(log, tmp_path / "store")
    assert (tmp_path / "store").read_text("utf-8") == "mine"


@pytest.fixture
def sorted_anew(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many rows an index was made, call by call."""
    counted: list[int] = []
    real = investigation.arrange

    def counting(spool: Any, *more: Any) -> Any:
        counted.append(spool.rows)
        return real(spool, *more)

    monkeypatch.setattr(investigation, "arrange", counting)
    return counted


def test_rows_are_put_in_order_once(tmp_path: Path, sorted_anew: list[int]) -> None:
    log, store = days(tmp_path / "log", 3), tmp_path / "store"
    first = found(log, store)
    assert found(log, store) == first
    assert len(sorted_anew) == 1
    (log / "day-2.jsonl").unlink()
    fewer = found(log, store)
    assert len(sorted_anew) == 2
    assert fewer == found(log, None)
    assert fewer["log"]["exchanges"] < first["log"]["exchanges"]


def test_an_index_that_is_damaged_is_made_again(tmp_path: Path, sorted_anew: list[int]) -> None:
    log, store = days(tmp_path / "log", 2), tmp_path / "store"
    first = found(log, store)
    whole = (store / kept.INDEX).read_bytes()
    size = len(whole)
    torn = [whole[:cut] for cut in (0, 7, size // 3, size - 1)]
    zeroed = [
        whole[:at] + bytes(min(512, size - at)) + whole[at + 512 :] for at in (200, size // 2, size - 400)
    ]
    turned = [whole[:at] + bytes([whole[at] ^ 64]) + whole[at + 1 :] for at in range(3, size, size // 9)]
    for damaged in (*torn, *zeroed, *turned, b"", os.urandom(5000)):
        (store / kept.INDEX).write_bytes(damaged)
        sorted_anew.clear()
        assert found(log, store) == first
        assert len(sorted_anew) == 1
        assert (store / kept.INDEX).read_bytes() == whole


def test_where_an_index_cant_be_kept_the_answer_is_the_same(tmp_path: Path, sorted_anew: list[int]) -> None:
    log, store = days(tmp_path / "log", 2), tmp_path / "store"
    first = found(log, store)
    (store / kept.INDEX).unlink()
    (store / kept.INDEX).mkdir()
    assert found(log, store) == first
    assert not list(store.glob(f".{kept.INDEX}"))
    (store / kept.INDEX).rmdir()
    (store / f".{kept.INDEX}").mkdir()
    assert found(log, store) == first
