"""Work that follows: done in order by a thread of its own, while what comes next is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any


@contextmanager
def behind() -> Iterator[Callable[..., None]]:
    """What is called with some work and its arguments: it waits for the work before, and has this one done.

    So one piece of work waits at most. An error of one is raised at the next call, or at the end.
    """
    with ThreadPoolExecutor(1) as pool:
        before: Future[Any] | None = None

        def follow(work: Callable[..., Any], *given: Any) -> None:
            nonlocal before
            if before is not None:
                before.result()
            before = pool.submit(work, *given)

        yield follow
        if before is not None:
            before.result()
