"""Budgets that can't be overrun, also by many replicas: the hot path of rate control, as pure steps.

`kinds` says what can be limited, `budgets` admits, refuses or names what has to be leased, `upkeep` goes on without
requests, `lease` is what is said to a store, and `granting` what a store does with it. `stores` has the stores, each
imported where it is used. Nothing here reads a clock or waits, but the stores.
"""

from headwater.control.budget.budgets import Budgets, Refill, Reservation
from headwater.control.budget.calendar import Per
from headwater.control.budget.cells import Cells
from headwater.control.budget.kinds import KINDS, Amounts, Budget, Fails, Kind, Scope, Seen, Shape
from headwater.control.budget.lease import Answer, Ask, Store, StoreGone
from headwater.control.budget.pots import shared_rate
from headwater.control.budget.refusal import Refused, Standing, Why
from headwater.control.budget.stores.memory import MemoryStore
from headwater.control.budget.upkeep import Upkeep, leaving, tick

__all__ = [
    "KINDS",
    "Amounts",
    "Answer",
    "Ask",
    "Budget",
    "Budgets",
    "Cells",
    "Fails",
    "Kind",
    "MemoryStore",
    "Per",
    "Refill",
    "Refused",
    "Reservation",
    "Scope",
    "Seen",
    "Shape",
    "Standing",
    "Store",
    "StoreGone",
    "Upkeep",
    "Why",
    "leaving",
    "shared_rate",
    "tick",
]
