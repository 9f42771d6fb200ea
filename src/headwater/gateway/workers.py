"""Worker processes: started, told when they listen, replaced when they die, and waited for at the end.

Nothing here knows what a worker does. The watching process never serves, so that nothing a client sends can end it.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from itertools import count
from typing import Final, NoReturn, TypeAlias

from headwater.errors import HeadwaterError

#: What a worker does, given whom to tell that it listens, a descriptor that can be read once the process that watches
#: is gone, and its number, which no other has while it lives (from 0, below the count of workers); its exit code.
Worker: TypeAlias = Callable[[Callable[[], None], int, int], int]
#: A worker that died is replaced no sooner than this after the one before, so that a fault doesn't take the machine;
#: twice as late, up to the second figure, where the one before never came to listen.
_AGAIN_S, _LATEST_S = 0.5, 10.0
_LOOK_S: Final = 0.2
_FAILED: Final = 70  # EX_SOFTWARE of sysexits.h
#: What a worker tells once it listens; else it tells its error, pickled.
_LISTENS: Final = b"1"
_MOST_SAID: Final = 65_536


def stops() -> list[signal.Signals]:
    """The signals that end a gateway in order; a terminal that closes isn't one where that is ignored (nohup)."""
    hangs_up = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN
    return [signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hangs_up else [])]


class _Watch:
    """The watching process: its children, and those of them that don't listen yet, by the pipe they tell it on."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._began, self._again_s = 0.0, _AGAIN_S
        # Nobody writes into it: it ends with the last process that could, which is this one.
        self._alive, self._lives = os.pipe()
        #: Process → the worker's number.
        self.children: dict[int, int] = {}
        self.starting: dict[int, int] = {}
        self.stopping = False
        #: Why a worker couldn't start, where it said so.
        self.error: HeadwaterError | None = None

    def start(self) -> None:
        """Start a worker."""
        self._began = time.monotonic()
        told, tells = os.pipe()
        number = next(one for one in count() if one not in self.children.values())
        child = os.fork()
        if not child:
            os.close(told)
            os.close(self._lives)
            self._be(tells, number)
        os.close(tells)
        self.children[child] = number
        self.starting[told] = child

    def look(self) -> bool:
        """Wait a moment for news; whether a worker died before it ever listened."""
        ready, _, _ = select.select([*self.starting], [], [], _LOOK_S)
        failed = False
        for told in ready:
            said = os.read(told, _MOST_SAID)
            died = said != _LISTENS  # it has ended, with an error or without a word
            self.error = pickle.loads(said) if said and died else self.error
            failed = failed or died
            self._again_s = min(2 * self._again_s, _LATEST_S) if died else _AGAIN_S
            os.close(told)
            del self.starting[told]
        for child in [*self.children]:  # only these: who started this process's other children waits for them
            if os.waitpid(child, os.WNOHANG)[0]:
                del self.children[child]
        return failed

    def replace(self, wanted: int) -> None:
        """Start what is missing, not too fast."""
        if len(self.children) < wanted and time.monotonic() - self._began >= self._again_s:
            self.start()

    def end(self, patience_s: float) -> bool:
        """Tell all to stop, wait, and kill who doesn't; whether all ended by themselves."""
        for child in self.children:
            os.kill(child, signal.SIGTERM)
        until = time.monotonic() + patience_s
        while self.children and time.monotonic() < until:
            self.look()
        for child in self.children:
            os.kill(child, signal.SIGKILL)
        return not self.children

    def _be(self, tells: int, number: int) -> NoReturn:
        """Be a worker, and nothing else ever."""
        code = _FAILED
        try:
            for each in stops():
                signal.signal(each, signal.SIG_DFL)

            def listening() -> None:
                os.write(tells, _LISTENS)
                os.close(tells)

            code = self._worker(listening, self._alive, number)
        except HeadwaterError as error:
            code = error.exit_code
            try:
                os.write(tells, pickle.dumps(error))
            except OSError:  # it had listened
                sys.stderr.write(f"error: {error}\n")
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)


def watch(
    wanted: int, worker: Worker, ready: Callable[[], None], beside: Callable[[], None], *, patience_s: float
) -> int:
    """Keep `wanted` workers until one of `stops` comes; the exit code.

    `ready` is called once all listen, `beside` some times a second from then on. Raises what the first worker raised
    that couldn't start.
    """
    watching = _Watch(worker)

    def stop(_number: int, _frame: object) -> None:
        watching.stopping = True

    before = {each: signal.signal(each, stop) for each in stops()}
    try:
        for _ in range(wanted):
            watching.start()
        while watching.starting and not watching.stopping:
            if watching.look():
                watching.end(patience_s)
                if watching.error is not None:
                    raise watching.error
                return 1
        if not watching.stopping:
            ready()
        while not watching.stopping:
            if watching.look() and watching.error is not None:
                sys.stderr.write(f"error: a worker can't start: {watching.error}\n")
                sys.stderr.flush()
            watching.replace(wanted)
            beside()
        return 0 if watching.end(patience_s) else 1
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
