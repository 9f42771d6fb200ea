"""A session on a Spark cluster, or why there can't be one: said within a bounded time, with what to do."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.engine.spark.cluster import Cluster, worded
from headwater.errors import UsageError, Where

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Seconds for a master to answer a connection.
REACHED_S = 10.0
_INSTALL = 'pip install "headwater[spark]"'
_JAVA = "install a Java runtime, 17 or newer (on Debian default-jre-headless), or set JAVA_HOME"
_START = "is it Java 17 or newer (java -version), and can this machine be reached from the cluster?"
_HERE = ("127.0.0.1", "localhost", "::1")


def check_master(master: str) -> None:
    """Raise `UsageError` where a name is no master's."""
    if not master.startswith(("spark://", "local", "yarn", "k8s://")):
        raise UsageError(
            "is no Spark master", where=Where(master), hint="for example spark://host:7077 or local[4]"
        )


def connect(master: str) -> Cluster:
    """A session on `master` (`spark://host:7077`, `local[4]`, `yarn`, `k8s://…`).

    Raises `UsageError` where pyspark or Java is missing, nobody answers, or the executors lack Headwater: all of it
    within a bounded time.
    """
    if find_spec("pyspark") is None:
        raise UsageError("the Spark engine needs pyspark, which is not installed", hint=_INSTALL)
    if not _java():
        raise UsageError("the Spark engine needs Java, which was not found", hint=_JAVA)
    check_master(master)
    _reach(master)
    cluster = Cluster(*_session(master), master)
    try:
        cluster.check()
    except BaseException:
        cluster.close()
        raise
    return cluster


def _java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return (Path(home) / "bin" / "java").exists() if home else shutil.which("java") is not None


def _reach(master: str) -> None:
    """Ask for a connection first: Spark itself would try for minutes, and say why on pages of log."""
    if not master.startswith("spark://"):
        return
    hosts = list(_hosts(master))
    for host, port in hosts:
        with suppress(OSError), socket.create_connection((host, port), REACHED_S):
            return
    raise UsageError(
        "no Spark master answers there", where=Where(master), hint="is it running, and is this its port?"
    )


def _hosts(master: str) -> Iterator[tuple[str, int]]:
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        if not host or not port.isdigit():
            raise UsageError("is no Spark master", where=Where(master), hint="for example spark://host:7077")
        yield host.strip("[]"), int(port)


def _session(master: str) -> tuple[SparkSession, bool]:
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    running = SparkContext._active_spark_context is not None
    # Where nobody names one, it is this Python: Spark would take whichever is first on the executors' path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = SparkConf()
    for name, value in _settings(master).items():
        conf.set(name, value)
    with worded("Spark could not be started", _START):
        spark = SparkSession.builder.config(conf=conf).getOrCreate()
    return spark, not running


def _settings(master: str) -> dict[str, str]:
    """What the answers depend on, and quiet; memory and cores are the operator's (spark-defaults.conf)."""
    out = {
        "spark.master": master,
        "spark.app.name": "headwater",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.ansi.enabled": "true",
    }
    here = master.startswith("local") or all(
        host in _HERE for host, _ in (_hosts(master) if master.startswith("spark://") else [("", 0)])
    )
    if here:
        out |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        out["spark.ui.enabled"] = "false"
    return out
