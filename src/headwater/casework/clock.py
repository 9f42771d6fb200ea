"""What time does to a casebook: steps begin, expire and lapse, shaping is told of, appeals come due, data is erased.

Run it as often as the shortest period asks for (`headwater casebook tick`); twice does no more than once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from headwater.casework.appeal import DAY_US, Appeal
from headwater.casework.appeals import appeals, end_unanswered
from headwater.casework.follow import follow, shaping_to_tell, tell
from headwater.casework.log import newest_us
from headwater.casework.notices import moment
from headwater.casework.retention import enforce
from headwater.casework.shelf import Unread, active
from headwater.casework.work import Work
from headwater.control import CLOCK, What, due
from headwater.errors import UsageError
from headwater.store import Transaction

#: A change that is so many days away from the last one is taken for a clock that is wrong.
FAR_DAYS: Final = 30
_LAST: Final = "casework/last"


@dataclass(frozen=True)
class Ticked:
    """What was due and done: ids of steps by what happened, appeals that are overdue, and rows erased by class.

    `unread`: steps and appeals that can't be read, and which time therefore leaves as they are.
    """

    began: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    lapsed: tuple[str, ...] = ()
    notified: tuple[str, ...] = ()
    overdue: tuple[Appeal, ...] = ()
    unanswered: tuple[str, ...] = ()
    erased: dict[str, int] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()


def keep_time(tx: Transaction, at_us: int, *, far: bool = False) -> None:
    """Remember when something was done last; `UsageError` where that was long ago, or far ahead, unless `far`.

    What a wrong clock ends and erases is gone: a tick two years ahead would be the end of everything.
    """
    kept = tx.fetch(_LAST)
    last = newest_us(tx) if kept is None else int(kept)
    days = (at_us - last) // DAY_US if at_us > last else (last - at_us) // DAY_US
    if days >= FAR_DAYS and not far:
        which = "after" if at_us > last else "before"
        raise UsageError(
            f"the clock says {moment(at_us)}: {days:,} days {which} the last that was done in this casebook",
            hint="set this machine's clock; where it's right, say so once: headwater casebook tick --far",
        )
    now = b"%d" % (at_us if far else max(at_us, last))
    if kept is None:
        tx.create(_LAST, now)
    elif kept != now:
        tx.replace(_LAST, kept, now)


def tick(work: Work) -> Ticked:
    """Do all that is due at the time of `work`."""
    moved: dict[What, list[str]] = {What.BEGAN: [], What.EXPIRED: [], What.LAPSED: []}
    notified: list[str] = []
    aside: list[Unread] = []
    for kept in active(work.tx, aside):
        while (
            what := due(kept.step, work.at_us, lapses_after_h=work.settings.clock.lapse_after_h)
        ) is not None:
            after = work.moved(kept, what, CLOCK)
            follow(work, kept, after)
            moved[what].append(kept.id)
            kept = after
        if shaping_to_tell(kept, work.at_us) and tell(work, kept):
            notified.append(kept.id)
    overdue = [one for one in appeals(work.tx, open_only=True, aside=aside) if one.overdue(work.at_us)]
    unanswered: list[str] = []
    if work.settings.clock.unanswered_ends:
        unanswered = [end_unanswered(work, one).id for one in overdue]
        overdue = []
    erased = enforce(work, aside)
    return Ticked(
        tuple(moved[What.BEGAN]),
        tuple(moved[What.EXPIRED]),
        tuple(moved[What.LAPSED]),
        tuple(notified),
        tuple(overdue),
        tuple(unanswered),
        erased,
        tuple({one.id: one for one in aside}.values()),
    )
