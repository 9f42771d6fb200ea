"""The baselines on a world that the detector has just looked at: one log, no account attribute, small figures.

Each method may flag as many innocents as the detector's headline look did, and then 1% of them. A method that takes too
long for a world is named with the reason, and has no figures there.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any

import numpy as np
from scoring import Truth

from baselines import BASELINES, Log, Method
from baselines.compare import compared
from baselines.log import NONE
from headwater.engine import Spool
from headwater.simulate import World

#: Seconds that one method may take for one world.
PATIENCE_S = 20.0


class TooLongError(Exception):
    """A method was stopped."""


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Raise `TooLongError` in the block once so many seconds have passed; a compiled loop is left when it returns.

    Without effect outside of the main thread, which alone hears alarms.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def headline(spool: Spool) -> Log:
    """The log of a spool without what the simulation invents beside prompts and times: no address."""
    log = Log.read(spool)
    return replace(log, ip=np.full(len(log.account), NONE, np.int64))


def truth_of(world: World) -> Truth:
    """Who is of a ring in a world: all that baselines are scored by."""
    table: dict[str, list[Any]] = world.truth.accounts.select(["account", "role"]).to_pydict()
    return Truth(dict(zip(table["account"], table["role"], strict=True)), {}, frozenset())


def beside(
    log: Log,
    truth: Truth,
    allowed: int,
    methods: Mapping[str, Method] = BASELINES,
    most_s: float = PATIENCE_S,
) -> dict[str, Any]:
    """Figures of each method (`compare.compared`), those left out with the reason, and the seconds of all."""
    began = time.monotonic()
    found: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for name, method in methods.items():
        try:
            with stopped_after(most_s):
                found |= compared(log, truth, allowed, {name: method})
        except TooLongError:
            left_out[name] = f"takes more than {most_s:g} s for {len(log.account):,} exchanges"
    seconds = round(time.monotonic() - began, 1)
    print(f"baselines: {len(found)} of {len(methods)} in {seconds} s", file=sys.stderr, flush=True)
    return {"allowed": allowed, "methods": _rounded(found), "left_out": left_out, "seconds": seconds}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return round(value, 4) if isinstance(value, float) else value
