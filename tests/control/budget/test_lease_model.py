"""Whatever happens to replicas, messages, clocks and the store, nothing is ever over; where nothing happens, nearly all
of a budget is usable. The world is explored by hypothesis, and on long walks with more of what is likely.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from control.budget.lease_world import QUOTA, RATE, SEEN, SLOTS, World
from control.budget.world import HOUR_US, SECOND_US, Clock, Door
from headwater.control.budget import Amounts, Budget, Kind, MemoryStore, Per, Reservation, Scope

#: Most waits are short; now and then a lease, or an hour, goes by.
WAITS = [
    0,
    1000,
    SECOND_US // 2,
    SECOND_US,
    3 * SECOND_US,
    12 * SECOND_US,
    25 * SECOND_US,
    HOUR_US // 2,
    HOUR_US,
]
BACK = [-HOUR_US, -5 * SECOND_US, -1]
TOKENS = [1, 10, 30, 60]
which, back = st.integers(0, 2), st.integers(0, 8)


class Leases(RuleBasedStateMachine):
    """The world, as hypothesis explores it."""

    kinds = (QUOTA, RATE, SLOTS, SEEN)

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.kinds)

    @rule(which=which, tokens=st.sampled_from(TOKENS), seen=st.sampled_from("abcde"), times=st.integers(1, 6))
    def request(self, which: int, tokens: int, seen: str, times: int) -> None:
        for _ in range(times):
            self.world.request(which, tokens, seen)

    @rule(which=which, tokens=st.sampled_from(TOKENS), seen=st.sampled_from("abcde"))
    def request_waits(self, which: int, tokens: int, seen: str) -> None:
        self.world.request(which, tokens, seen, waits=True)

    @rule(pick=st.integers(0, 50), share=st.sampled_from([0.0, 0.3, 1.0]), released=st.booleans())
    def end(self, pick: int, share: float, released: bool) -> None:
        self.world.end(pick, share, released=released)

    @rule(pick=st.integers(0, 50), more=st.sampled_from([1, 10, 40]))
    def extend(self, pick: int, more: int) -> None:
        self.world.extend(pick, more)

    @rule(which=which, leaves=st.booleans())
    def upkeep(self, which: int, leaves: bool) -> None:
        self.world.upkeep(which, leaves=leaves)

    @rule(back=back)
    def arrives(self, back: int) -> None:
        self.world.arrives(back)

    @rule(back=back)
    def heard(self, back: int) -> None:
        self.world.heard(back)

    @rule(back=back)
    def lost(self, back: int) -> None:
        self.world.lost(back)

    @rule(wait_us=st.sampled_from(WAITS))
    def time_passes(self, wait_us: int) -> None:
        self.world.time_passes(wait_us)

    @rule(which=which)
    def killed(self, which: int) -> None:
        self.world.killed(which)

    @rule(how=st.sampled_from(["forgets", *BACK, 5 * SECOND_US, HOUR_US]))
    def store_fails(self, how: Any) -> None:
        if how == "forgets":
            self.world.forgets()
        else:
            self.world.clock_steps(how)

    @invariant()
    def nothing_is_over(self) -> None:
        self.world.check()


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=100, stateful_step_count=50)


def walk(kinds: tuple[Budget, ...], seed: int, steps: int) -> World:
    """A long walk through the world: much traffic, some faults; each walk has faults of its own."""
    draw = random.Random(seed)
    world = World(kinds)
    rare = 10.0 ** draw.uniform(-3, 0)
    slow = draw.choice([0.02, 0.2, 1.0])  # how often a long time passes
    weights = {
        "request": 30.0,
        "waits": 8.0,
        "end": draw.choice([10.0, 25.0]),
        "extend": 4.0,
        "upkeep": 10.0,
        "leaves": 1.0,
        "arrives": 14.0,
        "heard": 14.0,
        "lost": draw.choice([0.5, 5.0]),
        "moment": 12.0,
        "while": 2 * slow,
        "hour": 0.3 * slow,
        "killed": rare,
        "forgets": 0.2 * rare,
        "back": rare * draw.choice([0, 1]),
    }
    for _ in range(steps):
        (what,) = draw.choices(list(weights), list(weights.values()))
        one = draw.randrange(3)
        # Mostly the newest message; now and then one from long ago.
        old = draw.choice([0, 0, 0, 1, 2, draw.randrange(40)])
        {
            "request": lambda: world.request(one, draw.choice(TOKENS), draw.choice("abcde")),  # noqa: B023
            "waits": lambda: world.request(one, draw.choice(TOKENS), draw.choice("abcde"), waits=True),  # noqa: B023
            "end": lambda: world.end(draw.randrange(50), draw.random(), released=draw.random() < 0.2),
            "extend": lambda: world.extend(draw.randrange(50), draw.choice([1, 10, 40])),
            "upkeep": lambda: world.upkeep(one),  # noqa: B023
            "leaves": lambda: world.upkeep(one, leaves=True),  # noqa: B023
            "arrives": lambda: world.arrives(old),  # noqa: B023
            "heard": lambda: world.heard(old),  # noqa: B023
            "lost": lambda: world.lost(old),  # noqa: B023
            "moment": lambda: world.time_passes(draw.choice([100, 10_000, 200_000, SECOND_US])),
            "while": lambda: world.time_passes(draw.randrange(30 * SECOND_US)),
            "hour": lambda: world.time_passes(draw.randrange(HOUR_US)),
            "killed": lambda: world.killed(one),  # noqa: B023
            "forgets": world.forgets,
            "back": lambda: world.clock_steps(draw.choice(BACK)),
        }[what]()
        world.check()
    return world


@pytest.mark.parametrize("kinds", [(QUOTA,), (RATE,), (SLOTS,), (QUOTA, RATE, SLOTS, SEEN)], ids=len)
@pytest.mark.parametrize("start", range(0, 60, 20))
def test_nothing_is_over_on_long_walks(kinds: tuple[Budget, ...], start: int) -> None:
    for seed in range(start, start + 20):
        walk(kinds, seed, 500)


def spent_until_nothing_is_left(limit: int, replicas: int, lease: int | None, seed: int) -> tuple[int, float]:
    """(spent, store operations a request) where nothing fails: estimates of 1,500 tokens, 100 to 1,500 are used."""
    draw = random.Random(seed)
    clock = Clock()
    one = Budget("q", Kind.TOKEN_QUOTA, Scope.ACCOUNT, limit, Per.DAY, lease=lease)
    store = MemoryStore(clock, fresh=True)
    doors = [Door(store, clock, f"r{at}") for at in range(replicas)]
    cells = [door.budgets.cells([(one, "k")]) for door in doors]
    running: list[tuple[int, Reservation]] = []
    spent = requests = refused = 0
    while refused < 200 * replicas:
        clock.now_us += 1000
        at = draw.randrange(replicas)
        answer = doors[at].reserve(cells[at], Amounts(1, 1500))
        if isinstance(answer, Reservation):
            running.append((at, answer))
            requests, refused = requests + 1, 0
        else:
            refused += 1
        if len(running) > 25 * replicas or (refused and running):
            at, first = running.pop(draw.randrange(len(running)))
            used = draw.randint(100, 1500)
            spent += used
            doors[at].settle(first, Amounts(1, used))
    return spent, sum(door.operations for door in doors) / requests


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("limit", "lease"), [(10_000_000, 2000), (10_000_000, None), (3_200_000, None)])
def test_where_nothing_fails_nearly_all_is_usable(limit: int, lease: int | None, seed: int) -> None:
    """0.02% of the budget in a lease; or what it chooses itself, where each of four replicas admits 1,000 requests."""
    spent, operations = spent_until_nothing_is_left(limit, 4, lease, seed)
    assert 0.995 * limit <= spent <= limit
    if lease is None:
        assert operations <= 0.1
