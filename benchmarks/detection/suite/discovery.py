"""How often a report is false where rings are rare: of the logs in which something is reported, those without a ring.

The unit is one log (an investigation of a window), since what is reported in it stands or falls together. With α the
chance that a log without a ring has at least one reported ring, β the chance that a ring of some size is reported in a
log that holds it, and π the share of logs that hold one,

    FDR(π) = (1 − π) α / ((1 − π) α + π β).

α is counted in all worlds without a ring that the suite makes whole, people alone and every innocent shape alike; β in
the worlds of one size of ring. The bound takes α at the upper end and β at the lower end of their exact 95% intervals.
A false ring beside a true one isn't in it, and is counted on its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from intervals import clopper_pearson
from scoring import share

from suite.summary import Record, mostly_innocent, reported, varied

PREVALENCES = (0.05, 0.001, 0.0001)
LOOK = "headline"
#: Parts whose worlds are whole; those of calibration are small, and few groups are judged in them.
WHOLE = ("alarms", "quiet")
#: The bar for false discoveries.
MOST = 0.05


def discovery(records: Sequence[Record], look: str = LOOK) -> dict[str, Any]:
    """False alarms where there is no ring, power where there is one, and what both make of reports by prevalence."""
    seen = [(record, record["looks"][look]) for record in records if look in record["looks"]]
    quiet = [one for record, one in seen if record["job"]["part"] in WHOLE and not one["ring_accounts"]]
    beside = [one for record, one in seen if record["job"]["part"] != "calibration" and one["ring_accounts"]]
    alarmed = sum(any(map(mostly_innocent, reported(one))) for one in quiet)
    groups = sum(one["judged"] for one in quiet)
    false = sum(len(reported(one)) for one in quiet)
    return {
        "look": look,
        "quiet": {
            "worlds": len(quiet),
            "with_a_false_ring": alarmed,
            "share": share(alarmed, len(quiet)),
            "share_95": list(clopper_pearson(alarmed, len(quiet))),
            "groups": groups,
            "false_rings": false,
            "by_group_95": list(clopper_pearson(false, groups)),
        },
        "beside_a_ring": {
            "worlds": len(beside),
            "with_a_false_ring": sum(any(map(mostly_innocent, reported(one))) for one in beside),
            "reported": sum(len(reported(one)) for one in beside),
            "false": sum(sum(map(mostly_innocent, reported(one))) for one in beside),
        },
        "rings": [_ring(*key, looks, alarmed, len(quiet)) for key, looks in sorted(_by_size(seen).items())],
    }


def _by_size(seen: Sequence[tuple[Record, Record]]) -> dict[tuple[str, int, str], list[Record]]:
    """Worlds that hold a ring, by part, accounts (as asked for in part power, else the middle world's) and scenario."""
    found: dict[tuple[str, str, int], list[Record]] = {}
    for record, look in seen:
        part, scenario = record["job"]["part"], record["job"]["scenario"]
        if look["ring_accounts"] and part in ("power", "alarms"):
            asked = int(varied(record).get("accounts", 0))
            found.setdefault((part, scenario, asked), []).append(look)
    out = {}
    for (part, scenario, asked), looks in found.items():
        sizes = sorted(look["ring_accounts"] for look in looks)
        out[part, asked or sizes[len(sizes) // 2], scenario] = looks
    return out


def _ring(
    part: str, accounts: int, scenario: str, looks: Sequence[Record], alarmed: int, quiet: int
) -> dict[str, Any]:
    found = sum(any(not mostly_innocent(ring) for ring in reported(look)) for look in looks)
    low, high = clopper_pearson(found, len(looks))
    point, most = share(alarmed, quiet), clopper_pearson(alarmed, quiet)[1]
    return {
        "part": part,
        "scenario": scenario,
        "accounts": accounts,
        "worlds": len(looks),
        "found": found,
        "power": found / len(looks),
        "power_95": [low, high],
        "reports": [
            {
                "prevalence": prevalence,
                "fdr": None if point is None else false_discoveries(prevalence, point, found / len(looks)),
                "at_most": false_discoveries(prevalence, most, low),
                "quiet_worlds_needed": needed(prevalence, low),
            }
            for prevalence in PREVALENCES
        ],
    }


def false_discoveries(prevalence: float, alarm: float, power: float) -> float | None:
    """The share of reports in logs without a ring; None where nothing is ever reported."""
    false, true = (1 - prevalence) * alarm, prevalence * power
    return false / (false + true) if false + true else None


def needed(prevalence: float, power: float) -> int | None:
    """Worlds without a ring and without a false alarm that would put the bound at the bar; None where none would."""
    alarm = MOST / (1 - MOST) * prevalence * power / (1 - prevalence)
    # Clopper and Pearson's upper end for none in n is 1 − 0.025^(1/n).
    return math.ceil(math.log(0.025) / math.log1p(-alarm)) if alarm else None
