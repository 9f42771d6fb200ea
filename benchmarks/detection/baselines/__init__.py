"""Published methods and simple rules that stand beside Headwater, a file each, all over the same `Log`.

Each gives every account a score, and groups where the method finds groups; none is told which accounts belong to a
ring. `BASELINES` names them; `compare` measures them on one world. Thresholds are set by `thresholded`.
"""

from __future__ import annotations

from functools import partial

from baselines.fraudar import fraudar
from baselines.isolation import isolation_forest
from baselines.log import Log, Method, Scored, lowest, thresholded
from baselines.near_duplicate import near_duplicates
from baselines.prada import prada
from baselines.rates import methods as rate_methods
from baselines.rates import rates
from baselines.seat import seat
from baselines.synchrotrap import synchrotrap
from baselines.template_join import by_template

#: Every baseline by the name that tables print.
BASELINES: dict[str, Method] = {
    **rate_methods(),
    "shared skeleton": partial(by_template, part="skeleton"),
    "shared opening": partial(by_template, part="opening"),
    "near-duplicates": near_duplicates,
    "PRADA": prada,
    "PRADA, W": partial(prada, statistic="w"),
    "SEAT": seat,
    "isolation forest": isolation_forest,
    "SynchroTrap": synchrotrap,
    "FRAUDAR": fraudar,
}

__all__ = [
    "BASELINES",
    "Log",
    "Method",
    "Scored",
    "lowest",
    "rates",
    "thresholded",
]
