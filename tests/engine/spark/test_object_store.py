"""Logs and stores in an object store that speaks S3: a server of its own on the loopback interface."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.fs as fs
import pyarrow.parquet as pq
import pytest

import headwater
from engine.spark.logs import by_day, told
from engine.spark.standalone import AWS, CLUSTERED, SECRET, Standalone
from headwater import kept
from headwater.engine.spark import Store
from headwater.errors import UnreadableInput, UsageError
from headwater.exchange import SetAside
from headwater.object_logs import objects, sparse_copy
from investigation.worlds import SETTINGS, accounts, exchanges

pytestmark = [
    *CLUSTERED,
    pytest.mark.skipif(find_spec("moto") is None, reason="moto is not installed (make .venv/.spark)"),
]


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What follows a bucket's URI, for a server that is there as long as this module."""
    from moto.server import ThreadedMotoServer

    with pytest.MonkeyPatch.context() as patch:
        for name, value in AWS.items():
            patch.setenv(name, value)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        server.start()
        _, port = server.get_host_and_port()
        yield f"?scheme=http&endpoint_override=127.0.0.1%3A{port}&region=us-east-1&allow_bucket_creation=true"
        server.stop()


@pytest.fixture
def bucket(options: str, request: pytest.FixtureRequest) -> str:
    name = request.node.name.replace("_", "-")[:50].strip("-")
    system, _ = fs.FileSystem.from_uri(f"s3://{name}{options}")
    system.create_dir(name)
    return name


def uploaded(folder: Path, uri: str) -> str:
    store = Store(uri)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            store.put(path, path.relative_to(folder).as_posix())
    return uri


def test_a_log_and_a_store_in_buckets(
    standing: Standalone, options: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "UNIT_ROWS", 8 * 700)
    log = by_day(exchanges(), tmp_path / "log", row_group_size=150)
    (log / "_SUCCESS").write_text("")
    uri = uploaded(log, f"s3://{bucket}/logs/api{options}")
    store = f"s3://{bucket}/imprints{options}"
    local = told(headwater.investigate(log, accounts(), settings=SETTINGS))
    with headwater.investigate(
        uri, accounts(), settings=SETTINGS, engine=standing.master, store=store
    ) as found:
        assert without_names(told(found)) == without_names(local)
        found.write(tmp_path / "report")
        assert found.elsewhere == f"s3://{bucket}/imprints/exchanges.parquet"
        there = Store(store).files("exchanges.parquet")
        rows = sum(Store(store).parquet(name).metadata.num_rows for name in there)
        assert rows == found.findings.log.exchanges
    names = list(Store(store).files())
    assert not [name for name in names if name.startswith("index-")]
    assert len([name for name in names if name.startswith("units/")]) > 3
    report = (tmp_path / "report" / "campaigns.json").read_text("utf-8")
    assert SECRET not in report
    assert "endpoint_override" not in report
    with pytest.raises(UsageError, match="lies in the log"):
        headwater.investigate(uri, engine=standing.master, store=f"s3://{bucket}/logs/api/x{options}")


def without_names(found: dict[str, Any]) -> dict[str, Any]:
    found["log"].pop("sources")
    return found


def test_a_copy_holds_the_groups_that_were_asked_for(options: str, bucket: str, tmp_path: Path) -> None:
    log = by_day(exchanges(), tmp_path / "log", row_group_size=100)
    uri = uploaded(log, f"s3://{bucket}/log{options}")
    found = objects([uri], {}, SetAside())
    assert sum(sum(each.rows) for each in found.found) == exchanges().num_rows
    cut = [source for unit in found.units(8_000) for source in unit if source.groups is not None]
    assert cut
    for source in cut[:3]:
        assert source.groups is not None
        original = pq.ParquetFile(log / Store(source.path).name.removeprefix(f"s3://{bucket}/log/"))
        copy = pq.ParquetFile(sparse_copy(source, tmp_path / "copy.parquet"))
        wanted = list(range(*source.groups))
        assert copy.read_row_groups(wanted).equals(original.read_row_groups(wanted))


def test_what_is_no_log_there_is_said(options: str, bucket: str, tmp_path: Path) -> None:
    aside = SetAside()
    uri = f"s3://{bucket}/log{options}"
    with pytest.raises(UnreadableInput, match="holds no log files"):
        objects([uri], {}, aside)
    Store(uri).write("day=1/a.jsonl", b"{}")
    with pytest.raises(UnreadableInput, match="holds no Parquet"):
        objects([uri], {}, aside)
    Store(uri).write("day=1/torn.parquet", b"PAR1")
    with pytest.raises(UnreadableInput, match="footer cannot be read"):
        objects([uri], {}, aside)
    pq.write_table(exchanges().slice(0, 10), tmp_path / "a.parquet")
    Store(uri).put(tmp_path / "a.parquet", "day=1/b.parquet")
    assert len(objects([uri], {}, aside).found) == 1
    assert aside.total == 1
    assert aside.rows[0].where.file == f"s3://{bucket}/log/day=1/torn.parquet"
    with pytest.raises(UnreadableInput) as caught:
        Store(f"s3://{bucket}-gone/x{options}").parquet("a.parquet")
    assert SECRET not in json.dumps([str(caught.value), caught.value.hint])
