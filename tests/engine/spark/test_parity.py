"""A log investigated on a cluster and on one machine: the same rings, as sure, and no exchange sent back."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import headwater
from engine.spark.logs import ROWS, by_day, large, strength, told
from engine.spark.standalone import CLUSTERED, Standalone
from headwater import kept
from headwater.cli.app import run
from headwater.explain import load
from headwater.investigation import Investigation
from headwater.keys import ImprintKey
from investigation.worlds import HIDDEN, SAMPLE, SETTINGS, accounts, exchanges

pytestmark = CLUSTERED
KEY = ImprintKey(bytes(range(100, 132)))
#: Of each row of a ring's member, which the harvest brings to the driver.
HARVEST_BYTES = 54
#: Of each exchange of a log whose texts nearly all come again and again: counts by account and text.
COUNTS_BYTES = 170


@dataclass
class Received:
    """Bytes that jobs brought to this process, counted where PySpark hands them over."""

    total: int = 0
    rows: int = 0


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Received:
    from pyspark import RDD
    from pyspark.sql.classic.dataframe import DataFrame

    out = Received()
    collect, arrow = RDD.collect, DataFrame.toArrow

    def collected(self: Any) -> Any:
        found = collect(self)
        out.total += sum(map(len, found))
        out.rows += len(found)
        return found

    def as_arrow(self: Any) -> Any:
        found = arrow(self)
        out.total += found.nbytes
        out.rows += found.num_rows
        return found

    def never(self: Any, *_: Any) -> Any:
        raise AssertionError("rows were sent to the driver by another way")

    monkeypatch.setattr(RDD, "collect", collected)
    monkeypatch.setattr(DataFrame, "toArrow", as_arrow)
    for name in ("collect", "toPandas", "toLocalIterator", "head", "take"):
        monkeypatch.setattr(DataFrame, name, never)
    return out


def hides(key: ImprintKey, *folders: Path) -> bool:
    """Whether no file in the folders holds the key."""
    forms = (key.secret, key.secret.hex().encode())
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return not any(form in file.read_bytes() for file in files for form in forms)


def test_200_000_exchanges_give_the_same_answer(
    standing: Standalone, tmp_path: Path, received: Received, capsys: pytest.CaptureFixture[str]
) -> None:
    log, owners = large(tmp_path)
    began = time.monotonic()
    local = headwater.investigate(log, owners, key=KEY)
    between = time.monotonic()
    found = headwater.investigate(log, owners, key=KEY, engine=standing.master, store=tmp_path / "store")
    ended = time.monotonic()
    assert local.findings.log.exchanges >= ROWS
    assert local.campaigns
    expected, got = strength(local), strength(found)
    assert got.keys() == expected.keys()
    for ring, (odds, probability) in expected.items():
        assert got[ring] == pytest.approx((odds, probability), abs=1e-6)
    assert found.findings.log.set_aside == local.findings.log.set_aside == 8
    assert found.findings.log.duplicates == local.findings.log.duplicates > 0
    assert told(found) == told(local)
    assert_no_exchanges_come(found, received)
    written(local, found, tmp_path)
    found.close()
    assert hides(KEY, standing.folder, tmp_path / "store")
    with capsys.disabled():
        print(f"\n200 k exchanges: {between - began:.0f} s here, {ended - between:.0f} s on the cluster")


def assert_no_exchanges_come(found: Investigation, received: Received) -> None:
    """What comes is what folds came to, such as counts by account and text; rows of members come with the last one."""
    every = found._log.cluster.received  # type: ignore[attr-defined]
    assert received.total == sum(size for _, size in every)
    assert received.rows < ROWS / 10
    harvest = HARVEST_BYTES * len(found._detection.harvest.row)
    by_what: dict[str, int] = {}
    for what, size in every:
        by_what[what] = by_what.get(what, 0) + size
    assert by_what["read and imprint"] < 100_000
    assert received.total - harvest < COUNTS_BYTES * ROWS


def written(local: Investigation, found: Investigation, folder: Path) -> None:
    """The outputs of both; annotated exchanges lie in the store, in several files that executors wrote."""
    local.write(folder / "local")
    found.write(folder / "report")
    assert not (folder / "report" / "exchanges.parquet").exists()
    assert found.elsewhere == str(folder / "store" / "exchanges.parquet")
    assert len(list((folder / "store" / "exchanges.parquet").iterdir())) > 1
    annotated = pq.read_table(found.elsewhere)
    assert annotated.sort_by("id").equals(pq.read_table(folder / "local" / "exchanges.parquet").sort_by("id"))
    for name in ("accounts.parquet", "set_aside.jsonl"):
        assert (folder / "report" / name).read_bytes() == (folder / "local" / name).read_bytes()


def test_the_sample_from_the_command_line(standing: Standalone, tmp_path: Path) -> None:
    asked = ["investigate", str(SAMPLE / "exchanges.parquet"), "--accounts", str(SAMPLE / "accounts.parquet")]
    asked += ["--quiet", "--color", "never"]
    assert run([*asked, "-o", str(tmp_path / "local")]) == 0
    cluster = ["--engine", standing.master, "--store", str(tmp_path / "store")]
    assert run([*asked, *cluster, "-o", str(tmp_path / "report")]) == 0
    local, found = load(tmp_path / "local"), load(tmp_path / "report")
    assert found.campaigns == local.campaigns
    assert found.considered == local.considered
    assert pq.read_table(tmp_path / "store" / "exchanges.parquet").num_rows == local.log.exchanges


def test_a_day_more_costs_a_day(
    standing: Standalone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "UNIT_ROWS", 8 * 600)
    log, store = by_day(exchanges(), tmp_path / "log"), tmp_path / "store"
    days = sorted(log.iterdir())
    days[-1].rename(tmp_path / "later")

    def run(**more: Any) -> tuple[dict[str, Any], dict[str, int]]:
        with headwater.investigate(log, accounts(), settings=HIDDEN, key=KEY, **more) as found:
            there = store / "parts"
            files = {p.name: p.stat().st_mtime_ns for p in there.iterdir()} if there.exists() else {}
            return told(found), files

    _, first = run(engine=standing.master, store=store)
    (tmp_path / "later").rename(days[-1])
    again, second = run(engine=standing.master, store=store)
    kept_on = {name for name, when in first.items() if second.get(name) == when}
    assert len(kept_on) >= len(first) - 1
    assert again == run()[0]
    # No prompt is anywhere where imprints only were asked for.
    prompts = exchanges().column("prompt").to_pylist()[::500]
    for part in (store / "parts").iterdir():
        assert "prompt" not in pq.read_schema(part).names
        assert not any(prompt.encode()[:60] in part.read_bytes() for prompt in prompts)
    with pytest.raises(headwater.errors.UsageError, match="another imprint key"):
        headwater.investigate(log, settings=HIDDEN, engine=standing.master, store=store)


def test_on_this_machine_alone_it_needs_no_store(standing: Standalone, tmp_path: Path) -> None:
    pq.write_table(exchanges(), tmp_path / "log.parquet")
    local = headwater.investigate(tmp_path / "log.parquet", accounts(), settings=SETTINGS)
    with headwater.investigate(
        tmp_path / "log.parquet", accounts(), settings=SETTINGS, engine="local[2]"
    ) as found:
        assert told(found) == told(local)
        assert pa.table(found.exchanges()).equals(pa.table(local.exchanges()))
        found.write(tmp_path / "far")
    local.write(tmp_path / "near")
    far, near = (pq.read_table(tmp_path / name / "exchanges.parquet") for name in ("far", "near"))
    assert far.sort_by("id").equals(near.sort_by("id"))
    assert os.environ["PYSPARK_PYTHON"]
