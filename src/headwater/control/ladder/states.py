"""What may follow what in the life of a step: one table, from which the documentation draws its diagram.

Whether enough persons have decided, and whether it is time, is asked in `step`. `undone` has no line here: it takes a
step back to where it was before its last event, from wherever it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a step is."""

    #: Waits for a person, or for the second of two.
    PROPOSED = "proposed"
    #: Decided; the customer has been told, and it begins when the period of notice is over.
    ANNOUNCED = "announced"
    #: In force.
    STANDING = "standing"
    #: A person looked at the proposal and refused it.
    DECLINED = "declined"
    #: Nobody decided on the proposal in time.
    LAPSED = "lapsed"
    #: Its time is over.
    EXPIRED = "expired"
    #: Ended early: by a person, or on appeal.
    REVERSED = "reversed"


class What(StrEnum):
    """What can happen to a step."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    BEGAN = "began"
    DECLINED = "declined"
    LAPSED = "lapsed"
    EXPIRED = "expired"
    REVERSED = "reversed"
    UNDONE = "undone"


#: (state, event) → the states it may lead to; what isn't here can't happen.
TRANSITIONS: Mapping[tuple[State | None, What], tuple[State, ...]] = {
    (None, What.PROPOSED): (State.PROPOSED, State.ANNOUNCED),
    (State.PROPOSED, What.CONFIRMED): (State.PROPOSED, State.ANNOUNCED, State.STANDING),
    (State.PROPOSED, What.BEGAN): (State.STANDING,),
    (State.PROPOSED, What.DECLINED): (State.DECLINED,),
    (State.PROPOSED, What.LAPSED): (State.LAPSED,),
    (State.ANNOUNCED, What.CONFIRMED): (State.ANNOUNCED, State.STANDING),
    (State.ANNOUNCED, What.BEGAN): (State.STANDING,),
    (State.ANNOUNCED, What.DECLINED): (State.DECLINED,),
    (State.ANNOUNCED, What.LAPSED): (State.LAPSED,),
    (State.ANNOUNCED, What.REVERSED): (State.REVERSED,),
    (State.STANDING, What.CONFIRMED): (State.STANDING,),
    (State.STANDING, What.EXPIRED): (State.EXPIRED,),
    (State.STANDING, What.REVERSED): (State.REVERSED,),
}

#: A step in one of these still does something, or may yet.
ACTIVE = (State.PROPOSED, State.ANNOUNCED, State.STANDING)
