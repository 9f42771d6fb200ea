"""One rung applied to one account, as the fold of what happened to it.

`states` is the table of what may follow what, `step` applies an event, `restrictions` says what standing steps do.
"""

from headwater.control.ladder.events import CLOCK, HOUR_US, POLICY, Event, Terms
from headwater.control.ladder.restrictions import Effects, Restrictions, standing
from headwater.control.ladder.states import ACTIVE, TRANSITIONS, State, What
from headwater.control.ladder.step import AUTOMATIC_HOURS, Step, apply, canonical, due, fold

__all__ = [
    "ACTIVE",
    "AUTOMATIC_HOURS",
    "CLOCK",
    "HOUR_US",
    "POLICY",
    "TRANSITIONS",
    "Effects",
    "Event",
    "Restrictions",
    "State",
    "Step",
    "Terms",
    "What",
    "apply",
    "canonical",
    "due",
    "fold",
    "standing",
]
