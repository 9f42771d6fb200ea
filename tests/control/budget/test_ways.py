"""The short way of `reserve` and the long one: the same answers, and the same cells after, whatever is asked."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from control.budget.world import DAY_US, HOUR_US, NOW_US, SECOND_US, Clock
from control.cells import state
from headwater.control.budget import (
    NOBODY,
    Amounts,
    Budget,
    Budgets,
    Kind,
    MemoryStore,
    Per,
    Refill,
    Refused,
    Reservation,
    Scope,
    Seen,
    tick,
)

PERS = {"concurrency": Per.NONE, "requests": Per.SECOND, "tokens": Per.MINUTE, "spend": Per.HOUR}
budgets = st.builds(
    lambda kind, limit: Budget(f"b-{kind.value}", kind, Scope.ACCOUNT, limit, PERS.get(kind.value, Per.DAY)),
    st.sampled_from(list(Kind)),
    st.sampled_from([2, 3, 10, 40, 1000]),
)
amounts = st.builds(Amounts, st.integers(0, 2), st.integers(0, 60), st.integers(0, 60), st.integers(0, 1))
seen = st.builds(Seen, st.sampled_from(["", "a", "a", "b", "c"]), st.sampled_from(["", "", "n", "m"]))
KINDS = ["reserve"] * 8 + ["settle"] * 4 + ["time"] * 2 + ["extend", "tick", "gone"]


@st.composite
def moves(draw: st.DrawFn) -> tuple[str, int, Any]:
    """A move: what, a number for it, and what is given."""
    what = draw(st.sampled_from(KINDS))
    given = {"reserve": st.tuples(amounts, seen), "settle": amounts, "extend": amounts}
    numbers = st.sampled_from([1, 1000, SECOND_US, 16 * SECOND_US, 40 * SECOND_US, HOUR_US, DAY_US])
    number = draw(numbers if what == "time" else st.integers(0, 9))
    return what, number, draw(given.get(what, st.none()))


class Thorough(Budgets):
    """Looks at every cell at length, always."""

    def reserve(
        self,
        cells: Any,
        estimate: Any,
        now_us: int,
        seen: Any = NOBODY,
        lasts_us: int = 10**9,
    ) -> Reservation | Refused | Refill:
        """See `Budgets`."""
        return self._looked(cells, estimate, now_us, seen, lasts_us)


class Twin:
    """Budgets with a store of their own."""

    def __init__(self, how: type[Budgets], of: list[Budget], alone: bool) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock, fresh=True)
        self.budgets = how("r1", alone=alone)
        self.cells = self.budgets.cells((each, "k") for each in of)
        self.running: list[Reservation] = []
        self.away_us = 0

    def send(self, asks: Any) -> None:
        """To the store and back, unless it is away."""
        if not asks:
            return
        if self.clock() < self.away_us:
            self.budgets.gone(asks, self.clock())
        else:
            self.budgets.hear(asks, self.store.exchange("r1", asks), self.clock())

    def asked(self, call: Any) -> list[object]:
        """All answers until one that isn't a refill."""
        said: list[object] = []
        for _ in range(4):
            answer = call()
            if isinstance(answer, Reservation):
                if answer not in self.running:
                    self.running.append(answer)
                return [*said, answer.taken, answer.stamp]
            said.append(answer)
            if isinstance(answer, Refused):
                break
            self.send(answer.asks)
        return said

    def move(self, what: str, number: int, given: Any) -> object:
        """Make one move; what it came to."""
        own, now_us = self.budgets, self.clock()
        if what == "time":
            self.clock.now_us += number
        elif what == "tick":
            self.send(tick(own, now_us).asks)
            self.running = [held for held in self.running if held in own.open]
        elif what == "gone":
            self.away_us = now_us + number * SECOND_US
        elif what == "reserve":
            return self.asked(lambda: own.reserve(self.cells, given[0], now_us, given[1], 10**9))
        elif self.running:
            held = self.running[number % len(self.running)]
            if what == "extend":
                return self.asked(lambda: own.extend(held, given, now_us))
            self.running.remove(held)
            own.settle(held, given, now_us)
            self.send(own.asks(now_us))
        return None


@given(
    st.lists(moves(), min_size=15, max_size=50),
    st.lists(budgets, min_size=1, max_size=4, unique_by=lambda one: one.name),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_the_short_way_and_the_long_way_come_to_the_same(
    led: list[tuple[str, int, Any]], of: list[Budget], alone: bool
) -> None:
    short, long = Twin(Budgets, of, alone), Twin(Thorough, of, alone)
    for move in led:
        assert short.move(*move) == long.move(*move)
        assert state(short.budgets) == state(long.budgets)


class Quick(Budgets):
    """Never looks at length."""

    def _looked(self, *given: object) -> Any:
        raise AssertionError("the long way")


def test_who_comes_from_nowhere_takes_the_short_way() -> None:
    """Most who run without a database of networks have tiers that limit networks."""
    one = Twin(Quick, [Budget("b", Kind.NETWORKS, Scope.ACCOUNT, 1, Per.DAY)], alone=False)
    assert isinstance(one.budgets.reserve(one.cells, Amounts(), NOW_US, Seen("a", "")), Reservation)
