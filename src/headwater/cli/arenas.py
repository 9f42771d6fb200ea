"""Where the threads of a process allocate: must be said before there are any, so that nothing here may import NumPy."""

from __future__ import annotations

import ctypes
from typing import Final

#: A parameter of mallopt(3).
_ARENA_MAX: Final = -8


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
