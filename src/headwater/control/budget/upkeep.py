"""What goes on without a request: leases renewed or given back, slots kept alive, what was forgotten ended.

A door calls `tick` some times a second and sends what it names, and `leaving` when it stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from headwater.control.budget.budgets import RESEND_US, Budgets, Reservation, again
from headwater.control.budget.cells import Cell
from headwater.control.budget.kinds import Amounts
from headwater.control.budget.lease import Ask
from headwater.control.budget.members import Members
from headwater.control.budget.meter import Meter
from headwater.control.budget.pots import Pot, RatePot, SlotPot


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What is to be done. `lapsed`: requests to be ended by the door (and then settled), since their slot is lost."""

    asks: tuple[Ask, ...]
    lapsed: tuple[Reservation, ...]


def tick(budgets: Budgets, now_us: int, *, most: int = 512) -> Upkeep:
    """Look after `most` cells, those that were looked after longest ago."""
    lapsed = _overdue(budgets, now_us)
    asks: list[Ask] = []
    lost: list[SlotPot] = []
    quiet = budgets.without_store(now_us)
    for name in list(islice(budgets.kept, most)):
        cell = budgets.kept.pop(name)
        if isinstance(cell, SlotPot) and _has_lost(cell, now_us):
            lost.append(cell)
        ask = None if quiet else _looked_after(budgets, cell, now_us)
        if ask is not None:
            asks.append(ask)
        if ask is not None or _holds(cell, now_us):
            budgets.kept[name] = cell
        elif isinstance(cell, Meter):
            cell.kept = False
    if lost:
        lapsed += _lapsed(budgets, lost, now_us)
    return Upkeep((*asks, *budgets.asks(now_us)), tuple(lapsed))


def leaving(budgets: Budgets, now_us: int) -> list[Ask]:
    """Give back whatever isn't used, before the process ends. What still has no answer counts as spent."""
    cells = [cell for cell in budgets.kept.values() if isinstance(cell, Pot) and cell.out is None]
    asks = (cell.returns(budgets.next_seq(), now_us) for cell in cells)
    return [ask for ask in asks if ask is not None]


def _looked_after(budgets: Budgets, cell: Cell, now_us: int) -> Ask | None:
    if not isinstance(cell, Pot):
        return None
    if cell.out is not None:
        return again(cell, now_us) if now_us - cell.out.sent_us >= RESEND_US else None
    before, cell.seen = cell.seen, cell.free
    if isinstance(cell, SlotPot):
        if cell.used and now_us >= (cell.until_us if cell.until_us < cell.deadline_us else 0):
            return cell.ask(0, budgets.next_seq(), now_us) if cell.renewable(now_us) else None
        # As many as before may be free although requests come all the time: what is given back, the next one waits for.
        idle, cell.ended = before == cell.free and not cell.ended, False
    elif isinstance(cell, RatePot):
        idle = now_us >= cell.soft_us
    else:
        # Half a lifetime without a change, as far as looking from time to time can tell.
        idle = before == cell.free and now_us >= cell.given_us + cell.lasts_us // 2
    return cell.returns(budgets.next_seq(), now_us) if idle else None


def _holds(cell: Cell, now_us: int) -> bool:
    """Whether something would be forgotten if nobody held on to `cell`."""
    if isinstance(cell, Meter):
        return cell.tat > now_us * cell.per_us
    if isinstance(cell, Members):
        return now_us < cell.until_us or bool(cell.out)
    return bool(cell.out is not None or cell.free or cell.owed or (isinstance(cell, SlotPot) and cell.used))


def _overdue(budgets: Budgets, now_us: int) -> list[Reservation]:
    """Reservations that nobody settled in time count as spent; their slots come back, and the door ends the request."""
    late = [each for each in budgets.open if each.until_us <= now_us]
    for each in late:
        budgets.forgotten += 1
        budgets.settle(each, Amounts(*each.taken), now_us)
    return late


def _has_lost(cell: SlotPot, now_us: int) -> bool:
    return cell.budget.closed and cell.used > 0 and (cell.free < 0 or now_us >= cell.deadline_us)


def _lapsed(budgets: Budgets, lost: list[SlotPot], now_us: int) -> list[Reservation]:
    """The youngest requests whose slots may be another's by now, each told once."""
    lapsed = []
    for cell in lost:
        waiting = cell.out is not None and not budgets.without_store(now_us)
        if waiting and cell.free >= 0:
            continue  # the renewal may still come in time for them all
        running = [each for each in budgets.open if cell in each.cells.slots]
        running.sort(key=lambda each: each.until_us)
        over = cell.used if now_us >= cell.deadline_us else -cell.free
        told = sum(each.taken[cell.takes] for each in running if each in budgets.cut)
        for each in reversed(running):
            if told >= over:
                break
            if each not in budgets.cut:
                budgets.cut.add(each)
                told += each.taken[cell.takes]
                lapsed.append(each)
    return lapsed
