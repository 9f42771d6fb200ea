"""Ports for servers of tests: each is given once, however many tests run side by side."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import TextIO

_DRAW = random.SystemRandom()
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
#: Locks of what this process was given; they end with it.
_HELD: list[TextIO] = []


def _candidates() -> list[int]:
    """Ports that the system doesn't give to connections: one of those may be taken before its server listens."""
    low, high = map(int, _RANGE.read_text().split()) if _RANGE.exists() else (49152, 65535)
    every = range(10_000, 65_536)
    return [port for port in every if not low <= port <= high] or list(every)


def free_port() -> int:
    """A port on which nobody listens, and that nobody else is given while this process lives."""
    folder = Path(tempfile.gettempdir()) / f"headwater-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    among = _candidates()
    for _ in range(1000):
        port = _DRAW.choice(among)
        held = (folder / str(port)).open("w")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            held.close()
            continue
        _HELD.append(held)
        return port
    raise AssertionError("no port is free")
