"""Why a request was refused, and how a budget stands: what errors and rate headers are worded from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from headwater.control.budget.cells import Cell
from headwater.control.budget.kinds import Budget


class Why(StrEnum):
    """What kind of refusal it is."""

    #: Used up for now.
    SPENT = "spent"
    #: More than the budget ever has at once: trying again doesn't help.
    TOO_LARGE = "too large"
    #: The store is gone, and the budget fails closed.
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one cell stands. `remaining`: here and in the store, as far as is known; `resets_us`: until all is there."""

    budget: Budget
    key: str
    limit: int
    remaining: int
    resets_us: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was taken. `retry_after_us`: when it may be there at the earliest, or None: never."""

    budget: Budget
    key: str
    why: Why
    retry_after_us: int | None
    limit: int
    remaining: int
    resets_us: int

    @property
    def waits_us(self) -> float:
        """`retry_after_us` as a number, to be compared."""
        return float("inf") if self.retry_after_us is None else self.retry_after_us


def standing(cell: Cell, now_us: int) -> Standing:
    """How `cell` stands."""
    remaining, resets_us = cell.stands(now_us)
    return Standing(cell.budget, cell.key, cell.budget.most, remaining, resets_us)


def refusal(cell: Cell, why: Why, retry_after_us: int | None, now_us: int) -> Refused:
    """A refusal by `cell`."""
    now = standing(cell, now_us)
    return Refused(cell.budget, cell.key, why, retry_after_us, now.limit, now.remaining, now.resets_us)
