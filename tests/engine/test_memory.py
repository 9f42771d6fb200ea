"""Memory that an investigation keeps for itself while it lasts."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest

from headwater.engine import memory_kept
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


def test_arrow_takes_its_memory_from_there_and_from_where_it_did_before_afterwards() -> None:
    before = pa.default_memory_pool().backend_name
    inside = []
    with memory_kept():
        with memory_kept():
            inside.append(pa.default_memory_pool().backend_name)
        inside.append(pa.default_memory_pool().backend_name)
    assert pa.default_memory_pool().backend_name == before
    assert set(inside) == {"system" if _library() is not None else before}


def test_and_after_an_error_too() -> None:
    before = pa.default_memory_pool().backend_name
    with pytest.raises(KeyError), memory_kept():
        raise KeyError
    assert pa.default_memory_pool().backend_name == before
