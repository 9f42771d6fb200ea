"""A real Redis and a real PostgreSQL of our own, on free ports, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ports import free_port


class Redis:
    """A server that can be killed and started again. `durable`: it keeps every write."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.durable, self.port = folder, durable, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """As the client takes it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        server = shutil.which("redis-server") or shutil.which("valkey-server")
        if server is None:
            pytest.skip("needs redis-server")
        keeps = ["--appendonly", "yes", "--appendfsync", "always"] if self.durable else []
        self._process = subprocess.Popen(
            [
                server,
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                str(self.folder),
                *keeps,
            ],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(200):
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as one:
                    one.sendall(b"PING\r\n")
                    if one.recv(16).startswith(b"+PONG"):
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError("redis-server doesn't answer")

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class Postgres:
    """A cluster of its own; it may not run as root, so that root runs it as nobody else than `postgres`."""

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
        initdb = found[-1] if found else shutil.which("initdb")
        if initdb is None:
            pytest.skip("needs postgresql")
        self._bin = Path(initdb).parent
        self.folder, self.port = folder, free_port()
        folder.mkdir(parents=True)
        self._as: list[str] = []
        if os.geteuid() == 0:
            for each in (folder, *folder.parents):
                if each.owner() == "root" and each != Path("/") and each.stat().st_mode & 0o011 == 0:
                    each.chmod(each.stat().st_mode | 0o011)
            shutil.chown(folder, "postgres", "postgres")
            self._as = ["runuser", "-u", "postgres", "--"]
        self._run(
            [str(self._bin / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "headwater", "-N"]
        )
        self.start()

    @property
    def conninfo(self) -> str:
        """As the client takes it."""
        return f"host=127.0.0.1 port={self.port} user=headwater dbname=postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} -c shared_buffers=16MB"
        log = str(self.folder / "log")
        self._run([*self._ctl(), "-o", options, "-l", log, "-w", "start"])

    def kill(self) -> None:
        """As a crash: nothing is flushed."""
        self._run([*self._ctl(), "-m", "immediate", "-w", "stop"])

    def _ctl(self) -> Sequence[str]:
        return (str(self._bin / "pg_ctl"), "-D", str(self.folder / "data"))

    def _run(self, command: Sequence[str]) -> None:
        subprocess.run([*self._as, *command], check=True, stdout=subprocess.DEVNULL, cwd=self.folder)
