"""What a store does with a message: one pure step from a cell's record to the next, and the answer.

The memory and PostgreSQL stores run this step; the script for Redis is the same step in Lua, and one set of tests holds
all to it. The store's time decides which period it is, and a clock that steps back never brings a period back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from headwater.control.budget.calendar import LENGTH_US, Per, begins_us, index
from headwater.control.budget.kinds import Shape
from headwater.control.budget.lease import Answer, Ask

#: A lease is at most this part of what is left, divided by the replicas: it shrinks as the end comes near.
_SHARE: Final = 4
_KEEP_US: Final = LENGTH_US[Per.DAY]
#: Who looks: no replica is called so.
LOOKER: Final = ""


class Epoch(NamedTuple):
    """Since when the store remembers, and whether nothing had been spent before."""

    begun_us: int
    fresh: bool


@dataclass
class Held:
    """What one replica was given last: by which message, how much, and until when it lives."""

    seq: int
    granted: int
    until_us: int


@dataclass
class Record:
    """A cell as the store keeps it. Changed in place by `step`; whoever keeps it writes it back whole.

    `amount`: of a quota what was given out net, of a rate what is there. `at_us`: up to when a rate was refilled.
    `epoch`: of a rate the epoch that this is known of. `lost`: this record turned out to know less than it should.
    """

    epoch: int = 0
    period: int = 0
    amount: int = 0
    at_us: int = 0
    lost: bool = False
    replicas: dict[str, Held] = field(default_factory=dict)
    members: list[str] = field(default_factory=list)


def step(record: Record, replica: str, ask: Ask, epoch: Epoch, now_us: int) -> Answer:
    """Answer `ask` at the store's time `now_us`, and change `record`."""
    return _STEPS[ask.shape](record, replica, ask, epoch, now_us)


def look(record: Record, ask: Ask, epoch: Epoch, now_us: int) -> Answer:
    """What `step` would answer somebody who never asked before; `record` stays as it is."""
    return step(deepcopy(record), LOOKER, ask, epoch, now_us)


def _quota(record: Record, replica: str, ask: Ask, epoch: Epoch, now_us: int) -> Answer:
    begins, ends = _turned(record, replica, ask, epoch, now_us)
    lives = max(0, min(ask.lasts_us, ends - now_us))
    granted = _said_before(record, replica, ask)
    closed = _closed(record, epoch, begins)
    if granted is None:
        # What was spent beyond a lease is charged whenever it was; what comes back, to its own period only.
        if ask.credit < 0 or (ask.epoch, ask.period) == (epoch.begun_us, record.period):
            record.amount = max(0, record.amount - ask.credit)
        balance = 0 if closed else max(0, ask.limit - record.amount)
        granted = _share(balance, ask, len(record.replicas | {replica: None}))
        record.amount += granted
        record.replicas[replica] = Held(ask.seq, granted, now_us + lives)
    balance = 0 if closed else max(0, ask.limit - record.amount)
    retry = ends - now_us if granted < ask.need else 0
    return Answer(granted, lives, record.period, epoch.begun_us, balance, retry, ends - now_us)


def _rate(record: Record, replica: str, ask: Ask, epoch: Epoch, now_us: int) -> Answer:
    _refill(record, ask, epoch, now_us)
    _prune(record, now_us)
    granted = _said_before(record, replica, ask)
    if granted is None:
        own = record.replicas.get(replica)
        alive = own is not None and own.until_us > now_us
        back = ask.credit + (ask.unspent if alive else 0)
        if back < 0 or ask.epoch == epoch.begun_us:
            record.amount = min(ask.capacity, record.amount + back)
        granted = _share(record.amount, ask, len(record.replicas | {replica: None}))
        record.amount -= granted
        record.replicas[replica] = Held(ask.seq, granted, now_us + ask.lasts_us)
    lives = max(0, record.replicas[replica].until_us - now_us) if granted else ask.lasts_us
    since = now_us - record.at_us
    retry = 0
    if granted < ask.need:
        missing = ask.need - record.amount
        retry = -1 if ask.need > ask.capacity else max(1, _takes(missing, ask) - since)
    full = max(0, _takes(ask.capacity - record.amount, ask) - since)
    return Answer(granted, lives, 0, epoch.begun_us, max(0, record.amount), retry, full)


def _slots(record: Record, replica: str, ask: Ask, epoch: Epoch, now_us: int) -> Answer:
    _prune(record, now_us)
    own = record.replicas.get(replica)
    others = {
        name: held for name, held in record.replicas.items() if name != replica and held.until_us > now_us
    }
    free = ask.limit - sum(held.granted for held in others.values())
    waits_us = 0 if epoch.fresh else epoch.begun_us + ask.lasts_us - now_us
    if own is not None and ask.seq <= own.seq:
        granted = own.granted if ask.seq == own.seq else 0
        lives = max(0, own.until_us - now_us) if ask.seq == own.seq else 0
    else:
        spare = max(0, free - ask.need) // (_SHARE * (len(others) + 1))
        # What it holds stays unless it wants less: it may be used while the answer is on its way.
        holds = own.granted if own is not None and own.until_us > now_us else 0
        # After a loss only what was held goes on, until every lease of before is over.
        most = ask.unspent if waits_us > 0 else max(holds, ask.need + spare)
        granted = max(0, min(free, ask.want, most))
        lives = ask.lasts_us
        record.replicas[replica] = Held(ask.seq, granted, now_us + lives)
        free -= granted
    retry = 0
    if granted < ask.need:
        soonest = min((held.until_us - now_us for held in others.values() if held.granted), default=1)
        retry = waits_us if waits_us > 0 else max(1, soonest)
    return Answer(granted, lives, 0, epoch.begun_us, max(0, free), retry, 0)


def _distinct(record: Record, replica: str, ask: Ask, epoch: Epoch, now_us: int) -> Answer:
    begins, ends = _turned(record, replica, ask, epoch, now_us)
    record.replicas[replica] = Held(ask.seq, 0, ends)
    room = 0 if _closed(record, epoch, begins) else max(0, ask.limit - len(record.members))
    granted = int(ask.member in record.members)
    if not granted and room and ask.need:
        record.members.append(ask.member)
        granted, room = 1, room - 1
    retry = 0 if granted or not ask.need else ends - now_us
    return Answer(granted, ends - now_us, record.period, epoch.begun_us, room, retry, ends - now_us)


_STEPS: Final[Mapping[Shape, Callable[[Record, str, Ask, Epoch, int], Answer]]] = {
    Shape.RATE: _rate,
    Shape.QUOTA: _quota,
    Shape.SLOTS: _slots,
    Shape.DISTINCT: _distinct,
}


def _turned(record: Record, replica: str, ask: Ask, epoch: Epoch, now_us: int) -> tuple[int, int]:
    """Begin and end of the period, in µs, with the record emptied where a new one has begun."""
    number = index(ask.per, now_us)
    if number > record.period:
        record.period, record.amount, record.lost = number, 0, False
        record.replicas, record.members = {}, []
    if (
        ask.seq
        and (ask.epoch, ask.period) == (epoch.begun_us, record.period)
        and replica not in record.replicas
    ):
        # It was given something in this period, and the store knows nothing of it: the record was lost (evicted, say).
        record.lost = True
    return begins_us(ask.per, record.period), begins_us(ask.per, record.period + 1)


def _closed(record: Record, epoch: Epoch, begins: int) -> bool:
    """Whether the store can't vouch for this period, since it didn't see it from its beginning."""
    return record.lost or (not epoch.fresh and epoch.begun_us > begins)


def _said_before(record: Record, replica: str, ask: Ask) -> int | None:
    """What this very message was given when it came first, 0 for one that is older still; None for a new one."""
    held = record.replicas.get(replica)
    if held is None or ask.seq > held.seq:
        return None
    return held.granted if ask.seq == held.seq else 0


def _share(balance: int, ask: Ask, replicas: int) -> int:
    """How much of `balance` one lease gets: what is needed or nothing; more only while there is plenty."""
    if balance < ask.need or balance <= 0:
        return 0
    return max(ask.need, min(ask.want, balance // (_SHARE * replicas)))


def _prune(record: Record, now_us: int) -> None:
    """Forget replicas that said nothing for a day after their lease had ended; no message is that late."""
    if any(held.until_us + _KEEP_US < now_us for held in record.replicas.values()):
        kept = {name: held for name, held in record.replicas.items() if held.until_us + _KEEP_US >= now_us}
        record.replicas = kept


def _refill(record: Record, ask: Ask, epoch: Epoch, now_us: int) -> None:
    """Add what time has brought: rounded down, and the time that it took rounded up, so that it is never too much."""
    if record.epoch != epoch.begun_us:
        record.epoch, record.at_us = epoch.begun_us, min(now_us, epoch.begun_us)
        record.amount = ask.capacity if epoch.fresh else 0
    elapsed = now_us - record.at_us
    if elapsed < 0 or elapsed >= _takes(ask.capacity - record.amount, ask):
        record.amount = record.amount if elapsed < 0 else ask.capacity
        record.at_us = now_us
        return
    added = elapsed * ask.rate // ask.window_us
    record.amount += added
    record.at_us += _takes(added, ask)


def _takes(amount: int, ask: Ask) -> int:
    """How long `amount` takes to refill, in µs, rounded up; 0 for nothing or less."""
    return -(-amount * ask.window_us // ask.rate) if amount > 0 else 0
