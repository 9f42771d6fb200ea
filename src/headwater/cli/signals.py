"""SIGTERM and SIGHUP end a run as Ctrl-C does: what is half written goes, and the exit code says which it was."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)
#: Signals that come as close together as this say one thing.
_SAME_WISH_S = 5.0


class Ended:
    """The signal that ended a run; Ctrl-C unless another came first."""

    def __init__(self) -> None:
        self.by: int = signal.SIGINT

    @property
    def code(self) -> int:
        """The exit code, as a shell gives it to a process that a signal ended."""
        return 128 + self.by


@contextmanager
def ended_by_signals() -> Iterator[Ended]:
    """Raise KeyboardInterrupt where the process is told to end."""
    ended = Ended()
    last = float("-inf")

    def end(number: int, _: FrameType | None) -> None:
        nonlocal last
        ended.by = number
        # A closing terminal tells it twice; the second must not cut the cleaning short.
        if time.monotonic() - last > _SAME_WISH_S:
            last = time.monotonic()
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only there are signals handled
        yield ended
        return
    # What was ignored stays so: nohup means it.
    before = {each: signal.getsignal(each) for each in _ENDING}
    handled = [each for each in _ENDING if before[each] == signal.SIG_DFL]
    for each in handled:
        signal.signal(each, end)
    try:
        yield ended
    finally:
        for each in handled:
            signal.signal(each, before[each])
