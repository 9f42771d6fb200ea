"""Arrays from an `.npz` that may come from anybody: nothing is unpickled, and no more is set aside than it holds.

NumPy believes an array's header and takes that much memory before it reads; here headers are held against what the
archive says first, and that against bounds.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UnreadableInput, Where

#: Bytes of a file of weights, and of what it holds.
LARGEST: Final = 256 << 20
_UNPACKED: Final = 1 << 30
_MEMBERS: Final = 10_000
_ENDING: Final = ".npy"
#: What a broken archive makes of zipfile, zlib and NumPy.
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    SyntaxError,
    OverflowError,
    RuntimeError,
    MemoryError,
    RecursionError,
)


def read_arrays(content: bytes, names: re.Pattern[str], where: Where) -> dict[str, NDArray[Any]]:
    """The arrays of numbers whose names match.

    Raises `UnreadableInput` for what is no such archive, or would take more than 1 GiB.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > _MEMBERS or sum(each.file_size for each in members) > _UNPACKED:
                raise UnreadableInput(f"holds more than {_UNPACKED:,} bytes of weights", where=where)
            wanted = {each.filename.removesuffix(_ENDING): each for each in members}
            return {name: _array(archive, each) for name, each in wanted.items() if names.fullmatch(name)}
    except _BROKEN as error:
        raise UnreadableInput("the weights can't be read", where=where) from error


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, kind = header(file)
        held = member.file_size - file.tell()
        if kind.kind not in "iuf" or min(shape, default=1) < 0 or math.prod(shape) * kind.itemsize != held:
            raise ValueError("another array than the header says")
        flat = np.frombuffer(file.read(), kind)
    return flat.reshape(shape, order="F" if fortran else "C")
