"""A real standalone cluster on the loopback interface: a master and two workers, each a process of its own.

A worker can be killed with everything that it started, as a machine that loses its power is.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from ports import free_port

#: Why Spark can't be tested here (None: it can).
MISSING = (
    "pyspark is not installed (make .venv/.spark)"
    if find_spec("pyspark") is None
    else "no Java was found"
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ
    else None
)
#: Marks of every test that starts a cluster: all of them in one process, one after another.
CLUSTERED = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.xdist_group("spark"),
    pytest.mark.skipif(MISSING is not None, reason=str(MISSING)),
]
#: MiB of each executor, of the driver's Java, and of the master and each worker.
EXECUTOR_MB, DRIVER_MB, DAEMON_MB = 600, 512, 128
_STARTED_S = 60
#: Credentials for an object store, which executors find in their environment.
SECRET = "a-secret-of-the-store"
AWS = {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_DEFAULTS = f"""
spark.driver.memory {DRIVER_MB}m
spark.executor.memory {EXECUTOR_MB}m
spark.executor.cores 1
"""


@dataclass
class Standalone:
    """The processes of a cluster; their logs lie in `folder`."""

    folder: Path
    master: str = ""
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """A master, then two workers."""
        (self.folder / "spark-defaults.conf").write_text(_DEFAULTS, "utf-8")
        port, page = free_port(), free_port()
        self.master = f"spark://127.0.0.1:{port}"
        where = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page)]
        self._processes.append(self._run("master", "org.apache.spark.deploy.master.Master", *where))
        _wait(lambda: _answers(port), "the master")
        for _ in range(2):
            self.add_worker()

    def add_worker(self) -> None:
        """One more worker with one core, once the master knows it."""
        at = len(self._workers)
        where = ["--host", "127.0.0.1", "--webui-port", str(free_port()), "--cores", "1"]
        where += ["--memory", f"{EXECUTOR_MB + 100}M", "--work-dir", str(self.folder / f"work-{at}")]
        worker = self._run(f"worker-{at}", "org.apache.spark.deploy.worker.Worker", *where, self.master)
        self._workers.append(worker)
        log = self.folder / f"worker-{at}.log"
        _wait(lambda: "Successfully registered with master" in log.read_text("utf-8"), "a worker")

    def busy(self) -> bool:
        """Whether every living worker has started an executor."""
        return all(psutil.Process(w.pid).children() for w in self._workers if w.poll() is None)

    def kill_a_worker(self) -> None:
        """SIGKILL to one worker and all that it started."""
        worker = next(w for w in self._workers if w.poll() is None)
        for process in [*psutil.Process(worker.pid).children(recursive=True), psutil.Process(worker.pid)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        worker.wait()

    def restore(self) -> None:
        """Two workers again, where one was killed."""
        while sum(w.poll() is None for w in self._workers) < 2:
            self.add_worker()

    def stop(self) -> None:
        """End everything that was started."""
        for process in (*self._workers, *self._processes):
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
            process.kill()
            process.wait()

    def _run(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        import pyspark

        home = Path(pyspark.__file__).parent
        own = {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_CONF_DIR": str(self.folder)}
        own |= AWS | {"SPARK_DAEMON_MEMORY": f"{DAEMON_MB}m", "PYSPARK_PYTHON": sys.executable}
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [str(home / "bin" / "spark-class"), *arguments],
                env=os.environ | own,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@contextmanager
def standalone(folder: Path) -> Iterator[Standalone]:
    """A cluster that is gone afterwards, whatever happens."""
    cluster = Standalone(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _wait(done: object, what: str) -> None:
    assert callable(done)
    until = time.monotonic() + _STARTED_S
    while not done():
        assert time.monotonic() < until, f"{what} did not start within {_STARTED_S} s"
        time.sleep(0.1)
