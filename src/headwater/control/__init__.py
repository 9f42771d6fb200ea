"""Who may have what: who asks, how much of it is left, what stands against an account, and what follows for a request.

`identity` says who asks, `budget` counts what can't be overrun, `ladder` holds steps: how they begin, end and are
undone, and what those that stand do to an account. `deciding` puts the three together for one request, `balance` shows
people how an account's budgets stand. Which rung is proportionate is `policy`'s answer, why and what may be said
against it is `casework`'s, and carrying it out is a door's. Nothing here waits.

The names are loaded when they are first used: a relay never loads what only persons' decisions need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.control.balance import Balance, Counting, balances
    from headwater.control.deciding import (
        NOTHING_USED,
        Admitted,
        Charge,
        Control,
        ControlSettings,
        Denied,
        Figure,
        Reason,
        Shown,
        Standings,
        Stands,
        Used,
        Wish,
        stands_now,
    )
    from headwater.control.ladder import (
        ACTIVE,
        AUTOMATIC_HOURS,
        CLOCK,
        HOUR_US,
        POLICY,
        TRANSITIONS,
        Effects,
        Event,
        Restrictions,
        State,
        Step,
        Terms,
        What,
        apply,
        canonical,
        due,
        fold,
        standing,
    )

__all__ = [
    "ACTIVE",
    "AUTOMATIC_HOURS",
    "CLOCK",
    "HOUR_US",
    "NOTHING_USED",
    "POLICY",
    "TRANSITIONS",
    "Admitted",
    "Balance",
    "Charge",
    "Control",
    "ControlSettings",
    "Counting",
    "Denied",
    "Effects",
    "Event",
    "Figure",
    "Reason",
    "Restrictions",
    "Shown",
    "Standings",
    "Stands",
    "State",
    "Step",
    "Terms",
    "Used",
    "What",
    "Wish",
    "apply",
    "balances",
    "canonical",
    "due",
    "fold",
    "standing",
    "stands_now",
]

#: `Terms` are those of a step; those of a request are `deciding`'s.
_WHERE = {
    "balance": "Balance Counting balances",
    "deciding": (
        "NOTHING_USED Admitted Charge Control ControlSettings Denied Figure Reason Shown Standings Stands Used Wish "
        "stands_now"
    ),
    "ladder": (
        "ACTIVE AUTOMATIC_HOURS CLOCK HOUR_US POLICY TRANSITIONS Effects Event Restrictions State Step Terms What "
        "apply canonical due fold standing"
    ),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        found = getattr(import_module(f"headwater.control.{_MODULES[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'headwater.control' has no attribute {name!r}")
