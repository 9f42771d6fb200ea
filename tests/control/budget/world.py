"""Budgets, replicas and a store for tests: a door in a few lines, with the clock passed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headwater.control.budget import (
    Amounts,
    Ask,
    Budget,
    Budgets,
    Cells,
    Kind,
    MemoryStore,
    Per,
    Refill,
    Refused,
    Reservation,
    Scope,
    Seen,
    Store,
    StoreGone,
    tick,
)

#: 2026-11-27 10:40 UTC.
NOW_US = 1_795_776_000_000_000
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
DAY_US = 24 * HOUR_US


class Clock:
    """The time in µs, moved by hand."""

    def __init__(self, now_us: int = NOW_US) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us


def budget(
    kind: Kind = Kind.TOKEN_QUOTA, limit: int = 1000, per: Per | None = None, **more: object
) -> Budget:
    """A budget of an account; the period is the usual one of the kind."""
    usual = {"concurrency": Per.NONE, "requests": Per.MINUTE, "tokens": Per.MINUTE, "spend": Per.MINUTE}
    chosen = usual.get(kind.value, Per.DAY) if per is None else per
    return Budget(f"b-{kind.value}", kind, Scope.ACCOUNT, limit, chosen, **more)  # type: ignore[arg-type]


class Door:
    """One replica with its store: asks, waits, asks again, as a door does."""

    def __init__(
        self, store: Store, clock: Callable[[], int], name: str = "r1", *, alone: bool = False
    ) -> None:
        self.store, self.clock, self.name = store, clock, name
        self.budgets = Budgets(name, alone=alone)
        #: batches sent to the store
        self.operations = 0

    def send(self, asks: Sequence[Ask]) -> None:
        """One batch to the store, and its answers."""
        if not asks:
            return
        self.operations += 1
        try:
            answers = self.store.exchange(self.name, asks)
        except StoreGone:
            self.budgets.gone(asks, self.clock())
        else:
            self.budgets.hear(asks, answers, self.clock())

    def reserve(self, cells: Cells, estimate: Amounts, seen: Seen = Seen()) -> Reservation | Refused:  # noqa: B008
        """Admitted or refused, after what it takes."""
        for _ in range(10):
            answer = self.budgets.reserve(cells, estimate, self.clock(), seen=seen)
            if not isinstance(answer, Refill):
                return answer
            self.send(answer.asks)
        raise AssertionError("asked ten times")

    def extend(self, reservation: Reservation, more: Amounts) -> Reservation | Refused:
        """A slice more, after what it takes."""
        for _ in range(10):
            answer = self.budgets.extend(reservation, more, self.clock())
            if not isinstance(answer, Refill):
                return answer
            self.send(answer.asks)
        raise AssertionError("asked ten times")

    def settle(self, reservation: Reservation, actual: Amounts) -> None:
        """Settled, and sent what follows from it."""
        self.budgets.settle(reservation, actual, self.clock())
        self.send(self.budgets.asks(self.clock()))

    def tick(self) -> tuple[Reservation, ...]:
        """What goes on without requests; the requests to be ended."""
        done = tick(self.budgets, self.clock())
        self.send(done.asks)
        return done.lapsed


def alone(*budgets: Budget, key: str = "acct-1") -> tuple[Clock, Door, Cells]:
    """A clock, one process and the cells of an account in it."""
    clock = Clock()
    door = Door(MemoryStore(clock, fresh=True), clock, alone=True)
    return clock, door, door.budgets.cells((each, key) for each in budgets)


class Gone:
    """A store that can be taken away."""

    def __init__(self, store: Store) -> None:
        self.store, self.away = store, False

    def exchange(self, replica: str, asks: Sequence[Ask]) -> list:
        """The answers, or StoreGone."""
        if self.away:
            raise StoreGone("away")
        return self.store.exchange(replica, asks)

    def begin(self, *, fresh: bool) -> None:
        """As the store within."""
        self.store.begin(fresh=fresh)
