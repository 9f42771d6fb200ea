"""The section of the figures page that the suite's many worlds fill: one row a scenario, and false alarms by shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
LOOKS = {
    "everything": "everything",
    "headline": "no account attributes",
    "neither": "nor templates",
    "bare": "nor attributes, nor organisations",
}
#: What fails beyond this is said to fail.
MOST_FLAGGED, ENOUGH = 4, 100_000


def section(found: Row, table: Callable[[list[str], list[list[str]]], str]) -> str:
    """All that the suite measured, worded; `table` makes Markdown of heads and rows."""
    rows = [row for row in found["rows"] if row["part"] == "alarms"]
    worlds = max((row["worlds"] for row in rows), default=0)
    side = (
        "Score-side scenarios ran on stand-in corpora of the *tune* side; no score file was opened."
        if found["side"] == "tune"
        else "Score side."
    )
    opening = (
        f"Version {found['version']} ({found['revision']}), {found['date']}. Every packaged scenario in up to {worlds} "
        f"worlds, constructed labels. {side} *Organisations* are what the operator knows of its own customers, so they "
        "stay in all looks but the last. *Others* is the share of exchanges on ring accounts that aren't harvest and "
        "were attributed all the same."
    )
    others = [row for row in found["rows"] if row["part"] != "alarms" and row["look"] == "headline"]
    parts = [_alarms(rows, table), _recall(rows, table), _verdict(rows), _others(others, table)]
    return "\n\n".join([opening, *parts, _laws(found["laws"], table)])


def _alarms(rows: list[Row], table: Callable[[list[str], list[list[str]]], str]) -> str:
    heads = ["innocents of", "worlds", *(f"flagged: {told}" for told in LOOKS.values()), "customers flagged"]
    out = []
    for scenario in sorted({row["scenario"] for row in rows}):
        by = {row["look"]: row for row in rows if row["scenario"] == scenario}
        cells = [_flagged(by.get(look)) for look in LOOKS]
        first = by.get("headline", next(iter(by.values())))
        hit, every = (sum(shape[i] for shape in first["by_shape"].values()) for i in (2, 3))
        out.append([f"`{scenario}`", str(first["worlds"]), *cells, f"{hit:,} of {every:,}"])
    return table(heads, out)


def _flagged(row: Row | None) -> str:
    if row is None:
        return "–"
    return f"{row['innocent_flagged']:,} of {row['innocent_accounts']:,}"


def _recall(rows: list[Row], table: Callable[[list[str], list[list[str]]], str]) -> str:
    heads = ["ring of", *(f"found: {told}" for told in LOOKS.values()), "exchange F1¹", "others¹"]
    out = []
    for scenario in sorted({row["scenario"] for row in rows if row["ring_accounts"]}):
        by = {row["look"]: row for row in rows if row["scenario"] == scenario}
        cells = [_found(by.get(look)) for look in LOOKS]
        first = by["headline"]
        others = first["others_wrongly_attributed"]
        told = "–" if others is None else f"{others:.2%}"
        out.append([f"`{scenario}`", *cells, f"{first['exchange_f1']:.2f}", told])
    return table(heads, out) + "\n\n¹ Without account attributes."


def _found(row: Row | None) -> str:
    if row is None:
        return "–"
    each = sorted(row["recall_by_world"])
    return f"{row['recall']:.1%} ({each[0]:.0%}–{each[-1]:.0%})"


def _others(rows: list[Row], table: Callable[[list[str], list[list[str]]], str]) -> str:
    """Large quiet worlds, rings by size, camouflage, low and slow: one row a setting, without account attributes."""
    heads = [
        "part",
        "scenario",
        "setting",
        "worlds",
        "ring accounts found",
        "innocents flagged",
        "worlds with a false ring",
    ]
    cells = [
        [
            row["part"],
            f"`{row['scenario']}`",
            row["setting"] or "as packaged",
            str(row["worlds"]),
            _found(row) if row["ring_accounts"] else "–",
            _flagged(row),
            str(row["worlds_with_a_false_ring"]),
        ]
        for row in rows
    ]
    opening = "The other parts of the suite, without account attributes:"
    return f"{opening}\n\n{table(heads, cells)}" if cells else f"{opening} not measured yet."


def _verdict(rows: list[Row]) -> str:
    """Which scenarios miss the bar of four innocents flagged, or are too small to say so."""
    headline = [row for row in rows if row["look"] == "headline"]
    over = [f"`{row['scenario']}`" for row in headline if row["innocent_flagged"] > MOST_FLAGGED]
    small = [row for row in headline if row["innocent_accounts"] < ENOUGH]
    out = f"The bar for false alarms is {MOST_FLAGGED} innocents of {ENOUGH:,} a scenario. " + (
        "More were flagged in " + ", ".join(over) + "." if over else "No scenario flagged more."
    )
    if small:
        out += f" {len(small)} of {len(headline)} scenarios haven't reached {ENOUGH:,} innocents yet."
    return out


def _laws(laws: dict[str, dict[str, float]], table: Callable[[list[str], list[list[str]]], str]) -> str:
    """How often each kind of evidence speaks against groups without a ring account."""
    groups = int(next(iter(laws.values()))["groups"]) if laws else 0
    opening = (
        f"What each kind of evidence said of {groups:,} groups that were proposed and hold no account of a ring (all "
        "parts, everything in view): how often so many nats for a campaign, and its mean likelihood ratio, which is "
        "1 at most where its law holds."
    )
    rows = [
        [
            f"`{name}`",
            *(f"{law[f'at_{nats}'] / groups:.1%}" for nats in (1, 2, 3)),
            f"{law['mean_ratio']:.2f}",
        ]
        for name, law in laws.items()
    ]
    return f"{opening}\n\n{table(['evidence', '1 nat', '2 nats', '3 nats', 'mean ratio'], rows)}"
