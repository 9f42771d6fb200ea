"""Which kernels OpenBLAS takes, where it doesn't know the processor.

NumPy's and SciPy's OpenBLAS (0.3.31) has never heard of AMD's Zen 5 and multiplies on it as on processors of 2013, at
half of what it can do (https://github.com/OpenMathLib/OpenBLAS/issues/6029). The variable is OpenBLAS's own way to say
what is there. It is read when the library is loaded: nothing here may import NumPy.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "OPENBLAS_CORETYPE"
CPUINFO: Final = Path("/proc/cpuinfo")
#: Zen 5 and what came after it; families before are known.
_UNKNOWN_FROM: Final = 26
#: What the kernels named SkylakeX are made of.
_NEEDED: Final = frozenset({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"})
#: The first processor's lines are among these; of a hundred processors the rest takes the kernel a while to write.
_FIRST: Final = 8192


def suit_processor(environment: MutableMapping[str, str] = os.environ, cpuinfo: Path = CPUINFO) -> None:
    """Set OPENBLAS_CORETYPE where OpenBLAS would take too old kernels; what somebody chose stays."""
    if VARIABLE in environment:
        return
    try:
        with cpuinfo.open("rb") as lines:
            first = lines.read(_FIRST).decode("ascii", "replace").split("\n\n")[0]
    except OSError:  # not Linux
        return
    pairs = (line.partition(":") for line in first.splitlines())
    said = {name.strip(): value.strip() for name, _, value in pairs}
    family = said.get("cpu family", "")
    if said.get("vendor_id") == "AuthenticAMD" and family.isdecimal() and int(family) >= _UNKNOWN_FROM:
        if set(said.get("flags", "").split()) >= _NEEDED:
            environment[VARIABLE] = "SkylakeX"
