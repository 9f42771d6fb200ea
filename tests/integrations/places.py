"""Real processes for tests: the decision service, nginx, Envoy, and a stub model server in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.stub import Script, Stub, model
from headwater.control.identity import IdentitySettings, open_identity
from headwater.gateway.composition import IDENTITY, SETTINGS
from headwater.gateway.founding import found
from ports import free_port

BY = "tester"
AT_US = 1_790_000_000_000_000
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
_PATIENCE_S = 120.0


def until(true: Callable[[], object], what: str, process: subprocess.Popen[Any] | None = None) -> None:
    """Wait until something is so; fails where it doesn't become so, or the process ends."""
    end = time.monotonic() + _PATIENCE_S
    while not true():
        assert process is None or process.poll() is None, f"{what}: the process has ended"
        assert time.monotonic() < end, what
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def running(words: list[str], port: int, log: Path, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that listens on a port, until the test is over; what it says is in `log`."""
    with log.open("wb") as said:
        process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT, **more)
        try:
            until(lambda: listens(port), f"{words[0]} listens (see {log})", process)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


@dataclass
class Model:
    """A stub model server. `stub.requests` holds what it was sent."""

    stub: Stub
    port: int


@contextmanager
def stub_model(script: Script = model) -> Iterator[Model]:
    """A stub in a loop of its own."""
    loop = asyncio.new_event_loop()
    stub = loop.run_until_complete(Stub(script).start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Model(stub, stub.port)
    finally:
        asyncio.run_coroutine_threadsafe(stub.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@dataclass
class Service:
    """A decision service. `keys`: account → the text of its key."""

    folder: Path
    port: int
    token: str
    keys: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where programs find it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_file(self) -> Path:
        """The file with its token."""
        return self.folder / "decisions.token"

    def change(self, change: Callable[[Any], object]) -> None:
        """Change its identity store, and wait until the service must have seen it."""
        with open_identity(self.folder / IDENTITY, IdentitySettings()) as identity:
            change(identity)
        time.sleep(0.3)


@contextmanager
def decision_service(
    folder: Path,
    accounts: Mapping[str, str],
    tiers: Mapping[str, Mapping[str, Any]] | None = None,
    settings: str = "",
) -> Iterator[Service]:
    """`headwater serve --decide`, with accounts (→ tier) that each have a key."""
    port = free_port()
    found(folder, "")
    keys = {}
    with open_identity(folder / IDENTITY, IdentitySettings()) as identity:
        for name, entries in (tiers or {}).items():
            identity.change_tier(name, BY, AT_US, entries)
        for account, tier in accounts.items():
            identity.new_account(account, BY, AT_US, tier=tier)
            keys[account] = identity.new_key(account, BY, AT_US).text
    (folder / SETTINGS).write_text(f"look_s = 0.1\n{settings}\n[relay]\ndrain_s = 0.5\n", "utf-8")
    words = [
        sys.executable,
        "-m",
        "headwater.cli",
        "serve",
        "--decide",
        "--folder",
        str(folder),
        "--port",
        str(port),
    ]
    with running([*words, "--no-rotation", "--verbose"], port, folder.parent / "service.log") as process:
        token = next(line for line in (folder / "decisions.token").read_text().splitlines() if line[0] != "#")
        yield Service(folder, port, token, keys, process)
