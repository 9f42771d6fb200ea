"""Why a request isn't served, and in which words it is told: no rule, no threshold, nothing of what was found.

`cause` is for the operator's log only.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec


class Reason(StrEnum):
    """What kind of denial it is."""

    CREDENTIAL = "credential"
    PLACE = "place"
    ACCOUNT = "account"
    SUSPENDED = "suspended"
    HELD = "held"
    STEP_UP = "step-up"
    SCOPE = "scope"
    MODEL = "model"
    FEATURE = "feature"
    CONTEXT = "context"
    BUDGET_SPENT = "budget-spent"
    BUDGET_TOO_LARGE = "budget-too-large"
    STORE_GONE = "store-gone"
    #: A request that ran longer than it may: what it held is over.
    ENDED = "ended"


#: Told in these words; the others name what was asked for.
TOLD: Final[Mapping[Reason, str]] = {
    Reason.CREDENTIAL: "The request shows no API key or token that is accepted.",
    Reason.PLACE: "This API key can't be used from this network.",
    Reason.ACCOUNT: "The account isn't active.",
    Reason.SUSPENDED: "The account is suspended.",
    Reason.HELD: "Requests of this account wait until a person has looked at them.",
    Reason.STEP_UP: "The account needs a stronger proof of identity before more is served.",
    Reason.BUDGET_SPENT: "The limit is reached for now: try again later.",
    Reason.BUDGET_TOO_LARGE: (
        "The request is larger than this account may make: make it smaller, or say a lower max_tokens."
    ),
    Reason.STORE_GONE: "Limits can't be checked at the moment: try again soon.",
    Reason.ENDED: "The request ran for too long and was ended.",
}


class Denied(msgspec.Struct, frozen=True, kw_only=True):
    """A request that isn't served, or not any further.

    `told`: for the client. `retry_after_us`: when trying again may help at the earliest. `final`: it doesn't help at
    all. `violated`: names of the tier's limits, and of no other. `quota`: what is used up was for a day or a month,
    however soon the next one begins. `cause`: for the log, never for the client.
    """

    why: Reason
    told: str
    retry_after_us: int | None = None
    final: bool = True
    violated: tuple[str, ...] = ()
    quota: bool = False
    decision_id: str = ""
    appeal: str = ""
    cause: str = ""
