"""What a process is told of its machine: OpenBLAS what an unknown processor can do, the C library to share memory."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.cli.machine import VARIABLE, suit_processor

FLAGS = "fpu sse2 avx avx2 avx512f avx512cd avx512bw avx512dq avx512vl avx512_vnni"
BLOCK = (
    "processor\t: {at}\nvendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: 2\nflags\t\t: {flags}\n\n"
)


def cpuinfo(folder: Path, vendor: str = "AuthenticAMD", family: str = "26", flags: str = FLAGS) -> Path:
    path = folder / "cpuinfo"
    path.write_text(
        "".join(BLOCK.format(at=at, vendor=vendor, family=family, flags=flags) for at in range(64))
    )
    return path


@pytest.mark.parametrize("family", ["26", "27"])
def test_a_processor_that_openblas_does_not_know_is_told(tmp_path: Path, family: str) -> None:
    environment: dict[str, str] = {}
    suit_processor(environment, cpuinfo(tmp_path, family=family))
    assert environment == {VARIABLE: "SkylakeX"}


@pytest.mark.parametrize(
    "otherwise",
    [
        {"family": "25"},  # Zen 4: known
        {"vendor": "GenuineIntel"},
        {"flags": FLAGS.replace("avx512vl", "")},  # a virtual machine may hide what its processor has
        {"flags": "fpu sse2 avx2"},
        {"family": "²6"},
        {"family": ""},
    ],
)
def test_others_are_left_to_openblas(tmp_path: Path, otherwise: dict[str, str]) -> None:
    environment: dict[str, str] = {}
    suit_processor(environment, cpuinfo(tmp_path, **otherwise))
    assert environment == {}


def test_what_somebody_chose_stays(tmp_path: Path) -> None:
    environment = {VARIABLE: "Haswell"}
    suit_processor(environment, cpuinfo(tmp_path))
    assert environment == {VARIABLE: "Haswell"}


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe: \x00", b"flags"])
def test_a_system_that_says_nothing_of_its_processor(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "cpuinfo"
    if content is not None:
        path.write_bytes(content)
    environment: dict[str, str] = {}
    suit_processor(environment, path)
    assert environment == {}


def test_it_is_said_before_numpy_is_there() -> None:
    """OpenBLAS reads the variable when it is loaded."""
    asked = "import sys; import headwater.cli.machine; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", asked], check=True)


#: Threads that each hold some memory at the same time; the C library then says which places it took it from.
ARENAS = """
import ctypes, sys, threading
from headwater.cli.machine import one_arena

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
