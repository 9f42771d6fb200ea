"""What a process is told of its machine before it works with large arrays: both must come before NumPy and threads."""

from __future__ import annotations

import ctypes
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "OPENBLAS_CORETYPE"
CPUINFO: Final = Path("/proc/cpuinfo")
#: A parameter of mallopt(3).
_ARENA_MAX: Final = -8
#: Zen 5 and what came after it; families before are known.
_UNKNOWN_FROM: Final = 26
#: What the kernels named SkylakeX are made of.
_NEEDED: Final = frozenset({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"})
#: The first processor's lines are among these; of a hundred processors the rest takes the kernel a while to write.
_FIRST: Final = 8192


def suit_processor(environment: MutableMapping[str, str] = os.environ, cpuinfo: Path = CPUINFO) -> None:
    """Set OPENBLAS_CORETYPE where OpenBLAS would take too old kernels; what somebody chose stays.

    The OpenBLAS of NumPy's and SciPy's wheels (0.3.31) doesn't know AMD's Zen 5 and multiplies on it without AVX-512,
    half as fast as it could (https://github.com/OpenMathLib/OpenBLAS/issues/6029). It reads the variable when loaded.
    """
    if VARIABLE in environment:
        return
    try:
        with cpuinfo.open("rb") as lines:
            first = lines.read(_FIRST).decode("ascii", "replace").split("\n\n")[0]
    except OSError:  # not Linux
        return
    pairs = (line.partition(":") for line in first.splitlines())
    said = {name.strip(): value.strip() for name, _, value in pairs}
    family, flags = said.get("cpu family", ""), set(said.get("flags", "").split())
    amd = said.get("vendor_id") == "AuthenticAMD" and family.isdecimal()
    if amd and int(family) >= _UNKNOWN_FROM and flags >= _NEEDED:
        environment[VARIABLE] = "SkylakeX"


def one_arena() -> None:
    """Let all threads of this process allocate in one place: what one frees, another one can use.

    The C library gives each thread a place of its own. Arrays that threads hand to each other then leave holes in all
    of them, which of sixteen million exchanges came to a sixth of the memory. It can't be taken back, so that a process
    of somebody else's isn't asked; there MALLOC_ARENA_MAX=1 does the same.
    """
    try:
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
    except (OSError, TypeError, AttributeError):  # it isn't glibc
        return
