"""A machine of the cluster dies in the middle of a job (SIGKILL to all processes of a worker): the answer stays."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import headwater
from engine.logs import SCHEMA, row
from engine.spark.logs import by_day, told
from engine.spark.standalone import CLUSTERED, Standalone, standalone
from headwater import kept
from headwater.engine import Spool
from investigation.worlds import SAMPLE, SETTINGS

pytestmark = CLUSTERED


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    with standalone(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_day(pq.read_table(SAMPLE / "exchanges.parquet"), tmp_path_factory.mktemp("sample") / "log")


@pytest.fixture(scope="module")
def expected(log: Path) -> dict[str, Any]:
    return told(headwater.investigate(log, SAMPLE / "accounts.parquet", settings=SETTINGS))


@dataclass
class Killing:
    """Kills a worker once `ready` says so; `when` is what was going on."""

    cluster: Standalone
    ready: Callable[[], str | None]
    when: str | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Killing:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.is_set():
            self.when = self.ready()
            if self.when is not None:
                self.cluster.kill_a_worker()
                return
            time.sleep(0.02)


def test_while_imprints_are_made(
    standing: Standalone,
    log: Path,
    expected: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standing.restore()
    monkeypatch.setattr(kept, "UNIT_ROWS", 8 * 250)
    units = tmp_path / "store" / "units"

    def some_are_made() -> str | None:
        done = len(list(units.glob("*.json"))) if units.exists() else 0
        return f"{done} units" if done >= 2 else None

    with Killing(standing, some_are_made) as killing:
        found = headwater.investigate(
            log,
            SAMPLE / "accounts.parquet",
            settings=SETTINGS,
            engine=standing.master,
            store=tmp_path / "store",
        )
    with found:
        every = len(list(units.glob("*.json")))
        assert killing.when is not None
        assert int(killing.when.split()[0]) < every
        assert told(found) == expected
        # Nothing half-made is left, and nothing twice.
        names = {part for unit in receipts(tmp_path / "store") for part in unit}
        assert {f"parts/{path.name}" for path in (tmp_path / "store" / "parts").iterdir()} == names


def receipts(store: Path) -> Iterator[list[str]]:
    import msgspec

    for path in (store / "units").iterdir():
        unit = msgspec.json.decode(path.read_bytes(), type=kept.Unit)
        yield [part.name for part in unit.parts]


def test_while_rows_are_folded(
    standing: Standalone, log: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    standing.restore()
    begun = threading.Event()

    def told_of(stage: str, *_: object) -> None:
        if stage == "learn what is usual":
            begun.set()  # the next pass is about to run

    def folding() -> str | None:
        return "folding" if begun.wait(0.1) else None

    with (
        Killing(standing, folding) as killing,
        headwater.investigate(
            log,
            SAMPLE / "accounts.parquet",
            settings=SETTINGS,
            engine=standing.master,
            store=tmp_path / "store",
            progress=told_of,
        ) as found,
    ):
        assert killing.when == "folding"
        assert told(found) == expected


def test_in_the_middle_of_a_fold(standing: Standalone, tmp_path: Path) -> None:
    from headwater.engine.spark import Rows, Spark, Store, connect

    standing.restore()
    spool = Spool(tmp_path / "spool", SCHEMA)
    with spool:
        for at in range(12):
            rows = [row(at * 10 + n, f"account-{n}", at * 10 + n) for n in range(10)]
            spool.append(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))
            spool.cut()
    cluster = connect(standing.master)
    laid = Spark(cluster, Rows(Store(spool.folder), spool.schema, tuple(spool.parts)))
    marks = tmp_path / "marks"
    marks.mkdir()

    def work(batches: Iterator[pa.RecordBatch]) -> list[int]:
        found = []
        for batch in batches:
            found += batch.column("row").to_pylist()
            (marks / f"{found[0]}-{os.getpid()}").write_text("begun")
            time.sleep(1.5)
        return found

    def begun() -> str | None:
        # Both executors are at work, and there is more to do than they have begun.
        count = len(list(marks.iterdir()))
        return f"{count} begun" if count >= 3 else None

    with Killing(standing, begun) as killing:
        found = laid.fold(["row"], work, lambda left, right: left + right, tuple)
    laid.close()
    # Two that begin within one look make four.
    assert killing.when in {"3 begun", "4 begun"}
    assert found == tuple(range(120))
    times = [path.name.partition("-")[0] for path in marks.iterdir()]
    assert len(times) > len(set(times))  # what was lost was done again


def test_a_driver_that_is_killed_goes_on_where_it_was(
    standing: Standalone, log: Path, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing.restore()
    monkeypatch.setattr(kept, "UNIT_ROWS", 8 * 1000)
    asked: dict[str, Any] = {"settings": SETTINGS, "engine": standing.master, "store": tmp_path / "store"}

    def stopped(stage: str, *_: object) -> None:
        if stage == "read and imprint":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        headwater.investigate(log, SAMPLE / "accounts.parquet", **asked, progress=stopped)
    lost = sorted((tmp_path / "store" / "units").iterdir())[0]
    lost.unlink()  # as if the last one hadn't been whole
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "store" / "parts").iterdir()}
    with headwater.investigate(log, SAMPLE / "accounts.parquet", **asked) as found:
        assert told(found) == expected
        after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "store" / "parts").iterdir()}
    same = [name for name in before if after[name] == before[name]]
    assert len(same) == len(before) - 1
