"""Servers of tests that run side by side never meet on a port."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ports

PROGRAM = "import ports; print(*(ports.free_port() for _ in range(300)), flush=True); input()"


def test_no_port_is_given_twice_while_who_has_it_lives() -> None:
    folder = Path(ports.__file__).parent
    askers = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    lines = [each.stdout.readline() if each.stdout else "" for each in askers]
    for each in askers:
        each.communicate("\n")
    given = [int(port) for line in lines for port in line.split()]
    assert len(set(given)) == len(given) == 1200


def test_connections_are_not_given_such_a_port() -> None:
    if not Path("/proc/sys/net/ipv4/ip_local_port_range").exists():
        return
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert all(not low <= ports.free_port() <= high for _ in range(50))
