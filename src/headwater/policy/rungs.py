"""The ladder of measures, from watching to handing a case over; one table, in order.

What a rung means is written here, and, where a pack doesn't say, how long a step on it lasts and what its customer is
told it is for. Who climbs it is decided in `decide`; nothing here or there carries a rung out.
"""

from __future__ import annotations

from enum import IntEnum


class Rung(IntEnum):
    """A measure; a higher one weighs more on the account that it meets."""

    OBSERVE = 0
    NOTICE = 1
    SHAPE = 2
    REDUCE = 3
    STEP_UP = 4
    QUARANTINE = 5
    SUSPEND = 6
    BAN = 7
    REFER = 8

    @property
    def word(self) -> str:
        """The rung as packs and reports write it: `step-up`."""
        return self.name.lower().replace("_", "-")


RUNGS = {rung.word: rung for rung in Rung}

#: What each rung would do, in one sentence; reports quote it.
MEANING: dict[Rung, str] = {
    Rung.OBSERVE: "Keep watching; nothing changes for the account.",
    Rung.NOTICE: "Tell the customer what was seen and ask about the use.",
    Rung.SHAPE: "Smooth bursts: the same volume, more slowly.",
    Rung.REDUCE: "Lower the account's budget for the kind of request concerned.",
    Rung.STEP_UP: "Ask for a stronger proof of identity or purpose before more is served.",
    Rung.QUARANTINE: "Hold new requests that have something generated until a person has looked.",
    Rung.SUSPEND: "Stop the account until the customer has been heard.",
    Rung.BAN: "Close the account.",
    Rung.REFER: "Hand the case to counsel or to an authority.",
}

#: Hours that a step lasts where its rule doesn't say (`for`). Nothing but watching goes on by itself: what should
#: last is decided again, a ban too, whose end is the day it is reviewed. What weighs more before a person has heard
#: the customer ends sooner.
LASTS_H: dict[Rung, int] = {
    Rung.OBSERVE: 0,
    Rung.NOTICE: 30 * 24,
    Rung.SHAPE: 7 * 24,
    Rung.REDUCE: 14 * 24,
    Rung.STEP_UP: 30 * 24,
    Rung.QUARANTINE: 3 * 24,
    Rung.SUSPEND: 30 * 24,
    Rung.BAN: 365 * 24,
    Rung.REFER: 180 * 24,
}

#: What the customer may learn of why: a closed list, which names neither rule nor threshold.
REASON_CLASSES: dict[str, str] = {
    "automated-collection": "requests look like organised collection of outputs",
    "linked-accounts": "several accounts acted as one",
    "terms-acceptance": "current terms were not accepted",
    "identity": "a stronger proof of identity is needed",
    "volume": "use goes beyond what the account's tier is for",
    "person-decided": "a person looked at the account's use and decided",
}

#: The class of each rung where its rule names none.
REASON_CLASS: dict[Rung, str] = {
    Rung.OBSERVE: "automated-collection",
    Rung.NOTICE: "automated-collection",
    Rung.SHAPE: "volume",
    Rung.REDUCE: "automated-collection",
    Rung.STEP_UP: "identity",
    Rung.QUARANTINE: "linked-accounts",
    Rung.SUSPEND: "person-decided",
    Rung.BAN: "person-decided",
    Rung.REFER: "person-decided",
}

#: From this rung on a person decides, unless the pack lists the rung in `without_a_person`.
PERSON_FROM = Rung.SUSPEND
#: From this rung on two do: what cannot be taken back quickly is nobody's alone.
TWO_PERSONS_FROM = Rung.BAN
#: What a pack may list in `without_a_person`. Nothing is ever handed to an authority by a program.
WITHOUT_A_PERSON = (Rung.SUSPEND, Rung.BAN)
