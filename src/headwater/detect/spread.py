"""Work on a long array by several threads, each on rows of its own; what comes out doesn't depend on their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

#: Parts that each thread takes one after the other, so that none waits long for the last one.
PARTS = 4
#: Rows that aren't worth a thread.
LEAST = 2_048

Made = TypeVar("Made")


@contextmanager
def beside(work: Callable[[], Made], workers: int) -> Iterator[Callable[[], Made]]:
    """What `work` makes, while something else is done; by one thread alone once it is asked for."""
    if workers <= 1:
        yield work
        return
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(work).result


def spread(work: Callable[[slice], None], rows: int, workers: int) -> None:
    """Call `work` with slices that together are all rows; it leaves Python's lock where it takes long."""
    if workers <= 1 or rows < LEAST:
        work(slice(0, rows))
        return
    size = -(-rows // (PARTS * workers))
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, (slice(at, min(at + size, rows)) for at in range(0, rows, size))))
