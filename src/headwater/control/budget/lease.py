"""What a replica and the store say to each other, as plain data, and the store as a replica needs it.

One message asks, gives back and renews at once: `credit` and `need` belong to one number (`seq`), and the store answers
a number that it has seen with what it said then. So a message may be lost, its answer may be lost, and either may come
twice or late; what a replica was given is never given to another, and what it gave back is counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from headwater.control.budget.calendar import Per
from headwater.control.budget.kinds import Shape


class Ask(NamedTuple):
    """What a replica wants of one cell.

    `need`: at least so much, or nothing; `want`: gladly so much. Of slots both are the number held in all. `credit`:
    given back (below nothing: spent beyond what was leased). `epoch` and `period`: those of the last answer, to which
    `credit` belongs. `sent_us`: when it was sent, by the replica's clock; the store doesn't look at it.
    """

    cell: str
    shape: Shape
    per: Per
    limit: int
    #: rates: the most at once, without what may lie in leases
    capacity: int
    #: rates: `limit` per `window_us`, both divided by what they share
    rate: int
    window_us: int
    lasts_us: int
    seq: int
    epoch: int
    period: int
    need: int
    want: int
    credit: int
    #: rates: what is given back of a lease that hasn't ended yet; slots: how many are held by one
    unspent: int
    member: str
    sent_us: int


class Answer(NamedTuple):
    """What the store said: `granted` may be spent for `lives_us` from when the message was sent.

    `balance`: what is left for everybody. `retry_us`: 0, or how long until what was needed may be there (-1: never).
    `resets_us`: how long until the whole limit is there again. `epoch`: since when the store remembers.
    """

    granted: int
    lives_us: int
    period: int
    epoch: int
    balance: int
    retry_us: int
    resets_us: int


class Store(Protocol):
    """What replicas share. Raises `StoreGone` where it can't be reached or understood; then nothing is known.

    A store answers one batch as a whole or not at all, counts by its own clock, and has one answer for each `seq` of a
    replica and cell.
    """

    def exchange(self, replica: str, asks: Sequence[Ask]) -> list[Answer]:
        """One answer for each ask, in order. `replica` names one process since it began, and no other, ever."""
        ...

    def look(self, asks: Sequence[Ask]) -> list[Answer]:
        """What would be answered to somebody who never asked before; nothing is changed, nobody is noted."""
        ...

    def begin(self, *, fresh: bool) -> None:
        """Begin to remember anew. `fresh`: nothing was spent before, or the operator accepts that it is forgotten.

        Where it isn't fresh, hard budgets stay closed until a period begins that the store saw from its beginning.
        """
        ...


class StoreGone(Exception):  # noqa: N818  (reads as a sentence where it is caught)
    """The store can't be reached or understood; whether what was asked was done isn't known."""
