"""Budgets as one replica sees them: pure steps that admit, refuse, or name what has to be leased first.

No step waits: whoever drives (a door) sends what `Refill` and `asks` name to the store and hands the answers to `hear`.
What each shape does stands in `meter`, `pots` and `members`; what isn't asked for by a request (renewing, giving back,
ending what was forgotten) in `upkeep`. Time is the replica's own, in µs, from a clock that never steps and goes on
while the machine sleeps (CLOCK_BOOTTIME). Use from one thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

import msgspec

from headwater.control.budget.cells import Cell, Cells
from headwater.control.budget.kinds import MOST, NOBODY, Amounts, Budget, Shape, Sight, Taken
from headwater.control.budget.lease import Answer, Ask
from headwater.control.budget.members import Members
from headwater.control.budget.meter import Meter
from headwater.control.budget.pots import Pot, SlotPot, pot
from headwater.control.budget.refusal import Refused, Standing, Why, refusal, standing
from headwater.errors import UsageError

#: A reservation that nobody settles is over after this, in µs, unless the door says so.
LASTS_US: Final = 600_000_000
#: A message without an answer is sent again after this.
RESEND_US: Final = 2_000_000
#: While the store is gone one request in this time tries it again.
_GONE_US: Final = 1_000_000
_NOTHING: Final = Amounts(0, 0, 0, 0)


class Reservation(msgspec.Struct, eq=False, gc=False):
    """What an admitted request holds; to be settled or released on every way out, once (again does nothing).

    It is over when it is no longer in `Budgets.open`. `taken`: as `Amounts`.
    """

    cells: Cells
    taken: Taken
    stamp: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Refill:
    """Nothing was taken. Send `asks`, hand the answers to `hear`, and ask again; none: they are on their way."""

    asks: tuple[Ask, ...]


class Budgets:
    """The budgets of one replica.

    `replica`: a name that no other process has or will ever have (16 random bytes, say). `alone`: no other process
    counts the same rates, so that they are counted here, exactly, and without the store.
    """

    def __init__(self, replica: str, *, alone: bool = False) -> None:
        if not 0 < len(replica) <= 64:
            raise UsageError("a replica has a name of 1 to 64 characters")
        self.replica, self.alone = replica, alone
        #: how much of hard budgets was used beyond what had been reserved: estimates that were no upper bound
        self.beyond = 0
        #: reservations that nobody settled in time
        self.forgotten = 0
        self.open: set[Reservation] = set()
        #: how often something was taken or settled here
        self.moves = 0
        #: those whose slot is another's now: the door has been told to end them
        self.cut: set[Reservation] = set()
        #: cells that want something, though no request waits for it
        self.hungry: dict[Pot, None] = {}
        #: cells that hold something, so that they aren't dropped; `upkeep` goes round
        self.kept: dict[str, Cell] = {}
        self._cells: WeakValueDictionary[str, Cell] = WeakValueDictionary()
        self._seq = self._stamp = 0
        self._gone_us: int | None = None

    def cells(self, budgets: Iterable[tuple[Budget, str]]) -> Cells:
        """The cells of (budget, key) pairs, to be kept by whoever asks often. The same pair is the same cell.

        A budget whose limit has changed changes its cells from here on. `UsageError` where a key can't be one.
        """
        return Cells([self._cell(budget, key) for budget, key in budgets])

    def reserve(
        self, cells: Cells, estimate: Taken, now_us: int, seen: Sight = NOBODY, lasts_us: int = LASTS_US
    ) -> Reservation | Refused | Refill:
        """Take `estimate` (an upper bound, as `Amounts`) from all cells, or nothing from any.

        A reservation that isn't settled within `lasts_us` counts as spent, and its slots come back. `UsageError` where
        an amount is negative.
        """
        # The hot path: plain tuples and whole numbers, looked at first and taken after.
        # One loop for each type of cell: CPython reads an attribute in a third of the time where the type is the same.
        wanted = estimate[:]
        for each in cells.leases:
            if each.free < wanted[each.takes] or each.until_us <= now_us:
                return self._looked(cells, estimate, now_us, seen, lasts_us)
        for slot in cells.slots:
            if slot.free < wanted[slot.takes] or slot.until_us <= now_us:
                return self._looked(cells, estimate, now_us, seen, lasts_us)
        for meter in cells.meters:
            at = now_us * meter.per_us
            tat = meter.tat
            then = meter.then = (tat if tat > at else at) + wanted[meter.takes] * meter.cost
            if then - at > meter.depth:
                return self._looked(cells, estimate, now_us, seen, lasts_us)
        for members in cells.members:
            member = seen[members.takes]
            if member and (members.until_us <= now_us or member not in members.known):
                return self._looked(cells, estimate, now_us, seen, lasts_us)
        return self._taken(cells, wanted, now_us, lasts_us)

    def settle(self, reservation: Reservation, actual: Taken, now_us: int) -> None:
        """What was used in truth: the rest comes back, and what is missing is charged. Slots come back whole.

        What a lease of an earlier period had left is void. A rate may go into debt.
        """
        try:
            self.open.remove(reservation)
        except KeyError:
            return
        self.moves += 1
        cells, taken, stamp, used = reservation.cells, reservation.taken, reservation.stamp, actual[:]
        for each in cells.leases:
            had = taken[each.takes]
            left = had - used[each.takes]
            if left:
                if 0 <= left <= had and each.rolled <= stamp:
                    each.free += left
                else:
                    self._late(each, had, left, stamp)
        for meter in cells.meters:
            had = taken[meter.takes]
            left = had - used[meter.takes]
            if left:
                meter.tat -= (left if 0 <= left <= had else _bounded(had, left)) * meter.cost
        if self.cut:
            self.cut.discard(reservation)
        for slot in cells.slots:
            free = slot.free = slot.free + taken[slot.takes]
            slot.ended = True
            if free > 2 * slot.spare:
                self.hungry[slot] = None

    def release(self, reservation: Reservation, now_us: int) -> None:
        """Nothing was used after all: everything comes back, the request too."""
        self.settle(reservation, _NOTHING, now_us)

    def since(self, cells: Cells) -> dict[str, tuple[int, int]]:
        """Cell → epoch and period that its quota is taken from now; to be kept by who may `credit` later."""
        return {
            each.id: (each.epoch, each.period) for each in cells.leases if each.budget.shape is Shape.QUOTA
        }

    def credit(
        self, cells: Cells, since: Mapping[str, tuple[int, int]], amounts: Taken, now_us: int
    ) -> Refill | None:
        """Give back what was charged long ago and never used, to quotas whose period is the same as then.

        Whoever leased it then, another process perhaps. `Refill`: which period it is isn't known here; send, ask again.
        """
        due = [each for each in cells.leases if each.id in since and amounts[each.takes] > 0]
        unheard = [each for each in due if not each.epoch]
        if unheard:
            self.kept.update((each.id, each) for each in unheard)
            return Refill(tuple(each.ask(0, self.next_seq(), now_us) for each in unheard if each.out is None))
        for each in due:
            # Where a new period has begun that nobody has heard of here, the store leaves it aside.
            if (each.epoch, each.period) == since[each.id]:
                each.free += amounts[each.takes]
                self.kept[each.id] = each
        return None

    def extend(self, reservation: Reservation, more: Amounts, now_us: int) -> Reservation | Refused | Refill:
        """Take `more` tokens and spend for a request that runs, a slice at a time, so that it can be stopped.

        The same reservation where that could be; the requests and slots of `more` are left out. `UsageError` where
        the reservation is over.
        """
        if reservation not in self.open:
            raise UsageError("a reservation that is over can't be extended")
        more = Amounts(0, more.tokens, more.spend, 0)
        answer = self.reserve(reservation.cells.extension(), more, now_us)
        if not isinstance(answer, Reservation):
            return answer
        self.open.remove(answer)
        requests, tokens, spend, slots = reservation.taken
        reservation.taken = (requests, tokens + more.tokens, spend + more.spend, slots)
        return reservation

    def hear(self, asks: Sequence[Ask], answers: Sequence[Answer], now_us: int) -> None:
        """The store's answers to `asks`, in order. Answers that come twice or late are left aside."""
        self._gone_us = None
        for ask, answer in zip(asks, answers, strict=True):
            cell = self._cells.get(ask.cell)
            if isinstance(cell, Members):
                waited = cell.out.get(ask.member)
                if waited is not None and waited.seq == ask.seq:
                    del cell.out[ask.member]
                    cell.hear(ask, answer, now_us)
                    self.kept[cell.id] = cell
            elif isinstance(cell, Pot) and cell.out is not None and cell.out.seq == ask.seq:
                self._stamp += cell.hear(ask, answer, self._stamp + 1, now_us)
                self.kept[cell.id] = cell

    def gone(self, asks: Sequence[Ask], now_us: int) -> None:
        """The store gave no answer: for a second budgets do without it, each as it says; then one request tries.

        Whether `asks` were done isn't known, so they are sent again as they are.
        """
        self._gone_us = now_us + _GONE_US
        for ask in asks:
            cell = self._cells.get(ask.cell)
            out = cell.out.get(ask.member) if isinstance(cell, Members) else getattr(cell, "out", None)
            if out is not None and out.seq == ask.seq and cell is not None:
                self._outdate(cell, out._replace(sent_us=now_us - RESEND_US))

    def without_store(self, now_us: int) -> bool:
        """Whether budgets do without the store at the moment."""
        return self._gone_us is not None and now_us < self._gone_us

    def asks(self, now_us: int) -> list[Ask]:
        """What is to be sent although no request waits for it: leases ahead of need, slots that came back."""
        if not self.hungry or self.without_store(now_us):
            return []
        hungry, self.hungry = self.hungry, {}
        asks = []
        for each in hungry:
            if each.out is not None:
                continue
            if isinstance(each, SlotPot) and each.free > each.spare:
                ask = each.thinned(each.spare, self.next_seq(), now_us)
            else:
                ask = each.ask(0, self.next_seq(), now_us) if each.renewable(now_us) else None
            if ask is not None:
                asks.append(ask)
        return asks

    def next_seq(self) -> int:
        """A number that no message of this replica had before."""
        self._seq += 1
        return self._seq

    def standing(self, cells: Cells, now_us: int) -> list[Standing]:
        """Limit, what remains and when it resets, for each cell: what rate headers say."""
        return [standing(each, now_us) for each in cells.all]

    def _taken(self, cells: Cells, wanted: Taken, now_us: int, lasts_us: int) -> Reservation:
        """Take it, after every meter has said that it `pays`."""
        self.moves += 1
        requests, tokens, spend, slots = wanted
        if requests < 0 or tokens < 0 or spend < 0 or slots < 0:
            raise UsageError("a negative amount can't be reserved")
        for each in cells.leases:
            left = each.free = each.free - wanted[each.takes]
            if left < each.low:
                self._ahead(cells)
        for slot in cells.slots:  # never asked for ahead
            slot.free -= wanted[slot.takes]
        for meter in cells.meters:
            meter.tat = meter.then
            if not meter.kept:
                meter.kept = True
                self.kept[meter.id] = meter
        reservation = Reservation(cells, wanted, self._stamp, now_us + lasts_us)
        self.open.add(reservation)
        return reservation

    def _ahead(self, cells: Cells) -> None:
        """One cell runs low: ask for it, and in the same message for those that will run low soon."""
        for each in cells.leases:
            if each.out is None and each.free < 2 * each.low:
                each.low = -MOST
                self.hungry[each] = None

    def _looked(
        self, cells: Cells, estimate: Taken, now_us: int, seen: Sight, lasts_us: int
    ) -> Reservation | Refused | Refill:
        """The slow way: some cell can't pay at once. Who refuses, and otherwise what has to be asked for."""
        if min(estimate) < 0:
            raise UsageError("a negative amount can't be reserved")
        gone = self.without_store(now_us)
        refused: list[Refused] = []
        short: list[Pot] = []
        for meter in cells.meters:
            if not meter.pays(estimate[meter.takes], now_us):
                wait = meter.wait_us(estimate[meter.takes], now_us)
                refused.append(refusal(meter, Why.TOO_LARGE if wait is None else Why.SPENT, wait, now_us))
        for each in cells.pots:
            amount = estimate[each.takes]
            if amount > each.capacity:
                refused.append(refusal(each, Why.TOO_LARGE, None, now_us))
            elif each.short(amount, now_us):
                short.append(each)
            elif each.until_us <= now_us:
                each.until_us = each.deadline_us
                self.hungry[each] = None
        refused += [no for each in short if (no := self._denied(each, estimate[each.takes], now_us, gone))]
        strangers = [each for each in cells.members if not each.has(seen[each.takes], now_us)]
        refused += [no for each in strangers if (no := self._full(each, seen[each.takes], now_us, gone))]
        if refused:
            return max(refused, key=lambda one: one.waits_us)
        if not gone and (short or strangers):
            return self._refill(short, strangers, estimate, now_us, seen)
        for each in short:
            each.bridged(estimate[each.takes], now_us)
        for stranger in strangers:
            stranger.bridged(seen[stranger.takes])
        return self._taken(cells, estimate[:], now_us, lasts_us)

    def _denied(self, each: Pot, amount: int, now_us: int, gone: bool) -> Refused | None:
        if each.denies(amount, now_us):
            wait = None if each.retry_at_us < 0 else max(1, each.retry_at_us - now_us)
            return refusal(each, Why.SPENT, wait, now_us)
        if not gone:
            return None
        if each.budget.closed:
            return refusal(each, Why.UNAVAILABLE, _GONE_US, now_us)
        return None if each.bridges(amount, now_us) else refusal(each, Why.SPENT, _GONE_US, now_us)

    def _full(self, each: Members, member: str, now_us: int, gone: bool) -> Refused | None:
        if each.denies(member, now_us):
            return refusal(each, Why.SPENT, max(1, each.resets_at_us - now_us), now_us)
        if not gone:
            return None
        if each.budget.closed:
            return refusal(each, Why.UNAVAILABLE, _GONE_US, now_us)
        return None if each.bridges(member) else refusal(each, Why.SPENT, _GONE_US, now_us)

    def _refill(
        self, short: list[Pot], strangers: list[Members], estimate: Taken, now_us: int, seen: Sight
    ) -> Refill:
        """Members are asked for last, when everything else would pay: who is refused isn't counted."""
        if self._gone_us is not None:  # this request tries the store again; the others go on without it
            self._gone_us = now_us + _GONE_US
        asks = []
        for each in short:
            if each.out is None:
                asks.append(each.ask(estimate[each.takes], self.next_seq(), now_us))
            elif now_us - each.out.sent_us >= RESEND_US:
                asks.append(again(each, now_us))
            self.kept[each.id] = each
        if not short:
            for stranger in strangers:
                member = seen[stranger.takes]
                out = stranger.out.get(member)
                if out is None or now_us - out.sent_us >= RESEND_US:
                    asks.append(stranger.ask(member, self.next_seq(), now_us))
                self.kept[stranger.id] = stranger
        return Refill((*asks, *self.asks(now_us)) if asks else ())

    def _outdate(self, cell: Cell, ask: Ask) -> None:
        if isinstance(cell, Members):
            cell.out[ask.member] = ask
        elif isinstance(cell, Pot):
            cell.out = ask

    def _late(self, each: Pot, had: int, left: int, stamp: int) -> None:
        """What isn't simply a rest of the lease that it was taken from."""
        left = _bounded(had, left)
        if left < 0 and each.budget.shape is Shape.QUOTA:
            self.beyond -= left
        if each.rolled <= stamp:
            each.free += left
        else:
            each.late(left)

    def _cell(self, budget: Budget, key: str) -> Cell:
        found = self._cells.get(budget.cell(key))
        if found is not None:
            if found.budget is not budget and found.budget != budget:
                found.change(budget)
            return found
        if budget.shape is Shape.DISTINCT:
            made: Cell = Members(budget, key)
        elif budget.shape is Shape.RATE and self.alone:
            made = Meter(budget, key)
        else:
            made = pot(budget, key)
        self._cells[made.id] = made
        return made


def _bounded(had: int, left: int) -> int:
    """What comes back of `had` (below nothing: is charged); what an upstream says that was used isn't trusted."""
    return max(min(left, had), had - MOST)


def again(each: Pot, now_us: int) -> Ask:
    """The message that has no answer yet, to be sent once more: the store answers a number once."""
    assert each.out is not None
    each.out = each.out._replace(sent_us=now_us)
    return each.out
