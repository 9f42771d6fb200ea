"""Memory that an investigation keeps for itself while it lasts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headwater.engine.memory import _library

#: Arrays are filled and let go, inside and then outside: how much the process holds each time (MiB).
SCRIPT = """
import os, threading
import numpy as np
from headwater.engine import memory_kept

def held():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

def work():
    arrays = [np.ones(8 << 20, np.uint8) for _ in range(40)]
    del arrays

before = held()
with memory_kept():
    with memory_kept():
        work()
    work()
    inside = held() - before
after = held() - before
work()
print(int(inside > 200), int(after < 100), int(held() - before < 100))
"""


@pytest.mark.skipif(
    _library() is None or not sys.platform.startswith("linux"), reason="the C library isn't glibc"
)
def test_memory_is_kept_while_it_lasts_and_given_back_afterwards() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "1"]
