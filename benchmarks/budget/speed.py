"""What a decision costs on one core: six budgets of one request reserved and settled, beside named peers that count six
limits in the same process (they have no settling, and no all-or-nothing over several limits).

Peers come from a folder of their own: pip install --target PEERS limits throttled-py pyrate-limiter

    python benchmarks/budget/speed.py --date 2026-01-31 [--peers PEERS] [--rounds 5]
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record
from headwater.control.budget import (
    Amounts,
    Budget,
    Budgets,
    Kind,
    MemoryStore,
    Per,
    Refill,
    Reservation,
    Scope,
    tick,
)

TURNS = 200_000
PLENTY = 10**12
ESTIMATE, ACTUAL = Amounts(1, 1500, 3000), Amounts(1, 700, 1400)
SIX = (
    (Kind.REQUESTS, Scope.ACCOUNT, Per.MINUTE),
    (Kind.TOKENS, Scope.ACCOUNT, Per.MINUTE),
    (Kind.TOKEN_QUOTA, Scope.ORGANISATION, Per.DAY),
    (Kind.SPEND_QUOTA, Scope.PAYMENT, Per.MONTH),
    (Kind.REQUESTS, Scope.ADDRESS, Per.MINUTE),
    (Kind.REQUEST_QUOTA, Scope.CAMPAIGN, Per.DAY),
)
SLOTS = Budget("slots", Kind.CONCURRENCY, Scope.ACCOUNT, 1000)


def now_us() -> int:
    """The clock that a door would read."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def ours(*, alone: bool, slots: bool, clock: bool) -> Callable[[int], int]:
    """Turns of reserve and settle, with leases and upkeep as they come; the number of store operations."""
    budgets = Budgets("r1", alone=alone)
    store = MemoryStore(lambda: time.time_ns() // 1000, fresh=True)
    six = [Budget(f"b{at}", kind, scope, PLENTY, per) for at, (kind, scope, per) in enumerate(SIX)]
    cells = budgets.cells((each, "k") for each in ([*six, SLOTS] if slots else six))

    def turns(count: int) -> int:
        operations, at_us = 0, now_us()
        for turn in range(count):
            at_us = now_us() if clock else at_us + 3
            answer = budgets.reserve(cells, ESTIMATE, at_us)
            while isinstance(answer, Refill):
                operations += 1
                budgets.hear(answer.asks, store.exchange("r1", answer.asks), at_us)
                answer = budgets.reserve(cells, ESTIMATE, at_us)
            assert isinstance(answer, Reservation)
            budgets.settle(answer, ACTUAL, at_us)
            if budgets.hungry and (asks := budgets.asks(at_us)):
                operations += 1
                budgets.hear(asks, store.exchange("r1", asks), at_us)
            if turn % 10_000 == 0 and (asks := list(tick(budgets, at_us).asks)):
                operations += 1
                budgets.hear(asks, store.exchange("r1", asks), at_us)
        return operations

    return turns


def peers() -> dict[str, Callable[[int], int]]:
    """Six limits of each peer, counted one after another, in its memory backend."""
    found: dict[str, Callable[[int], int]] = {}
    try:
        import limits
    except ImportError:
        pass
    else:
        for name, strategy in (
            ("fixed window", limits.strategies.FixedWindowRateLimiter),
            ("moving window", limits.strategies.MovingWindowRateLimiter),
            ("sliding window counter", limits.strategies.SlidingWindowCounterRateLimiter),
        ):
            limiter = strategy(limits.storage.MemoryStorage())
            rule = limits.RateLimitItemPerMinute(PLENTY)

            def hit(count: int, limiter: Any = limiter, rule: Any = rule) -> int:
                for _ in range(count):
                    for key in "abcdef":
                        assert limiter.hit(rule, key)
                return 0

            found[f"limits, {name}"] = hit
    try:
        import throttled
    except ImportError:
        pass
    else:
        for name in ("gcra", "token_bucket"):
            quota = throttled.per_min(10**9, burst=10**9)
            limiter = throttled.Throttled(using=name, quota=quota, store=throttled.store.MemoryStore())

            def limit(count: int, limiter: Any = limiter) -> int:
                for _ in range(count):
                    for key in "abcdef":
                        assert not limiter.limit(key).limited
                return 0

            found[f"throttled-py, {name}"] = limit
    try:
        import pyrate_limiter
    except ImportError:
        pass
    else:
        limiters = [pyrate_limiter.Limiter(pyrate_limiter.Rate(10**9, 60_000)) for _ in range(6)]

        def acquire(count: int) -> int:
            for _ in range(count):
                for each in limiters:
                    assert each.try_acquire("k", blocking=False)
            return 0

        found["pyrate-limiter"] = acquire
    return found


def main() -> None:
    """All ways in turn, `--rounds` times; the best of each."""
    parser = record.options(__doc__)
    parser.add_argument("--peers", type=Path, help="a folder that pip installed them into")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    if asked.peers:
        sys.path.append(str(asked.peers))
    ways = {
        "six leased": ours(alone=False, slots=False, clock=False),
        "six, rates counted alone": ours(alone=True, slots=False, clock=False),
        "six leased and slots": ours(alone=False, slots=True, clock=False),
        "six leased and slots, reading the clock": ours(alone=False, slots=True, clock=True),
        **peers(),
    }
    told: dict[str, Any] = {}
    for _ in range(asked.rounds):
        for name, turns in ways.items():
            count = TURNS if name.startswith("six") else TURNS // 20
            began = time.process_time()
            operations = turns(count)
            us = 1e6 * (time.process_time() - began) / count
            if name not in told or us < told[name]["us"]:
                told[name] = {"us": round(us, 3), "a_second": round(1e6 / us)}
                if name.startswith("six"):
                    told[name]["store_operations_a_request"] = operations / count
    versions = {
        each.metadata["Name"]: each.version
        for each in distributions(path=[str(asked.peers)] if asked.peers else [])
        if each.metadata["Name"] in {"limits", "throttled-py", "pyrate-limiter"}
    }
    machine = {"cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}
    result = {
        "date": asked.date,
        "revision": asked.revision,
        "machine": machine,
        "peers": versions,
        "ways": told,
    }
    record.keep(result, asked)


if __name__ == "__main__":
    main()
