"""What a replica holds of a cell that is shared: one lease at a time, spent here, renewed before it ends.

`free` may be spent while the clock is before `deadline_us`, which is earlier than what the store counts: it is
reckoned from when the message was *sent*, and a sixteenth is left away for clocks that run at different speeds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import gcd
from typing import Final

from headwater.control.budget.calendar import LENGTH_US
from headwater.control.budget.kinds import MOST, Budget, Shape
from headwater.control.budget.lease import Answer, Ask
from headwater.control.budget.meter import Meter
from headwater.errors import UsageError, Where

#: Below this no pot ever falls: it asks for nothing ahead.
_NEVER: Final = -(1 << 62)
_MARGIN: Final = 16
#: How many requests like the last one a lease is for; twice as many while leases last less than `_SHORT_US`.
_REQUESTS, _MOST_REQUESTS, _SHORT_US = 32, 1024, 1_000_000
_PROBE_US: Final = 1_000_000
#: A store says of slots that it may have some at any moment: it isn't asked again sooner than this.
_SLOTS_US: Final = 100_000
_LEAST_LIFE_US: Final = 50_000
_LIVES: Final = 3
_FEW_SLOTS: Final = 16
_MOST_SPARE: Final = 64


class Pot(ABC):
    """A lease of one cell; see the subclasses for what the shapes do differently."""

    __slots__ = (
        "__weakref__",
        "balance",
        "budget",
        "capacity",
        "deadline_us",
        "denied",
        "denied_us",
        "epoch",
        "free",
        "given_us",
        "id",
        "key",
        "lasts_us",
        "lease",
        "low",
        "most",
        "out",
        "owed",
        "period",
        "requests",
        "resets_at_us",
        "retry_at_us",
        "rolled",
        "seen",
        "size",
        "takes",
        "until_us",
    )

    def __init__(self, budget: Budget, key: str) -> None:
        self.budget, self.key, self.id = budget, key, budget.cell(key)
        self.takes = budget.takes
        self.free = 0
        #: from here on the fast path asks: the lease is to be renewed, or is over
        self.until_us = 0
        self.deadline_us = 0
        #: below this the next lease is asked for
        self.low = _NEVER
        #: the stamp at which what was spent before stopped being this lease's
        self.rolled = 0
        #: the message that has no answer yet
        self.out: Ask | None = None
        #: to be given back (below nothing: to be charged) with the next message
        self.owed = 0
        self.epoch = self.period = 0
        self.most = self.capacity = budget.most
        self.lasts_us = budget.lasts_us
        #: what the store said is left for everybody, and by this replica's clock when all of it is there again
        self.balance, self.resets_at_us = self.most, 0
        #: the least that was denied, until when that holds, and when the store said that it may be there
        self.denied, self.denied_us, self.retry_at_us = 0, 0, 0
        self.requests, self.given_us, self.size, self.lease = _REQUESTS, 0, 1, 1
        #: what was free when it was last looked at
        self.seen = -1

    def change(self, budget: Budget) -> None:
        """Another limit from here on: what is leased is renewed before more of it is spent."""
        self.budget, self.lasts_us = budget, budget.lasts_us
        self.most = self.capacity = budget.most
        self.denied_us = self.until_us = self.deadline_us = 0

    def stands(self, now_us: int) -> tuple[int, int]:
        """What remains, here and in the store, as far as is known, and how long until all is there again, in µs."""
        remaining, resets_us = self.balance, self.resets_at_us - now_us
        if self.free > 0:
            remaining += self.free
        return (remaining if remaining < self.most else self.most), (resets_us if resets_us > 0 else 0)

    def short(self, amount: int, now_us: int) -> bool:
        """Whether `amount` can't be paid from the lease."""
        return self.free < amount or self.deadline_us <= now_us

    def denies(self, amount: int, now_us: int) -> bool:
        """Whether the store has said no to as much, not long ago."""
        return now_us < self.denied_us and self.missing(amount, now_us) >= self.denied

    def renewable(self, now_us: int) -> bool:
        """Whether asking ahead makes sense: nothing is being asked, and it wasn't just denied."""
        return self.out is None and now_us >= self.denied_us

    def missing(self, amount: int, now_us: int) -> int:
        """How much has to be granted so that `amount` can be paid."""
        return max(0, amount - max(0, self.free))

    @abstractmethod
    def ask(self, amount: int, seq: int, now_us: int) -> Ask:
        """The message that gets `amount` and some more; 0: asks ahead, for whatever there is."""

    @abstractmethod
    def returns(self, seq: int, now_us: int) -> Ask | None:
        """The message that gives back what isn't used, or None where there is nothing."""

    @abstractmethod
    def hear(self, ask: Ask, answer: Answer, stamp: int, now_us: int) -> bool:
        """Take the answer to `ask`; whether what was spent before is another lease's from here on (`stamp`)."""

    @abstractmethod
    def late(self, left: int) -> None:
        """`left` comes back from a request that began under an earlier lease (below nothing: it took more)."""

    @abstractmethod
    def bridges(self, amount: int, now_us: int) -> bool:
        """Whether `amount` may be served without the store, by a budget that fails open; it is charged later."""

    def bridged(self, amount: int, now_us: int) -> None:  # noqa: B027  (most shapes have nothing to count)
        """`amount` is served without the store."""

    def _ask(self, seq: int, now_us: int, need: int, want: int, credit: int, unspent: int = 0) -> Ask:
        budget = self.budget
        window_us = LENGTH_US[budget.per] or 1
        shared = gcd(budget.limit, window_us)
        self.out = Ask(
            self.id,
            budget.shape,
            budget.per,
            budget.limit,
            self.capacity,
            budget.limit // shared,
            window_us // shared,
            self.lasts_us,
            seq,
            self.epoch,
            self.period,
            need,
            min(want, MOST),
            credit,
            unspent,
            "",
            now_us,
        )
        return self.out

    def _sized(self, amount: int, now_us: int) -> int:
        """How much a lease should hold, for requests like one of `amount` (0: like those before)."""
        if amount:
            self.size = amount
        if now_us - self.given_us < _SHORT_US:
            self.requests = min(2 * self.requests, _MOST_REQUESTS)
        elif now_us - self.given_us > 8 * _SHORT_US:
            self.requests = _REQUESTS
        most = self.capacity
        usual = min(_REQUESTS * self.size, most // 64)
        self.lease = self.budget.lease or max(self.size, usual, min(self.requests * self.size, most // 4096))
        return self.lease

    def _heard(self, ask: Ask, answer: Answer, now_us: int) -> None:
        """What every shape keeps of an answer."""
        self.out = None
        self.epoch, self.period, self.balance = answer.epoch, answer.period, answer.balance
        self.resets_at_us = ask.sent_us + answer.resets_us
        if answer.granted < ask.need:
            self.denied = ask.need
            self.retry_at_us = -1 if answer.retry_us < 0 else ask.sent_us + answer.retry_us
            self.denied_us = now_us + min(_PROBE_US, answer.retry_us if answer.retry_us > 0 else _PROBE_US)
        else:
            self.denied_us = 0

    def _lives(self, ask: Ask, answer: Answer) -> None:
        self.deadline_us = ask.sent_us + answer.lives_us - answer.lives_us // _MARGIN


class QuotaPot(Pot):
    """A part of what an hour, a day or a month has. What is granted once in a period is this replica's until its end.

    A lease that has ended isn't lost: it may be spent again as soon as the store has answered that it still is the
    same period. What is neither spent nor given back when the period ends is void.
    """

    __slots__ = ()

    def ask(self, amount: int, seq: int, now_us: int) -> Ask:
        """See `Pot`."""
        size = self._sized(amount, now_us)
        need = self.missing(amount, now_us) if amount else 0
        want = size if self.free < size // 2 or amount else 0
        self.low = _NEVER
        debt = min(0, self.free)
        self.free -= debt
        return self._ask(seq, now_us, need, max(need, want), debt)

    def returns(self, seq: int, now_us: int) -> Ask | None:
        """See `Pot`."""
        if not self.free:
            return None
        credit, self.free, self.low = self.free, 0, _NEVER
        return self._ask(seq, now_us, 0, 0, credit)

    def hear(self, ask: Ask, answer: Answer, stamp: int, now_us: int) -> bool:
        """See `Pot`."""
        rolls = (answer.epoch, answer.period) != (self.epoch, self.period)
        if rolls:
            self.free, self.rolled = min(0, self.free), stamp
        self._heard(ask, answer, now_us)
        self._lives(ask, answer)
        self.until_us = (ask.sent_us + self.deadline_us) // 2
        self.free += answer.granted
        if answer.granted:
            self.given_us = now_us
        if answer.granted or not ask.want:  # else there is little left: it is asked for when it is needed
            self.low = min(self.free, max(answer.granted, self.lease)) // 2
        return rolls

    def late(self, left: int) -> None:
        """See `Pot`: what an earlier period had is void; what was used beyond it is charged now."""
        if left < 0:
            self.free += left

    def bridges(self, amount: int, now_us: int) -> bool:
        """See `Pot`: into debt, by the whole limit at most."""
        return self.free - amount >= -self.budget.limit


class RatePot(Pot):
    """A part of what a bucket held when it was asked, to be spent soon.

    Over a time t no more is taken than `burst + limit · t / window`, unless something comes back: the store's bucket
    holds less than the burst, by what comes in while a lease lives and its rest is on its way back (`shared_rate`).
    """

    __slots__ = ("meter", "soft_us")

    def __init__(self, budget: Budget, key: str) -> None:
        super().__init__(budget, key)
        self.capacity, self.lasts_us = shared_rate(budget)
        self.meter: Meter | None = None
        #: from here on the rest of the lease is given back, while it still can be
        self.soft_us = 0

    def change(self, budget: Budget) -> None:
        """See `Pot`."""
        super().change(budget)
        self.capacity, self.lasts_us = shared_rate(budget)
        self.meter = None

    def missing(self, amount: int, now_us: int) -> int:
        """See `Pot`: what is left of the lease is given back first."""
        return amount

    def ask(self, amount: int, seq: int, now_us: int) -> Ask:
        """See `Pot`."""
        unspent = self._rest(now_us) if amount or now_us >= self.soft_us else 0
        want = self._sized(amount, now_us)
        return self._ask(seq, now_us, amount, max(amount, want), self._debt(), unspent)

    def returns(self, seq: int, now_us: int) -> Ask | None:
        """See `Pot`."""
        unspent, credit = self._rest(now_us), self._debt()
        return self._ask(seq, now_us, 0, 0, credit, unspent) if unspent or credit else None

    def hear(self, ask: Ask, answer: Answer, stamp: int, now_us: int) -> bool:
        """See `Pot`. What comes ahead joins a lease that lives, and ends with it."""
        self._heard(ask, answer, now_us)
        joins = self.free > 0 and now_us < self.deadline_us
        if not answer.granted:
            return False
        self.free = answer.granted + (self.free if joins else min(0, self.free))
        self.given_us = now_us
        self.low = answer.granted // 4
        if joins:
            return False
        self.rolled = stamp
        self._lives(ask, answer)
        self.until_us = self.soft_us = self.deadline_us - (self.deadline_us - ask.sent_us) // 4
        return True

    def _rest(self, now_us: int) -> int:
        """Take what is left out of the lease: it counts only while the lease lives."""
        rest, self.free, self.low = max(0, self.free), min(0, self.free), _NEVER
        return rest if now_us < self.deadline_us else 0

    def _debt(self) -> int:
        """Take out what is owed; below nothing: what is to be charged."""
        debt, self.free = self.owed + min(0, self.free), max(0, self.free)
        self.owed = 0
        return debt

    def late(self, left: int) -> None:
        """See `Pot`."""
        self.owed += left

    def bridges(self, amount: int, now_us: int) -> bool:
        """See `Pot`: by the whole rate, counted here alone."""
        if self.meter is None:
            self.meter = Meter(self.budget, self.key)
        return self.meter.pays(amount, now_us)

    def bridged(self, amount: int, now_us: int) -> None:
        """See `Pot`."""
        assert self.meter is not None
        self.meter.take(amount, now_us)


class SlotPot(Pot):
    """Some of the slots of a cell. `held` are this replica's until the deadline; those in use are `held - free`."""

    __slots__ = ("ended", "held", "spare")

    def __init__(self, budget: Budget, key: str) -> None:
        super().__init__(budget, key)
        self.held = 0
        #: how many idle ones it keeps
        self.spare = min(budget.limit // _FEW_SLOTS, _MOST_SPARE)
        #: whether a request has ended since it was last looked at
        self.ended = False

    @property
    def used(self) -> int:
        """How many requests run."""
        return self.held - self.free

    def missing(self, amount: int, now_us: int) -> int:
        """See `Pot`: of slots the number held in all is asked for."""
        return self.used + amount

    def ask(self, amount: int, seq: int, now_us: int) -> Ask:
        """See `Pot`."""
        need = self.used + amount
        self.low = _NEVER
        # Never less than what is held: it may be used while the answer is on its way.
        return self._ask(seq, now_us, need, max(self.held, need + self.spare), 0, self._claim(now_us))

    def returns(self, seq: int, now_us: int) -> Ask | None:
        """See `Pot`."""
        return self.thinned(0, seq, now_us)

    def thinned(self, keeps: int, seq: int, now_us: int) -> Ask | None:
        """The message that gives back all but `keeps` of the idle ones."""
        if self.free <= keeps:
            return None
        self.held, self.free = self.used + keeps, keeps
        return self._ask(seq, now_us, self.used, self.held, 0, self._claim(now_us))

    def _claim(self, now_us: int) -> int:
        """What it holds by a lease that lives: a store that has forgotten takes its word for that."""
        return self.held if now_us < self.deadline_us else 0

    def hear(self, ask: Ask, answer: Answer, stamp: int, now_us: int) -> bool:
        """See `Pot`."""
        used = self.used
        self._heard(ask, answer, now_us)
        if (
            self.denied_us
        ):  # one of its own that comes back is seen at once, and the store needn't be asked for it
            self.denied_us = max(self.denied_us, now_us + _SLOTS_US)
        self.held, self.free = answer.granted, answer.granted - used
        self.resets_at_us = 0  # slots come back when requests end, not at a time
        self._lives(ask, answer)
        self.until_us = (ask.sent_us + self.deadline_us) // 2
        return False

    def late(self, left: int) -> None:
        """See `Pot`: slots are never late."""
        self.free += left

    def bridges(self, amount: int, now_us: int) -> bool:
        """See `Pot`."""
        return self.used + amount <= self.budget.limit


def shared_rate(budget: Budget) -> tuple[int, int]:
    """(what the store's bucket holds, how long a lease of it lives in µs), so that burst and rate hold for all.

    `UsageError` where the burst is 1: two replicas can't both hold a part of it.
    """
    window_us, most = LENGTH_US[budget.per], budget.most
    # What may come in while a lease lives, and while its rest is on its way back, at most twice as long.
    reserved = window_us * max(1, most // 4) // (_LIVES * budget.limit)
    lasts = min(max(budget.lasts_us, _LEAST_LIFE_US), reserved)
    capacity = most - -(-_LIVES * budget.limit * lasts // window_us)
    if capacity < 1 or lasts < 1:
        where = Where(field=f"{budget.name}.burst")
        raise UsageError("a rate that replicas share needs a burst of 2 or more", where=where)
    return capacity, lasts


def pot(budget: Budget, key: str) -> Pot:
    """The pot for a budget that isn't counted by members."""
    kinds: dict[Shape, type[Pot]] = {Shape.RATE: RatePot, Shape.QUOTA: QuotaPot, Shape.SLOTS: SlotPot}
    return kinds[budget.shape](budget, key)
