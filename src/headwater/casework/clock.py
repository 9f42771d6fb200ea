"""What time does to a casebook: steps begin, expire and lapse, shaping is told of, appeals come due, data is erased.

Run it as often as the shortest period asks for (`headwater casebook tick`); twice does no more than once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from headwater.casework.appeal import Appeal
from headwater.casework.appeals import appeals, end_unanswered
from headwater.casework.follow import follow, shaping_to_tell, tell
from headwater.casework.retention import enforce
from headwater.casework.shelf import Unread, active
from headwater.casework.work import Work
from headwater.control import CLOCK, What, due


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
