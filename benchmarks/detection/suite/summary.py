"""Kept records as figures: one row a part and scenario and look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from intervals import clopper_pearson
from scoring import share

from headwater.detect import load

Record = dict[str, Any]


def reported(look: Record) -> list[Record]:
    """The rings that a look reported."""
    return [ring for ring in look["rings"] if ring["word"] == "likely"]


def mostly_innocent(ring: Record) -> bool:
    """Whether a ring holds no more ring accounts than innocents."""
    right = sum(n for of, n in ring["of"].items() if of.startswith("ring "))
    return 2 * right <= sum(ring["of"].values())


def setting(record: Record) -> str:
    """What makes this world different from the scenario as packaged."""
    job = record["job"]
    dial = job["camouflage"]
    parts = dial if isinstance(dial, dict) else {"camouflage": dial} if dial or job["part"] == "dial" else {}
    told = [f"{name} {value:g}" for name, value in parts.items()]
    told += [f"{path.rsplit('.', 1)[-1]} {value}" for path, value in job["override"].items()]
    return ", ".join(told)


def summary(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Part, scenario, setting and look → what all its worlds say together."""
    groups: dict[tuple[str, str, str, str], list[tuple[Record, Record]]] = {}
    for record in records:
        for name, look in record["looks"].items():
            key = (record["job"]["part"], record["job"]["scenario"], setting(record), name)
            groups.setdefault(key, []).append((record, look))
    return [
        dict(zip(("part", "scenario", "setting", "look"), key, strict=True)) | _together(found)
        for key, found in sorted(groups.items())
    ]


def _together(found: Sequence[tuple[Record, Record]]) -> dict[str, Any]:
    looks = [look for _, look in found]
    total = {
        key: sum(look[key] for look in looks)
        for key in (
            "ring_accounts",
            "ring_flagged",
            "innocent_accounts",
            "innocent_flagged",
            "harvest",
            "attributed",
            "both",
            "others_of_ring",
            "others_attributed",
            "proposed",
            "possible_ring",
            "possible_innocent",
        )
    }
    wrong = sum(any(map(mostly_innocent, reported(look))) for look in looks)
    out: dict[str, Any] = {"worlds": len(looks), **total}
    out["recall"] = share(total["ring_flagged"], total["ring_accounts"])
    out["recall_by_world"] = [
        round(look["ring_flagged"] / look["ring_accounts"], 4) for look in looks if look["ring_accounts"]
    ]
    out["exchange_f1"] = (
        2 * total["both"] / (total["attributed"] + total["harvest"]) if total["harvest"] else None
    )
    out["others_wrongly_attributed"] = share(total["others_attributed"], total["others_of_ring"])
    out["worlds_with_a_false_ring"] = wrong
    out["worlds_with_a_false_ring_95"] = list(clopper_pearson(wrong, len(looks)))
    out["false_rings"] = sum(sum(map(mostly_innocent, reported(look))) for look in looks)
    out["by_shape"] = _by_shape(found)
    out["by_script"] = _added((r["scripts"], look["scripts_flagged"]) for r, look in found)
    out["kinds"] = dict(
        Counter(f"{_role(ring)} called {ring['kind']}" for look in looks for ring in reported(look))
    )
    return out


def _role(ring: Record) -> str:
    return str(max(ring["of"], key=lambda of: (ring["of"][of], of))) if ring["of"] else "nobody"


def _by_shape(found: Sequence[tuple[Record, Record]]) -> dict[str, list[int]]:
    """Shape → accounts flagged, accounts, customers flagged, customers."""
    accounts = _added((r["of"], look["flagged_of"]) for r, look in found)
    customers = _added((r["customers"], look["customers_flagged"]) for r, look in found)
    return {
        shape: [*accounts[shape], *customers.get(shape, [0, 0])]
        for shape in accounts
        if not shape.startswith("ring ")
    }


def _added(pairs: Iterable[tuple[dict[str, int], dict[str, int]]]) -> dict[str, list[int]]:
    """Sums by key of (all, hits), as [hits, all]."""
    out: dict[str, list[int]] = {}
    for every, hits in pairs:
        for key, count in every.items():
            have = out.setdefault(key, [0, 0])
            have[0] += hits.get(key, 0)
            have[1] += count
    return out


def laws(records: Sequence[Record], look: str) -> dict[str, dict[str, float]]:
    """Evidence → how often, of all groups without a ring account, it says a nat, two or three for a campaign.

    And its mean likelihood ratio there, 1 at most where its law holds. Each after its card's cap, before groups.
    """
    groups = [
        ring
        for record in records
        for ring in record["looks"].get(look, {"rings": []})["rings"]
        if ring["of"] and not any(of.startswith("ring ") for of in ring["of"])
    ]
    cards = {evidence.card.name: evidence.card for evidence in load()}
    nats: dict[str, list[float]] = {}
    for ring in groups:
        for name, raw, _ in ring["pieces"]:
            if name in cards:
                nats.setdefault(name, []).append(
                    max(-cards[name].cap_against_nats, min(cards[name].cap_nats, raw))
                )
    return {name: _law(np.array(said), len(groups)) for name, said in sorted(nats.items())}


def _law(said: npt.NDArray[np.float64], groups: int) -> dict[str, float]:
    told = {f"at_{least}": int((said >= least).sum()) for least in (1, 2, 3)}
    # A group of which it says nothing has a ratio of 1.
    return {"groups": groups, **told, "mean_ratio": float((np.exp(said).sum() + groups - len(said)) / groups)}


def table(found: Sequence[dict[str, Any]]) -> str:
    """All rows as plain text."""
    head = f"{'part':<9}{'scenario':<19}{'look':<11}{'worlds':>6}{'recall':>8}{'least':>7}"
    lines = [head + f"{'innocents flagged':>20}{'worlds/false':>13}{'F1':>6}{'others':>9}  setting"]
    for row in found:
        least = min(row["recall_by_world"], default=None)
        cells = [f"{row['part']:<9}{row['scenario']:<19}{row['look']:<11}{row['worlds']:>6}"]
        cells += [_cell(row["recall"], 8), _cell(least, 7)]
        cells.append(f"{row['innocent_flagged']:>9,} of {row['innocent_accounts']:>7,}")
        cells.append(f"{row['worlds_with_a_false_ring']:>13}")
        cells += [_cell(row["exchange_f1"], 6, 2), _cell(row["others_wrongly_attributed"], 9, 4)]
        lines.append("".join(cells) + f"  {row['setting']}")
    return "\n".join(lines)


def _cell(value: float | None, width: int, digits: int = 3) -> str:
    return f"{'–' if value is None else f'{value:.{digits}f}':>{width}}"
