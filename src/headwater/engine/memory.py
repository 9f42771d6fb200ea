"""Memory that is used again: large arrays come and go by the thousand while a log is worked over.

The C library gives each of them back to the system, which clears every page before it hands it out again: of sixteen
million exchanges a tenth of the processor time went into that.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

#: Parameters of mallopt(3), and what its own adaptation ends at for a program that frees large arrays.
_TRIM, _MMAP = -1, -3
_USUAL = {_MMAP: 32 << 20, _TRIM: 64 << 20}
#: Arrays below a gigabyte are kept for the next one, and as much as an investigation may hold isn't given back.
_KEPT = {_MMAP: 1 << 30, _TRIM: 2**31 - 1}


class _Users:
    """How many ask for it in this process, and where Arrow had its memory from before."""

    lock = threading.Lock()
    count = 0
    pool: pa.MemoryPool | None = None


@contextmanager
def memory_kept() -> Iterator[None]:
    """What is freed in the process meanwhile stays with it, and goes back when all who asked for this have ended.

    Where the C library has no such setting (it isn't glibc), nothing changes.
    """
    library = _library()
    with _Users.lock:
        _Users.count += 1
        if library is not None and _Users.count == 1:
            _set(library, _KEPT)
            # Arrow's own allocator gives back by itself what isn't asked for at once.
            _Users.pool = pa.default_memory_pool()
            pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        with _Users.lock:
            _Users.count -= 1
            if library is not None and not _Users.count:
                # Whoever set another one meanwhile keeps it.
                if _Users.pool is not None and pa.default_memory_pool().backend_name == "system":
                    pa.set_memory_pool(_Users.pool)
                _set(library, _USUAL)
                library.malloc_trim(0)


def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # no such thing here
        return None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


def _set(library: ctypes.CDLL, settings: dict[int, int]) -> None:
    for name, value in settings.items():
        library.mallopt(name, value)
