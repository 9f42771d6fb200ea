"""Drives budgets: sends what they ask of the store, hands them its answers, looks after them some times a second.

One message to the store at a time; what is asked for meanwhile goes into the next. Requests that need a lease wait for
the round that brings it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from headwater.control import Control
from headwater.control.budget import Answer, Ask, Budgets, Reservation, StoreGone, leaving, tick

_LOG: Final = logging.getLogger("headwater.gateway")
_TICK_S: Final = 0.2
#: While the store is gone this is said at most once in so many seconds.
_SAY_S: Final = 10.0
_LEAVING_S: Final = 3.0
#: A store that fails within so many seconds hasn't been waited for.
_AT_ONCE_S: Final = 0.25
_clock: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_now_ns: Final = time.clock_gettime_ns


def steady_us() -> int:
    """Microseconds of a clock that never steps and goes on while the machine sleeps."""
    return _now_ns(_clock) // 1000


def tokens_of(control: Control) -> dict[str, int]:
    """Tokens that were settled, as a figure for metrics."""
    settled = control.settled
    return {"tokens_total.input": settled.input_tokens, "tokens_total.output": settled.output_tokens}


class AsyncStore(Protocol):
    """A store of budgets, as a door on asyncio drives it; see `control.budget.Store`."""

    async def exchange(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        """One answer for each ask, in order; raises `StoreGone`."""

    async def close(self) -> None:
        """Let go of it."""


class Leases:
    """The budgets of one worker, with the store that they are leased from. Belongs to one event loop."""

    def __init__(self, budgets: Budgets, store: AsyncStore) -> None:
        self.budgets = budgets
        #: Told of reservations whose slot is lost: their requests are to be ended.
        self.lapsed: Callable[[Iterable[Reservation]], None] = lambda _: None
        self.rounds = 0
        self.faults = 0
        self._store = store
        self._waiting: list[Ask] = []
        self._sender: asyncio.Task[None] | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._round: asyncio.Future[None] | None = None
        self._said: float | None = None
        self._worked = False

    def counted(self) -> dict[str, int]:
        """Figures for metrics."""
        budgets = self.budgets
        return {
            "budget_store_rounds_total": self.rounds,
            "budget_store_faults_total": self.faults,
            "budget_store_gone": int(self._said is not None),
            "budget_forgotten_total": budgets.forgotten,
            "budget_beyond_total": budgets.beyond,
        }

    def start(self) -> None:
        """Look after the budgets from now on."""
        self._ticker = asyncio.get_running_loop().create_task(self._tick())

    def send(self, asks: Iterable[Ask]) -> asyncio.Future[None]:
        """Send these as soon as can be; done once a round of answers has been heard, or the store hasn't answered."""
        self._waiting.extend(asks)
        if self._round is None:
            self._round = asyncio.get_running_loop().create_future()
        waited = self._round
        if self._sender is None or self._sender.done():
            self._sender = asyncio.get_running_loop().create_task(self._send())
        return waited

    def hungry(self) -> None:
        """Send what the budgets want ahead of need."""
        if asks := self.budgets.asks(steady_us()):
            self.send(asks)

    async def stop(self) -> None:
        """Give back what isn't used, then let go of the store."""
        if self._ticker is not None:
            self._ticker.cancel()
        if self._sender is not None:
            with suppress(Exception):
                await asyncio.wait_for(asyncio.shield(self._sender), _LEAVING_S)
        asks = leaving(self.budgets, steady_us())
        if asks:
            with suppress(StoreGone, TimeoutError):
                async with asyncio.timeout(_LEAVING_S):
                    await self._store.exchange(self.budgets.replica, asks)
        await self._store.close()

    async def _send(self) -> None:
        while self._waiting or self._round is not None:
            asks, self._waiting = self._waiting, []
            heard, self._round = self._round, None
            if asks:
                await self._exchanged(asks)
            else:  # what was waited for is on its way already: its answer came before this, or comes with a tick
                await asyncio.sleep(0.001)
            if heard is not None and not heard.done():
                heard.set_result(None)

    async def _exchanged(self, asks: list[Ask]) -> None:
        self.rounds += 1
        try:
            answers = await self._answered(asks)
            self.budgets.hear(asks, answers, steady_us())
        except Exception as error:  # whatever a client raises, nobody waits for an answer that doesn't come
            self.faults += 1
            self.budgets.gone(asks, steady_us())
            self._gone(str(error) if isinstance(error, StoreGone) else type(error).__name__)
            return
        self._worked = True
        if self._said is not None:
            self._said = None
            _LOG.warning("the budgets' store answers again")

    async def _answered(self, asks: list[Ask]) -> list[Answer]:
        """What the store says. An idle connection may have been closed: then the same is asked again, at once."""
        began = time.monotonic()
        try:
            return await self._store.exchange(self.budgets.replica, asks)
        except StoreGone:
            if self._said is not None or time.monotonic() - began > _AT_ONCE_S:
                raise
        return await self._store.exchange(self.budgets.replica, asks)  # by their numbers, which count once

    def _gone(self, why: str) -> None:
        """Say that the store doesn't answer, not too often."""
        if self._said is not None and time.monotonic() - self._said <= _SAY_S:
            return
        self._said = time.monotonic()
        new = "" if self._worked else "; a store that is new is begun with `headwater budget begin`"
        _LOG.error("the budgets' store doesn't answer (%s); budgets do without it as each says%s", why, new)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            try:
                upkeep = tick(self.budgets, steady_us())
                if upkeep.asks:
                    self.send(upkeep.asks)
                if upkeep.lapsed:
                    self.lapsed(upkeep.lapsed)
            except Exception as error:  # upkeep goes on, whatever one round of it met
                _LOG.error("looking after budgets failed: %s", type(error).__name__)
