"""One replica of `exactness.py`: takes requests until it is told to leave, and counts what it served where a kill can't
take it back (a file that is mapped into memory).

    python replica.py redis|redis-forgets|postgres ADDRESS NAME COUNTS LIMIT LEASE LIFETIME_US SLOTS SEED
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headwater.control.budget import (
    Amounts,
    Ask,
    Budget,
    Budgets,
    Kind,
    Per,
    Refill,
    Reservation,
    Scope,
    StoreGone,
    leaving,
    tick,
)

#: Counters in the file, 8 bytes each; tokens by period come after.
REQUESTS, OPERATIONS, REFUSED, GONE, LAPSED, RUNNING, PERIODS = range(7)
FIELDS = PERIODS + 64
ESTIMATE = 1500
IN_FLIGHT = 25


def clock() -> int:
    """A clock that never steps, in µs."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def stepped(kind: str, address: str) -> Any:
    """A store whose clock can be set: it adds what stands beside its data."""
    if kind == "postgres":
        from headwater.control.budget.stores import postgres_wire
        from headwater.control.budget.stores.postgres import PostgresStore

        lock = postgres_wire.LOCK.replace(", begun_us,", " + (SELECT by_us FROM clock), begun_us,")
        postgres_wire.LOCK = lock  # type: ignore[misc]
        return PostgresStore(address)
    from headwater.control.budget.stores import redis_wire

    after = "local now = tonumber(time[1]) * 1000000 + tonumber(time[2])"
    by = " + tonumber(redis.call('GET', '{headwater}-clock'))"
    redis_wire.SCRIPT = redis_wire.SCRIPT.replace(after, after + by)  # type: ignore[misc]
    from headwater.control.budget.stores.redis import RedisStore

    return RedisStore(address, durable=kind == "redis")


class Counts:
    """The counters of one replica."""

    def __init__(self, path: Path) -> None:
        size = 8 * FIELDS
        if not path.exists():
            path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)

    def add(self, field: int, amount: int = 1) -> None:
        """One write, so that a kill leaves it before or after."""
        struct.pack_into("<q", self._map, 8 * field, self.get(field) + amount)

    def get(self, field: int) -> int:
        """A counter."""
        return int(struct.unpack_from("<q", self._map, 8 * field)[0])


class Replica:
    """A door without a network: requests that end in any order."""

    def __init__(
        self, store: Any, name: str, counts: Counts, cells: list[tuple[Budget, str]], seed: int
    ) -> None:
        self.store, self.name, self.counts = store, name, counts
        self.budgets = Budgets(name)
        self.cells = self.budgets.cells(cells)
        self.draw = random.Random(seed)
        self.running: list[tuple[Reservation, int]] = []

    def send(self, asks: Sequence[Ask]) -> None:
        """One batch, one operation."""
        if not asks:
            return
        self.counts.add(OPERATIONS)
        try:
            answers = self.store.exchange(self.name, asks)
        except StoreGone:
            self.counts.add(GONE)
            self.budgets.gone(asks, clock())
        else:
            self.budgets.hear(asks, answers, clock())

    def turn(self) -> bool:
        """Try one request, end one where enough run; whether it was let in."""
        answer = self.budgets.reserve(self.cells, Amounts(1, ESTIMATE), clock())
        if isinstance(answer, Refill):
            self.send(answer.asks)
            return True
        if isinstance(answer, Reservation):
            period = PERIODS + self.cells.leases[0].period % 64
            self.counts.add(period, ESTIMATE)
            self.counts.add(REQUESTS)
            self.running.append((answer, period))
        else:
            self.counts.add(REFUSED)
        if len(self.running) >= IN_FLIGHT or (self.running and not isinstance(answer, Reservation)):
            self.end(self.draw.randrange(len(self.running)))
        return isinstance(answer, Reservation)

    def end(self, at: int) -> None:
        """Settle a request that runs."""
        reservation, period = self.running.pop(at)
        used = self.draw.randint(100, ESTIMATE)
        self.budgets.settle(reservation, Amounts(1, used), clock())
        self.counts.add(period, used - ESTIMATE)

    def look_after(self) -> None:
        """Upkeep, and what prefetches ask for."""
        done = tick(self.budgets, clock())
        for lapsed in done.lapsed:
            self.counts.add(LAPSED)
            for at, (reservation, _) in enumerate(self.running):
                if reservation is lapsed:
                    self.end(at)
                    break
        self.send(done.asks)


def main() -> None:
    """Serve until SIGTERM, then settle and give back."""
    kind, address, name, counts, limit, lease, lifetime_us, slots, seed = sys.argv[1:]
    quota = Budget(
        "quota",
        Kind.TOKEN_QUOTA,
        Scope.CAMPAIGN,
        int(limit),
        Per.HOUR,
        lease=int(lease),
        lifetime_us=int(lifetime_us),
    )
    at_once = Budget("slots", Kind.CONCURRENCY, Scope.CAMPAIGN, int(slots), lifetime_us=int(lifetime_us))
    replica = Replica(
        stepped(kind, address), name, Counts(Path(counts)), [(quota, "ring"), (at_once, "ring")], int(seed)
    )
    leave: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: leave.append(1))
    looked = 0
    while not leave:
        admitted = replica.turn()
        now_us = clock()
        if replica.budgets.hungry:
            replica.send(replica.budgets.asks(now_us))
        if now_us - looked > 50_000:
            looked = now_us
            replica.look_after()
        if not admitted:
            time.sleep(0.0005)
        if os.getppid() == 1:
            return
    while replica.running:
        replica.end(0)
    replica.send(replica.budgets.asks(clock()))
    replica.send(leaving(replica.budgets, clock()))


if __name__ == "__main__":
    main()
