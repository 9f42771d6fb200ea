"""A world for leases: replicas that stop, die and come back, a store that forgets, clocks that step, messages that are
lost, late or doubled. It keeps its own account of what was served, and says whether anything is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from control.budget.world import HOUR_US, NOW_US, SECOND_US
from headwater.control.budget import (
    Amounts,
    Answer,
    Ask,
    Budget,
    Budgets,
    Cells,
    Fails,
    Kind,
    MemoryStore,
    Per,
    Refill,
    Reservation,
    Scope,
    Seen,
    leaving,
    tick,
)
from headwater.control.budget.calendar import index

QUOTA = Budget("q", Kind.TOKEN_QUOTA, Scope.ACCOUNT, 200, Per.HOUR, lease=30, lifetime_us=10 * SECOND_US)
RATE = Budget("r", Kind.REQUESTS, Scope.ACCOUNT, 60, Per.MINUTE, burst=8, fails=Fails.CLOSED, lease=3)
SLOTS = Budget("s", Kind.CONCURRENCY, Scope.ACCOUNT, 40, lifetime_us=20 * SECOND_US)
SEEN = Budget("a", Kind.ADDRESSES, Scope.ACCOUNT, 3, Per.HOUR, fails=Fails.CLOSED)

#: Faster or slower than the store's clock, by at most what a lease's margin is for.
DRIFTS = (0.0, 0.05, -0.05)
_REMEMBERED = 40


@dataclass
class Replica:
    """A process: its clock has a beginning and a speed of its own, and steps never."""

    name: str
    begun_us: int
    drift: float
    kinds: tuple[Budget, ...]
    budgets: Budgets = field(init=False)
    cells: Cells = field(init=False)

    def __post_init__(self) -> None:
        self.budgets = Budgets(self.name)
        self.cells = self.budgets.cells((each, "k") for each in self.kinds)

    def now(self, true_us: int) -> int:
        """Its clock."""
        return 10**9 + int((true_us - self.begun_us) * (1 + self.drift))


@dataclass
class Request:
    """An admitted request. `parts`: (period of the lease, tokens)."""

    replica: Replica
    reservation: Reservation
    at_us: int
    parts: list[tuple[int, int]]


Message = tuple[Replica, tuple[Ask, ...]]
Reply = tuple[Replica, tuple[Ask, ...], list[Answer]]


class World:
    """What may happen, in any order."""

    def __init__(self, kinds: tuple[Budget, ...]) -> None:
        self.kinds = kinds
        self.true_us, self.step_us = NOW_US, 0
        self.steady, self.forward = True, False  # the store's clock never stepped; stepped forward
        self.store = MemoryStore(lambda: self.true_us + self.step_us, fresh=True)
        self.names = 0
        self.replicas = [self._born(drift) for drift in DRIFTS]
        self.running: list[Request] = []
        self.messages: list[Message] = []
        self.replies: list[Reply] = []
        #: tokens charged to each period, when requests were let through, addresses by period
        self.charged: dict[int, int] = {}
        self.passed: list[Request] = []
        self.addresses: dict[int, set[str]] = {}

    def request(self, which: int, tokens: int, seen: str, *, waits: bool = False) -> None:
        """A request. `waits`: it is cancelled while its message is under way."""
        replica = self.replicas[which]
        for _ in range(6):
            now_us = replica.now(self.true_us)
            answer = replica.budgets.reserve(
                replica.cells, Amounts(1, tokens), now_us, seen=Seen(seen), lasts_us=HOUR_US
            )
            if not isinstance(answer, Refill) or not answer.asks:
                break
            if waits:
                self._under_way(replica, answer.asks)
                return
            replica.budgets.hear(answer.asks, self.store.exchange(replica.name, answer.asks), now_us)
        if not isinstance(answer, Reservation):
            return
        period = self._period(replica)
        self._charge(period, tokens)
        for members in replica.cells.members:
            self.addresses.setdefault(members.period, set()).add(seen)
        request = Request(replica, answer, self.true_us, [(period, tokens)])
        self.running.append(request)
        self.passed.append(request)

    def end(self, pick: int, share: float, *, released: bool) -> None:
        """Settled or released, twice; what was used is at most what had been reserved."""
        if not self.running:
            return
        request = self.running.pop(pick % len(self.running))
        if request.replica not in self.replicas or request.reservation not in request.replica.budgets.open:
            return
        now_us, budgets = request.replica.now(self.true_us), request.replica.budgets
        # What comes back to a rate may be taken at once: then its bound is another.
        released = released and RATE not in self.kinds
        tokens = sum(part for _, part in request.parts)
        used = 0 if released else int(tokens * share)
        for _ in range(2):
            if released:
                budgets.release(request.reservation, now_us)
            else:
                budgets.settle(request.reservation, Amounts(1, used), now_us)
        if len({period for period, _ in request.parts}) == 1:
            self._charge(request.parts[0][0], used - tokens)

    def extend(self, pick: int, more: int) -> None:
        """A slice more of a stream."""
        if not self.running:
            return
        request = self.running[pick % len(self.running)]
        replica = request.replica
        if replica not in self.replicas or request.reservation not in replica.budgets.open:
            return
        for _ in range(4):
            now_us = replica.now(self.true_us)
            answer = replica.budgets.extend(request.reservation, Amounts(tokens=more), now_us)
            if not isinstance(answer, Refill) or not answer.asks:
                break
            replica.budgets.hear(answer.asks, self.store.exchange(replica.name, answer.asks), now_us)
        if isinstance(answer, Reservation):
            period = self._period(replica)
            request.parts.append((period, more))
            self._charge(period, more)

    def upkeep(self, which: int, *, leaves: bool = False) -> None:
        """What goes on without requests, or everything given back; the message is under way."""
        replica = self.replicas[which]
        now_us = replica.now(self.true_us)
        asks = tuple(leaving(replica.budgets, now_us)) if leaves else tick(replica.budgets, now_us).asks
        if asks:
            self._under_way(replica, asks)

    def arrives(self, back: int) -> None:
        """A message reaches the store; it may do so again, later."""
        if self.messages:
            replica, asks = self.messages[-1 - back % len(self.messages)]
            self.replies = [*self.replies, (replica, asks, self.store.exchange(replica.name, asks))][
                -_REMEMBERED:
            ]

    def heard(self, back: int) -> None:
        """An answer reaches its replica; it may do so again, later."""
        if self.replies:
            replica, asks, answers = self.replies[-1 - back % len(self.replies)]
            replica.budgets.hear(asks, answers, replica.now(self.true_us))

    def lost(self, back: int) -> None:
        """No answer came; whether the message arrived isn't known, and it may still."""
        if self.messages:
            replica, asks = self.messages[-1 - back % len(self.messages)]
            replica.budgets.gone(asks, replica.now(self.true_us))

    def time_passes(self, wait_us: int) -> None:
        """For everybody; who does nothing meanwhile was stopped."""
        self.true_us += wait_us

    def killed(self, which: int) -> None:
        """kill -9, and another process in its place. What it served was served."""
        self.replicas[which] = self._born(self.replicas[which].drift)

    def forgets(self) -> None:
        """The store begins anew, with nothing kept. A clock that is behind as well isn't promised anything."""
        self.step_us = max(0, self.step_us)
        self.store.begin(fresh=False)

    def clock_steps(self, by_us: int) -> None:
        """The clock of the store is set. Forward, rates and slots promise nothing after that."""
        self.step_us += by_us
        self.steady, self.forward = False, self.forward or by_us > 0

    def check(self) -> None:
        """Nothing is over."""
        over = {period: told for period, told in self.charged.items() if period >= 0 and told > QUOTA.limit}
        assert not over, f"over in {over}"
        crowds = {period: seen for period, seen in self.addresses.items() if len(seen) > SEEN.limit}
        assert not crowds, f"too many addresses: {crowds}"
        if self.forward:
            return
        if RATE in self.kinds:
            self._check_rate()
        held = 0
        for replica in self.replicas:
            for pot in replica.cells.slots:
                if replica.now(self.true_us) < pot.deadline_us:
                    # Where it was told that it holds less than runs, the door ends the rest.
                    held += max(pot.held, len(replica.budgets.open) if pot.free >= 0 else 0)
        assert held <= SLOTS.limit, "slots are held twice"

    def _check_rate(self) -> None:
        """A bucket of the burst, filled at the rate, would have let all of them through."""
        level, at_us = float(RATE.most), NOW_US
        for each in self.passed:
            level = min(RATE.most, level + (each.at_us - at_us) / SECOND_US) - 1
            at_us = each.at_us
            assert level > -1e-6, "the rate is over"

    def _born(self, drift: float) -> Replica:
        self.names += 1
        return Replica(f"r{self.names}", self.true_us, drift, self.kinds)

    def _under_way(self, replica: Replica, asks: tuple[Ask, ...]) -> None:
        self.messages = [*self.messages, (replica, asks)][-_REMEMBERED:]

    def _charge(self, period: int, amount: int) -> None:
        self.charged[period] = self.charged.get(period, 0) + amount

    def _period(self, replica: Replica) -> int:
        """The period of the lease that is spent; where the store's clock is right, that of the true time."""
        period = next((each.period for each in replica.cells.leases if each.budget is QUOTA), -1)
        if period >= 0 and self.steady:
            assert period == index(Per.HOUR, self.true_us), "a lease of another period was spent"
        return period
