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
    return bool(2 * of_rings(ring) <= sum(ring["of"].values()))


def of_rings(ring: Record) -> int:
    """How many of a kept ring's accounts are of a ring of the world."""
    return sum(n for of, n in ring["of"].items() if of.startswith("ring "))


def varied(record: Record) -> dict[str, float]:
    """What makes this world different from the scenario as packaged, by name; rings drawn by their seed have none."""
    job = record["job"]
    dial = job["camouflage"]
    parts = dial if isinstance(dial, dict) else {"camouflage": dial} if dial or job["part"] == "dial" else {}
    single = {path.rsplit(".", 1)[-1]: value for path, value in job["override"].items()}
    return parts | {name: value for name, value in single.items() if isinstance(value, int | float)}


def setting(record: Record) -> str:
    """The same in words."""
    return ", ".join(f"{name} {value:g}" for name, value in varied(record).items())


def summary(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Part, scenario, setting and look → what all its worlds say together."""
    groups: dict[tuple[str, str, str, str], list[tuple[Record, Record]]] = {}
    for record in records:
        for name, look in record["looks"].items():
            key = (record["job"]["part"], record["job"]["scenario"], setting(record), name)
            groups.setdefault(key, []).append((record, look))
    return [
        dict(zip(("part", "scenario", "setting", "look"), key, strict=True))
        | {"varied": varied(found[0][0])}
        | _together(found)
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
    out["recall_95"] = over_worlds(looks)
    out["by_harvest"] = _added(
        ({least: of for least, (_, of) in one.items()}, {least: hit for least, (hit, _) in one.items()})
        for one in (look["by_harvest"] for look in looks)
    )
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
    wronged, customers = (sum(shape[at] for shape in out["by_shape"].values()) for at in (2, 3))
    out["customers_flagged"] = [wronged, customers]
    out["customers_flagged_95"] = list(clopper_pearson(wronged, customers))
    out["by_script"] = _added((r["scripts"], look["scripts_flagged"]) for r, look in found)
    out["kinds"] = dict(
        Counter(f"{_role(ring)} called {ring['kind']}" for look in looks for ring in reported(look))
    )
    return out


def over_worlds(looks: Sequence[Record], draws: int = 2000) -> list[float] | None:
    """The 95% interval of recall when whole worlds are drawn again; None where fewer than two worlds hold a ring.

    Accounts of one ring stand or fall together, so that worlds and not accounts are what is independent.
    """
    worlds = np.array(
        [(look["ring_flagged"], look["ring_accounts"]) for look in looks if look["ring_accounts"]]
    )
    if len(worlds) < 2:
        return None
    drawn = worlds[np.random.default_rng(0).integers(0, len(worlds), (draws, len(worlds)))].sum(axis=1)
    return [round(float(at), 4) for at in np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])]


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


def scripts(rows: Sequence[dict[str, Any]], look: str = "headline") -> dict[str, list[int]]:
    """Script → innocents flagged and innocents, over the worlds of all scenarios."""
    found = [row for row in rows if row["part"] == "alarms" and row["look"] == look]
    out: dict[str, list[int]] = {}
    for row in found:
        for script, counts in row["by_script"].items():
            have = out.setdefault(script, [0, 0])
            have[:] = [have[0] + counts[0], have[1] + counts[1]]
    return dict(sorted(out.items(), key=lambda item: (-item[1][1], item[0])))


def laws(records: Sequence[Record], look: str) -> dict[str, dict[str, Any]]:
    """Evidence → how often, of all groups without a ring account, it says a nat, two or three for a campaign.

    And its mean likelihood ratio there, 1 at most where its law holds. Each after its card's cap, before groups.
    "scenarios" has groups that reached a nat, and groups, by scenario.
    """
    groups = [
        (record["job"]["scenario"], ring)
        for record in records
        for ring in record["looks"].get(look, {"rings": []})["rings"]
        if ring["of"] and not any(of.startswith("ring ") for of in ring["of"])
    ]
    cards = {evidence.card.name: evidence.card for evidence in load()}
    every = Counter(scenario for scenario, _ in groups)
    nats: dict[str, list[float]] = {}
    hits: dict[str, Counter[str]] = {}
    for scenario, ring in groups:
        for name, raw, _ in ring["pieces"]:
            if name in cards:
                said = max(-cards[name].cap_against_nats, min(cards[name].cap_nats, raw))
                nats.setdefault(name, []).append(said)
                hits.setdefault(name, Counter())[scenario] += said >= 1
    return {
        name: _law(np.array(said), len(groups))
        | {"scenarios": {scenario: [hits[name][scenario], of] for scenario, of in sorted(every.items())}}
        for name, said in sorted(nats.items())
    }


def _law(said: npt.NDArray[np.float64], groups: int) -> dict[str, float]:
    told = {f"at_{least}": int((said >= least).sum()) for least in (1, 2, 3)}
    # A group of which it says nothing has a ratio of 1.
    return {"groups": groups, **told, "mean_ratio": float((np.exp(said).sum() + groups - len(said)) / groups)}


def table(found: Sequence[dict[str, Any]]) -> str:
    """All rows as plain text."""
    head = f"{'part':<12}{'scenario':<19}{'look':<11}{'worlds':>6}{'recall':>8}{'least':>7}"
    lines = [head + f"{'innocents flagged':>20}{'worlds/false':>13}{'F1':>6}{'others':>9}  setting"]
    for row in found:
        least = min(row["recall_by_world"], default=None)
        cells = [f"{row['part']:<12}{row['scenario']:<19}{row['look']:<11}{row['worlds']:>6}"]
        cells += [_cell(row["recall"], 8), _cell(least, 7)]
        cells.append(f"{row['innocent_flagged']:>9,} of {row['innocent_accounts']:>7,}")
        cells.append(f"{row['worlds_with_a_false_ring']:>13}")
        cells += [_cell(row["exchange_f1"], 6, 2), _cell(row["others_wrongly_attributed"], 9, 4)]
        lines.append("".join(cells) + f"  {row['setting']}")
    return "\n".join(lines)


def _cell(value: float | None, width: int, digits: int = 3) -> str:
    return f"{'–' if value is None else f'{value:.{digits}f}':>{width}}"
