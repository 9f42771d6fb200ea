"""What identity and decision cost a request on one core: who asks, decide, settle, and figures for rate headers.

Each step is timed by itself, in nanoseconds of processor time, and all four together. `headers` is what a relay reads
in place of all figures (the limits of a minute), and `relayed` the four with that. A fixed reference loop runs between
the rounds: `times` is a step's time over that of one turn of the loop in the same round (median of rounds), which a
busy or a slow machine changes far less than nanoseconds. The store is in memory; what it costs to ask it, as rarely as
it is asked, is part of the time.

    python benchmarks/control/deciding.py --date 2026-01-31 [--rounds 15] [--turns 20000] [--out FILE]
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record
from headwater.control.budget import Budgets, Kind, MemoryStore, Refill, Scope, tick
from headwater.control.deciding import (
    Admitted,
    Control,
    ControlSettings,
    Model,
    OwnBudget,
    Shown,
    Standings,
    Used,
    Wish,
    stands_now,
)
from headwater.control.identity import (
    LIMITS,
    Authenticator,
    Credential,
    IdentitySettings,
    Principal,
    Sources,
    new_identity,
    open_identity,
    shipped_tiers,
)

#: What the four together may cost for five limits, in turns of the reference loop: 10 µs where a turn is 1.4 µs.
BAR_TIMES = 7.0
PLENTY = 10**9
USED = Used(input_tokens=700, output_tokens=300)
#: As many requests run at once while a step is timed by itself.
OPEN = 100
STEP_US = 50
FIVE = (
    "requests_per_minute",
    "tokens_per_minute",
    "tokens_per_day",
    "concurrent_requests",
    "spend_per_month_micros",
)
OWN = OwnBudget(name="network", kind=Kind.REQUESTS, scope=Scope.ADDRESS, limit=PLENTY, per="minute")
ASKED = Wish(scope="generate", model="m-1", input_tokens=900, output_tokens=500)
#: Name → (limits of the tier, other processes count the same budgets, the operator's own budgets, what is asked for).
CASES: dict[str, tuple[tuple[str, ...], bool, tuple[OwnBudget, ...], Wish]] = {
    "five limits, one process": (FIVE, False, (), ASKED),
    "five limits, shared": (FIVE, True, (), ASKED),
    "eight limits and one of the network, shared": (tuple(LIMITS), True, (OWN,), ASKED),
    "five limits, a stream by the slice": (
        FIVE, False, (), msgspec.structs.replace(ASKED, stream=True, output_tokens=None),
    ),
    "no limits": ((), False, (), ASKED),
}  # fmt: skip


class Desk:
    """A door in a few lines: one account with a key, and budgets over a store in memory."""

    def __init__(self, folder: Path, case: str) -> None:
        limits, shared, own, self.wish = CASES[case]
        most = {"concurrent_requests": 10**6, "addresses_per_day": 4000, "asns_per_day": 4000}
        named = {name: most.get(name, PLENTY) if name in limits else None for name in LIMITS}
        sliced = self.wish.stream
        tier = msgspec.structs.replace(shipped_tiers()["contracted"], **named, unsliced_streams=not sliced)
        with open_identity(folder, IdentitySettings()) as identity:
            directory = identity.directory()
            text = identity.new_key("account-1", "ann", 1).text
            identity.refresh(directory)
        directory.tiers["contracted"] = tier
        self.store = MemoryStore(lambda: time.time_ns() // 1000, fresh=True)
        self.budgets = Budgets("r1", alone=not shared)
        models = (Model(name="m-*", input=1_000_000, output=4_000_000),)
        settings = ControlSettings(budgets=own, models=models)
        authenticator = Authenticator(directory, IdentitySettings())
        self.control = Control(authenticator, self.budgets, settings, Standings())
        self.source = Sources(find_asn=lambda _: 64500).of("203.0.113.9")
        self.shown = Credential(text.encode())
        self.steady_us = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
        self.wall_us = time.time_ns() // 1000
        found = self.control.who(self.shown, self.source, self.wall_us)
        assert isinstance(found, Principal)
        self.principal = found
        self.known: tuple[Shown, ...] = ()
        self.told: list[Shown] = []

    def send(self, refill: Refill) -> None:
        """The answers to what is asked of the store."""
        self.budgets.hear(refill.asks, self.store.exchange("r1", refill.asks), self.steady_us)

    def upkeep(self) -> None:
        """What a door does some times a second."""
        if asks := tick(self.budgets, self.steady_us).asks:
            self.send(Refill(tuple(asks)))

    def step_who(self, turns: int) -> None:
        """Who asks, for a key that was seen before."""
        who, shown, source, wall_us = self.control.who, self.shown, self.source, self.wall_us
        for _ in range(turns):
            who(shown, source, wall_us)

    def step_decide(self, turns: int, kept: list[Admitted]) -> None:
        """Admitted, after what it takes."""
        decide, principal, source, wish, wall_us = (
            self.control.decide, self.principal, self.source, self.wish, self.wall_us,
        )  # fmt: skip
        for _ in range(turns):
            self.steady_us += STEP_US
            answer = decide(principal, source, wish, wall_us, self.steady_us)
            while isinstance(answer, Refill):
                self.send(answer)
                answer = decide(principal, source, wish, wall_us, self.steady_us)
            assert isinstance(answer, Admitted), answer
            kept.append(answer)

    def step_settle(self, kept: list[Admitted]) -> None:
        """Settled, and sent what follows from it."""
        settle, steady_us = self.control.settle, self.steady_us
        for admitted in kept:
            settle(admitted, USED, steady_us)

    def step_standing(self, kept: list[Admitted]) -> None:
        """Figures for rate headers."""
        standing, steady_us = self.control.standing, self.steady_us
        for admitted in kept:
            standing(admitted, steady_us)

    def step_headers(self, kept: list[Admitted]) -> None:
        """What rate headers tell: the limits of a minute."""
        for admitted in kept:
            self.headers(admitted)

    def headers(self, admitted: Admitted) -> None:
        """The same for one request; which limits these are is kept by whoever asks."""
        shown = self.control.shown(admitted)
        if shown is not self.known:
            self.known, self.told = shown, [one for one in shown if one.name.endswith("_per_minute")]
        for one in self.told:
            stands_now(one, self.steady_us)

    def together(self, turns: int, *, headers: bool) -> None:
        """All four, one request after another; with `headers`: what these need in place of all figures."""
        read = self.headers if headers else lambda admitted: control.standing(admitted, self.steady_us)
        control, shown, source, wish, wall_us = self.control, self.shown, self.source, self.wish, self.wall_us
        for _ in range(turns):
            self.steady_us += STEP_US
            principal = control.who(shown, source, wall_us)
            assert isinstance(principal, Principal)
            answer = control.decide(principal, source, wish, wall_us, self.steady_us)
            while isinstance(answer, Refill):
                self.send(answer)
                answer = control.decide(principal, source, wish, wall_us, self.steady_us)
            assert isinstance(answer, Admitted)
            read(answer)
            control.settle(answer, USED, self.steady_us)


class Counter:
    """What the reference loop works on."""

    __slots__ = ("count", "held", "of")

    def __init__(self) -> None:
        self.count, self.of, self.held = 0, (1, 2, 3, 4), {"a": 1, "b": 2}

    def add(self, key: str, amount: int) -> int:
        """Some of what a step consists of: calls, attributes, a table, whole numbers."""
        left = self.count = self.count + self.held[key] - amount
        return left


def reference(turns: int) -> int:
    """The fixed loop, a microsecond or so a turn: ten calls of a small method, ten of four numbers."""
    counter, total = Counter(), 0
    for _ in range(turns):
        for _ in range(10):
            total += counter.add("a", 1)
            one, two, three, four = counter.of
            total += one + two - three + four
    return total


def timed(call: Callable[..., object], *given: object, **named: object) -> int:
    """Nanoseconds of processor time."""
    began = time.process_time_ns()
    call(*given, **named)
    return time.process_time_ns() - began


def one_round(desk: Desk, turns: int) -> Iterator[tuple[str, float]]:
    """Nanoseconds of every step a request, each by itself, and together."""
    yield "who", timed(desk.step_who, turns) / turns
    spent = {"decide": 0, "standing": 0, "headers": 0, "settle": 0}
    for _ in range(turns // OPEN):
        kept: list[Admitted] = []
        spent["decide"] += timed(desk.step_decide, OPEN, kept)
        spent["standing"] += timed(desk.step_standing, kept)
        spent["headers"] += timed(desk.step_headers, kept)
        spent["settle"] += timed(desk.step_settle, kept)
    for name, nanoseconds in spent.items():
        yield name, nanoseconds / (turns // OPEN * OPEN)
    for name, headers in (("together", False), ("relayed", True)):
        desk.upkeep()
        yield name, timed(desk.together, turns, headers=headers) / turns


def main() -> int:
    """Measure all cases in turn, round after round, and print."""
    parser = record.options(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--turns", type=int, default=20_000)
    asked = parser.parse_args()
    load = os.getloadavg()
    rounds: dict[str, dict[str, list[tuple[float, float]]]] = {case: {} for case in CASES}
    loops: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "identity"
        new_identity(folder, IdentitySettings())
        with open_identity(folder, IdentitySettings()) as identity:
            identity.new_account("account-1", "ann", 1, tier="contracted")
        desks = {case: Desk(folder, case) for case in CASES}
        for _ in range(asked.rounds):
            for case, desk in desks.items():
                before = timed(reference, asked.turns) / asked.turns
                found = list(one_round(desk, asked.turns))
                loop = (before + timed(reference, asked.turns) / asked.turns) / 2
                loops.append(loop)
                for name, nanoseconds in found:
                    rounds[case].setdefault(name, []).append((nanoseconds, nanoseconds / loop))
    steps = {
        case: {
            name: {
                "ns": round(min(ns for ns, _ in each)),
                "times": round(statistics.median(times for _, times in each), 2),
            }
            for name, each in names.items()
        }
        for case, names in rounds.items()
    }
    result: dict[str, Any] = {
        "date": asked.date,
        "revision": asked.revision,
        "machine": f"{platform.system()} {platform.machine()}, one core of {os.cpu_count()}",
        "python": platform.python_version(),
        "load": [round(x, 2) for x in load],
        "unit": "ns: of processor time a request, least of rounds; times: over a turn of the loop, median of rounds",
        "reference loop, ns a turn": {"least": round(min(loops)), "median": round(statistics.median(loops))},
        "bar": {"together, times": BAR_TIMES},
        "steps": steps,
    }
    record.keep(result, asked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
