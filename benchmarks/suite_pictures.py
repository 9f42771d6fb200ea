"""The suite's pictures: rings by camouflage and by size, and whether probabilities come true."""

from __future__ import annotations

import math
from typing import Any

from curves import Line, Panel, chart

Row = dict[str, Any]
DIAL, POWER, RELIABILITY = "figures-camouflage.svg", "figures-size.svg", "figures-calibration.svg"
OURS = (
    ("headline", "Headwater without account attributes", "o"),
    ("everything", "Headwater, everything in view", "t"),
)


def pictures(found: Row) -> dict[str, str]:
    """File name → SVG, of what was measured."""
    made = {DIAL: dial(found), POWER: power(found), RELIABILITY: reliability(found)}
    return {name: picture for name, picture in made.items() if picture}


def dialled(found: Row, look: str) -> list[Row]:
    """Rows of the dial, by level."""
    rows = [row for row in found["rows"] if row["part"] == "dial" and row["look"] == look]
    rows = [row for row in rows if "camouflage" in row.get("varied", {})]
    return sorted(rows, key=lambda row: (row["scenario"], row["varied"]["camouflage"]))


def sizes(found: Row, look: str) -> list[Row]:
    """Rows of part power, by accounts of the ring."""
    rows = [row for row in found["rows"] if row["part"] == "power" and row["look"] == look]
    rows = [row for row in rows if "accounts" in row.get("varied", {})]
    return sorted(rows, key=lambda row: row["varied"]["accounts"])


def dial(found: Row) -> str:
    """Share of ring accounts found over the dial, a panel a scenario, with the oracle's."""
    rows = {look: dialled(found, look) for look, _, _ in OURS}
    known = [o for o in found.get("oracle", []) if o["part"] == "dial" and "camouflage" in o["varied"]]
    panels = []
    for scenario in sorted({row["scenario"] for row in rows["headline"]}):
        oracle = sorted((o["varied"]["camouflage"], o["oracle"]) for o in known if o["scenario"] == scenario)
        lines = [Line("oracle, which knows how worlds are made", oracle, "b", dashed=True)] if oracle else []
        for look, label, kind in OURS:
            mine = [row for row in rows[look] if row["scenario"] == scenario]
            points = [(row["varied"]["camouflage"], row["recall"]) for row in mine]
            whiskers = [(row["varied"]["camouflage"], *row["recall_95"]) for row in mine if row["recall_95"]]
            lines.append(Line(label, points, kind, whiskers=whiskers))
        panels.append(Panel(scenario, lines, ((0, "0"), (0.5, "0.5"), (1, "1")), "camouflage"))
    return chart("Share of ring accounts found by camouflage", panels) if panels else ""


def power(found: Row) -> str:
    """Share of worlds whose ring is reported, and of ring accounts found, by size of the ring."""
    rings = [ring for ring in found.get("discovery", {}).get("rings", []) if ring["part"] == "power"]
    if not rings:
        return ""
    ticks = [(math.log10(ring["accounts"]), f"{ring['accounts']:,}") for ring in rings]
    reported = [(math.log10(ring["accounts"]), ring["power"]) for ring in rings]
    whiskers = [(math.log10(ring["accounts"]), *ring["power_95"]) for ring in rings]
    first = Line("rings reported, without account attributes", reported, "b", whiskers=whiskers)
    panels = [Panel("rings", [first], ticks, "accounts of the ring")]
    lines = []
    for look, label, kind in OURS:
        points = [(math.log10(row["varied"]["accounts"]), row["recall"]) for row in sizes(found, look)]
        lines.append(Line(label, points, kind))
    panels.append(Panel("their accounts", lines, ticks, "accounts of the ring"))
    return chart("Share of rings reported, and of ring accounts found, by size of the ring", panels)


def reliability(found: Row) -> str:
    """Share of verdicts that are right over the probability that they stated."""
    bins = [one for one in found.get("calibration", {}).get("bins", []) if one["verdicts"]]
    if not bins:
        return ""
    points = [(one["said"], one["share"]) for one in bins]
    whiskers = [(one["said"], *one["share_95"]) for one in bins]
    even = Line("said and right alike", [(0.0, 0.0), (1.0, 1.0)], "b", dashed=True)
    right = Line("verdicts that are right, with 95% intervals", points, "o", whiskers=whiskers)
    ticks = ((0.0, "0%"), (0.5, "50%"), (1.0, "100%"))
    return chart(
        "Verdicts right by the probability that they state", [Panel("", [even, right], ticks, "probability")]
    )
