"""Threads of the command share their memory: what one frees, another one can use."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

#: Threads that each hold some memory at the same time; the C library then says which places it took it from.
ARENAS = """
import ctypes, sys, threading
from headwater.cli.arenas import one_arena

if sys.argv[1:]:
    one_arena()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
barrier = threading.Barrier(4)

def hold():
    library.malloc(50_000)
    barrier.wait()

threads = [threading.Thread(target=hold) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
library.malloc_stats()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library isn't glibc")
def test_threads_take_their_memory_from_one_place() -> None:
    def arenas(*told: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", ARENAS, *told], capture_output=True, text=True, check=True
        )
        return done.stderr.count("Arena ")

    assert arenas() > 1
    assert arenas("one") == 1


def test_it_is_said_before_numpy_is_there() -> None:
    """OpenBLAS begins threads when it is loaded, and each would have a place already."""
    told = """
import sys
from headwater.cli import arenas
arenas.one_arena = lambda: sys.exit("numpy" in sys.modules)
from headwater.cli.app import run
run(["investigate", "nowhere"])
sys.exit("it is never said")
"""
    subprocess.run([sys.executable, "-c", told], check=True)
