"""The ladder of measures, from watching to handing a case over; one table, in order.

What a rung means is written here; who climbs it is decided in `decide`, and nothing here or there carries a
rung out.
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
    Rung.QUARANTINE: "Hold new requests of the kind concerned until a person has looked.",
    Rung.SUSPEND: "Stop the account until the customer has been heard.",
    Rung.BAN: "Close the account.",
    Rung.REFER: "Hand the case to counsel or to an authority.",
}

#: From this rung on a pack must ask for a person before anything happens.
PERSON_FROM = Rung.STEP_UP
