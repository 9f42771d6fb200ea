"""Whether a request is served, and under which terms: identity, ladder and budgets put together, as pure steps.

`settings` is what an operator sets, `wish` what a request asks for and what it gets, `denial` why it gets nothing and
in which words, `standings` what stands against accounts, `holdings` which budgets a request has, `figures` how they
stand for rate headers, `charge` what a batch may get back, `ready` what is known before anybody asks, `decide` the
order in which all of it is asked. No HTTP, no clock, no waiting: a door does what `Refill` says and asks again.
"""

from headwater.control.deciding.charge import Charge
from headwater.control.deciding.decide import Control
from headwater.control.deciding.denial import Denied, Reason
from headwater.control.deciding.figures import Figure, Shown, stands_now
from headwater.control.deciding.settings import ControlSettings, Model, OwnBudget
from headwater.control.deciding.standings import Standings, Stands
from headwater.control.deciding.wish import NOTHING_USED, Admitted, Terms, Used, Wish

__all__ = [
    "NOTHING_USED",
    "Admitted",
    "Charge",
    "Control",
    "ControlSettings",
    "Denied",
    "Figure",
    "Model",
    "OwnBudget",
    "Reason",
    "Shown",
    "Standings",
    "Stands",
    "Terms",
    "Used",
    "Wish",
    "stands_now",
]
