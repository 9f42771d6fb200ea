"""Are budgets exact over four replicas that are killed, stopped and cut off, with a store that restarts and whose clock
steps? Requests estimate 1,500 tokens and use 100 to 1,500; a hard budget an hour, and slots; hours pass by setting
the store's clock. What was let in and never settled, because of a kill, counts in full.

    python benchmarks/budget/exactness.py --date 2026-01-31 [--store redis|redis-forgets|postgres] [--requests 1000000]
"""

from __future__ import annotations

import contextlib
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import replica as one_replica
from replica import FIELDS, GONE, LAPSED, OPERATIONS, PERIODS, REFUSED, REQUESTS, Counts, stepped

import record
from control.budget.servers import Postgres, Redis
from headwater.control.budget import Amounts, Budget, Budgets, Kind, Refill, Reservation, Scope, StoreGone

REPLICAS = 4
HOUR_US = 3_600_000_000
MEAN = 800
SLOTS = 64
#: A lease is this part of the budget.
SHARE = 0.0002


class Store:
    """The server, with what can be done to it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.server: Any = (
            Postgres(folder / "postgres")
            if kind == "postgres"
            else Redis(folder / "redis", durable=kind == "redis")
        )
        self.address = self.server.conninfo if kind == "postgres" else self.server.url
        self.restarts = self.cuts = self.steps = 0
        store = stepped(kind, self.address)
        if kind == "postgres":
            store.set_up()
            self._sql("CREATE TABLE clock (by_us bigint NOT NULL)")
            self._sql("INSERT INTO clock VALUES (0)")
        else:
            self._set(0)
        store.begin(fresh=True)
        self.by_us = 0

    def step(self, by_us: int) -> None:
        """Set its clock forward or back."""
        self.by_us += by_us
        self.steps += 1
        self._set(self.by_us)

    def restart(self) -> None:
        """kill -9 and start."""
        self.server.kill()
        time.sleep(0.2)
        self.server.start()
        self.restarts += 1
        if self.kind == "redis-forgets":
            self._set(self.by_us)

    def cut(self) -> None:
        """End every connection."""
        self.cuts += 1
        with contextlib.suppress(Exception):
            if self.kind == "postgres":
                self._sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                )
            else:
                import redis

                with redis.Redis.from_url(self.address) as client:
                    client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def _set(self, by_us: int) -> None:
        if self.kind == "postgres":
            self._sql(f"UPDATE clock SET by_us = {int(by_us)}")
        else:
            import redis

            with redis.Redis.from_url(self.address) as client:
                client.set("{headwater}-clock", by_us)

    def _sql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


class Run:
    """Four replicas, and what happens to them."""

    def __init__(self, store: Store, folder: Path, limit: int, lifetime_us: int, seed: int) -> None:
        self.store, self.folder, self.limit, self.lifetime_us = store, folder, limit, lifetime_us
        self.draw = random.Random(seed)
        self.born = self.kills = self.stops = 0
        self.counts: list[Counts] = []
        self.processes = [self._start() for _ in range(REPLICAS)]
        self.stopped: dict[int, float] = {}

    def total(self, field: int) -> int:
        """A counter, over all replicas that ever lived."""
        return sum(each.get(field) for each in self.counts)

    def kill(self) -> None:
        """kill -9 one, and start another in its place."""
        at = self.draw.randrange(REPLICAS)
        self.processes[at].kill()
        self.processes[at].wait()
        self.stopped.pop(at, None)
        self.processes[at] = self._start()
        self.kills += 1

    def stop(self) -> None:
        """SIGSTOP one, for up to three lifetimes and a half of a lease."""
        at = self.draw.randrange(REPLICAS)
        if at not in self.stopped and len(self.stopped) < REPLICAS - 1:
            self.processes[at].send_signal(signal.SIGSTOP)
            self.stopped[at] = time.monotonic() + self.draw.choice([0.3, 1, 3.5]) * self.lifetime_us / 1e6
            self.stops += 1

    def go_on(self, *, all_of_them: bool = False) -> None:
        """SIGCONT those whose time has come."""
        for at, until in list(self.stopped.items()):
            if all_of_them or time.monotonic() >= until:
                del self.stopped[at]
                self.processes[at].send_signal(signal.SIGCONT)

    def until_spent(self, faults: list[str], timeout_s: float) -> None:
        """One hour of the store: all faults in the middle of it, then until nobody is let in any more."""
        begin, last = self.total(REQUESTS), time.monotonic()
        began = time.monotonic()
        expected = self.limit / MEAN
        waiting = list(faults)
        before = begin
        while True:
            time.sleep(0.02)
            self.go_on()
            now = self.total(REQUESTS)
            done = (now - begin) / expected
            while waiting and done >= 0.9 * (1 - len(waiting) / (len(faults) + 1)):
                getattr(self, waiting.pop(0))()
            if now != before:
                before, last = now, time.monotonic()
            if time.monotonic() - last > 2.5 and not waiting:
                self.go_on(all_of_them=True)
                if time.monotonic() - last > 5:
                    return
            if waiting and time.monotonic() - last > 6:  # closed early: the store forgot
                getattr(self, waiting.pop(0))()
            if time.monotonic() - began > timeout_s:
                raise SystemExit(f"an hour isn't over after {timeout_s} s: {done:.3f} of it spent")

    def restart(self) -> None:
        """The store is killed, and starts again."""
        self.store.restart()

    def cut(self) -> None:
        """All connections end."""
        self.store.cut()

    def back(self) -> None:
        """The store's clock is set back, by seconds or by an hour."""
        self.store.step(-self.draw.choice([1_000_000, 20_000_000, HOUR_US]))

    def leave(self) -> None:
        """SIGTERM for all, and their last messages."""
        self.go_on(all_of_them=True)
        for each in self.processes:
            each.terminate()
        for each in self.processes:
            each.wait(timeout=30)

    def _start(self) -> subprocess.Popen[bytes]:
        self.born += 1
        path = self.folder / f"counts-{self.born}"
        self.counts.append(Counts(path))
        command = [sys.executable, one_replica.__file__, self.store.kind, self.store.address, f"r{self.born}"]
        numbers = (self.limit, int(SHARE * self.limit), self.lifetime_us, SLOTS, self.born)
        return subprocess.Popen([*command[:5], str(path), *map(str, numbers)])


def leaked(store: Store, lifetime_us: int) -> int:
    """Slots that nobody can have although nobody holds any, when all leases are over."""
    time.sleep(lifetime_us / 1e6)
    budgets = Budgets("the last one")
    one = Budget("slots", Kind.CONCURRENCY, Scope.CAMPAIGN, SLOTS, lifetime_us=lifetime_us)
    cells = budgets.cells([(one, "ring")])
    client, got = stepped(store.kind, store.address), 0
    for _ in range(4 * SLOTS):
        answer = budgets.reserve(cells, Amounts(), one_replica.clock())
        if isinstance(answer, Refill):
            with contextlib.suppress(StoreGone):
                budgets.hear(answer.asks, client.exchange("the last one", answer.asks), one_replica.clock())
        elif isinstance(answer, Reservation):
            got += 1
    return SLOTS - got


def schedule(kind: str, hour: int, hours: int, draw: random.Random) -> list[str]:
    """Faults of one hour; over all hours five kills."""
    kills = 5 * (hour + 1) // hours - 5 * hour // hours
    faults = ["kill"] * kills + ["stop"] * 4 + ["cut"] * 3 + ["back"]
    if kind != "redis-forgets" or hour == hours // 2:
        faults.append("restart")
    draw.shuffle(faults)
    return faults


def in_order(first: int) -> list[int]:
    """Counters of tokens by period (the hour since 1970, modulo their number), from before hour `first` to after it."""
    of = FIELDS - PERIODS
    return [PERIODS + (first + by) % of for by in range(-of // 2, of // 2)]


def measured(kind: str, requests: int, hours: int, seed: int, lifetime_us: int) -> dict[str, Any]:
    """The figures of one run."""
    limit = requests * MEAN // hours
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="headwater-exactness-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        store = Store(kind, folder)
        run = Run(store, folder, limit, lifetime_us, seed)
        began = time.monotonic()
        first = time.time_ns() // 1000 // HOUR_US
        try:
            for hour in range(hours):
                run.until_spent(schedule(kind, hour, hours, draw), timeout_s=60 + requests / hours / 1000)
                store.step((hour + 1) * HOUR_US - store.by_us)
            run.leave()
            spent = {period: run.total(period) for period in in_order(first) if run.total(period)}
            lost = leaked(store, lifetime_us)
        finally:
            for each in run.processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGKILL)
            store.server.kill()
        total = run.total(REQUESTS)
        return {
            "store": kind,
            "requests": total,
            "seconds": round(time.monotonic() - began, 1),
            "budget_an_hour": limit,
            "lease_share": SHARE,
            "replicas": REPLICAS,
            "kill_9": run.kills,
            "stopped": run.stops,
            "cut": store.cuts,
            "clock_steps": store.steps,
            "store_restarts": store.restarts,
            "no_answer": run.total(GONE),
            "overrun_tokens": sum(max(0, tokens - limit) for tokens in spent.values()),
            "usable_share_by_hour": [round(tokens / limit, 5) for tokens in spent.values()],
            "leaked_slots": lost,
            "lapsed_slots": run.total(LAPSED),
            "refused": run.total(REFUSED),
            "store_operations_a_request": round(run.total(OPERATIONS) / max(1, total), 4),
        }


def main() -> None:
    """Run for each store that was asked for."""
    parser = record.options(__doc__)
    parser.add_argument("--store", action="append", choices=["redis", "redis-forgets", "postgres"])
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--hours", type=int, default=4)
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--lifetime-us", type=int, default=1_000_000)
    asked = parser.parse_args()
    kinds = asked.store or ["redis", "redis-forgets", "postgres"]
    runs = [measured(kind, asked.requests, asked.hours, asked.seed, asked.lifetime_us) for kind in kinds]
    machine = {"cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}
    record.keep({"date": asked.date, "revision": asked.revision, "machine": machine, "runs": runs}, asked)


if __name__ == "__main__":
    main()
