"""What happens to a step, and the terms under which it is proposed; plain records.

Whether an event may follow is `states`' and `step`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headwater.control.ladder.states import What
from headwater.errors import UsageError
from headwater.policy import Rung

HOUR_US: Final = 3_600_000_000
#: Who acts where no person does: a pack that asks for none, and time.
POLICY: Final = "policy"
CLOCK: Final = "clock"


@dataclass(frozen=True)
class Terms:
    """What is proposed, and under which conditions it may stand.

    `persons` must confirm it (0: it begins by itself); it ends `expires_after_h` hours after it began, and begins
    `notice_before_h` hours after it was decided. `reason_class` and `clause` are what the customer may learn, `rule`
    and `reason` are for those who decide. Raises `UsageError` for a step without reason class or end.
    """

    rung: Rung
    rule: str
    reason: str
    reason_class: str
    clause: str
    expires_after_h: int
    persons: int
    notice_before_h: int = 0

    def __post_init__(self) -> None:
        if self.rung <= Rung.OBSERVE:
            raise UsageError("watching is no step: nothing changes for the account")
        if not self.reason_class:
            raise UsageError(f"a step to {self.rung.word} needs a reason class", hint="give its rule one")
        if self.expires_after_h < 1:
            raise UsageError(f"a step to {self.rung.word} needs an end", hint="at least one hour")
        if not 0 <= self.persons <= 2 or self.notice_before_h < 0:
            raise UsageError("persons are 0, 1 or 2, and a period of notice isn't negative")
        # Whom else a policy may leave out is its own affair; what leaves the house takes two, always.
        if self.rung is Rung.REFER and self.persons < 2:
            raise UsageError("a case is handed over by two persons")


@dataclass(frozen=True)
class Event:
    """Something that happened to a step: `what`, `by` whom (a person, `policy` or `clock`), when, and why."""

    what: What
    by: str
    at_us: int
    reason: str = ""
    #: set where a step is proposed, and nowhere else
    terms: Terms | None = None

    @property
    def by_person(self) -> bool:
        """Whether a person did it."""
        return self.by not in (POLICY, CLOCK)
