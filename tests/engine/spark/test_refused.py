"""Who has no Spark never notices; who asks for it without having it is told what to do, at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import headwater
from headwater.cli.app import run
from headwater.engine.spark import Store, connect, session
from headwater.errors import UnreadableInput, UsageError
from investigation.worlds import SAMPLE, exchanges
from ports import free_port

LOG = SAMPLE / "exchanges.parquet"


def test_nothing_of_spark_is_loaded_unless_asked_for(tmp_path: Path) -> None:
    program = (
        "import sys, headwater.investigation\nfrom headwater.cli.app import run\n"
        f"run(['inspect', {str(LOG)!r}, '--quiet'])\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stderr.split()
    assert "headwater.engine" in loaded
    assert not [name for name in loaded if name.startswith(("pyspark", "py4j", "headwater.engine.spark"))]


def test_pyspark_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(session, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="needs pyspark"):
        connect("local[1]")
    assert run(["investigate", str(LOG), "--engine", "local[1]", "-o", "nowhere"]) == 2
    shown = capsys.readouterr().err
    assert 'pip install "headwater[spark]"' in shown
    assert "Traceback" not in shown
    assert not Path("nowhere").exists()


def test_java_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(session, "find_spec", lambda _: object())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(UsageError, match="needs Java") as caught:
        connect("local[1]")
    assert "default-jre-headless" in str(caught.value.hint)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UsageError, match="needs Java"):
        connect("local[1]")


def test_a_master_that_nobody_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "find_spec", lambda _: object())
    monkeypatch.setattr(session, "_java", lambda: True)
    port = free_port()
    began = time.monotonic()
    with pytest.raises(UsageError, match="no Spark master answers"):
        connect(f"spark://127.0.0.1:{port}")
    assert time.monotonic() - began < 15
    for wrong in ("duckdb", "spark://host", "spark://", "http://host:7077"):
        with pytest.raises(UsageError, match="no Spark master"):
            connect(wrong)


def test_a_cluster_needs_a_store() -> None:
    with pytest.raises(UsageError, match="needs a store"):
        headwater.investigate(LOG, engine="spark://127.0.0.1:1")


def test_what_lies_in_the_log_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "a.parquet").write_bytes(LOG.read_bytes())
    with pytest.raises(UsageError, match="lies in the log"):
        headwater.investigate(
            tmp_path / "log", engine="spark://127.0.0.1:1", store=tmp_path / "log" / "store"
        )


def test_arrow_data_and_object_stores_without_a_cluster() -> None:
    with pytest.raises(UsageError, match="Arrow data is not spread"):
        headwater.investigate(exchanges(), engine="local[1]")
    with pytest.raises(UsageError, match="read on a cluster only") as caught:
        headwater.investigate("s3://bucket/log?secret_key=x")
    assert str(caught.value) == "s3://bucket/log: is read on a cluster only"


def test_a_store_names_no_credentials() -> None:
    with pytest.raises(UsageError, match="must not carry credentials") as caught:
        Store("s3://AKIA:secret@bucket/prefix")
    assert "secret" not in str(caught.value)
    assert "AKIA" not in str(caught.value)


def test_files_of_a_store_are_whole_or_not_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write("a/b.json", b"1")
    store.write("a/b.json", b"22")
    assert store.read("a/b.json") == b"22"
    assert store.read("a/c.json") is None
    assert list(store.files()) == ["a/b.json"]
    store.remove(["a/b.json", "a/c.json"])
    assert not store.files()
    with pytest.raises(UnreadableInput, match="cannot be read"):
        store.parquet("gone.parquet")
