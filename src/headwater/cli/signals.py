"""SIGTERM and SIGHUP end a run as Ctrl-C does: what is half written goes, and the exit code says which it was.

An exception that a signal's handler raises can get lost: it comes up wherever the program happens to be, and C code
or a bare `except:` of some library may drop it. A supervisor says it once, so the wish is repeated here until a
KeyboardInterrupt is on its way; so is Ctrl-C.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)
#: Signals that come as close together as this say one thing.
_SAME_WISH_S = 5.0
#: How often it is looked whether the wish was heard.
_ASKED_AGAIN_S = 0.25


class Ended:
    """The signal that ended a run; Ctrl-C unless another came first."""

    def __init__(self) -> None:
        self.by: int = signal.SIGINT
        self._asks = False

    @property
    def code(self) -> int:
        """The exit code, as a shell gives it to a process that a signal ended."""
        return 128 + self.by

    def ask_again(self) -> None:
        """Ask until it is heard, unless the process has a use for SIGALRM already."""
        if not self._asks and signal.getsignal(signal.SIGALRM) == signal.SIG_DFL:
            self._asks = True
            signal.signal(signal.SIGALRM, _raise_where_lost)
            signal.setitimer(signal.ITIMER_REAL, _ASKED_AGAIN_S, _ASKED_AGAIN_S)

    def heard(self) -> None:
        """The run ends: no need to ask again."""
        if self._asks:
            self._asks = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)


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
            ended.ask_again()
            raise KeyboardInterrupt

    def interrupt(number: int, _: FrameType | None) -> None:
        ended.ask_again()
        signal.default_int_handler(number, None)

    if threading.current_thread() is not threading.main_thread():  # only there are signals handled
        yield ended
        return
    # What was ignored stays so: nohup means it.
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, *_ENDING)}
    handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {
        each: end for each in _ENDING if before[each] == signal.SIG_DFL
    }
    if before[signal.SIGINT] == signal.default_int_handler:
        handlers[signal.SIGINT] = interrupt
    for each, handler in handlers.items():
        signal.signal(each, handler)
    try:
        yield ended
    finally:
        ended.heard()
        for each in handlers:
            signal.signal(each, before[each])


def _raise_where_lost(_: int, __: FrameType | None) -> None:
    """Not while a KeyboardInterrupt, or what came of one, is handled in whatever frame: cleaning takes its time."""
    handled, seen = sys.exception(), set[int]()
    while handled is not None and id(handled) not in seen:
        if isinstance(handled, KeyboardInterrupt):
            return
        seen.add(id(handled))
        handled = handled.__context__
    raise KeyboardInterrupt
