"""The section of the figures page that the suite's many worlds fill: bars, false alarms and recall by scenario.

What rings of other sizes and disguises show is in `suite_strength`, error rates and the ledger in `suite_errors`, the
pictures in `suite_pictures`. A part that a summary lacks says that it wasn't measured.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import suite_errors
import suite_pictures
import suite_strength
from wording import NOT_YET, Table, lacking, told

Row = dict[str, Any]
LOOKS = {
    "everything": "everything",
    "headline": "no account attributes",
    "neither": "nor templates",
    "bare": "nor attributes, nor organisations",
}


def section(found: Row, table: Table) -> str:
    """All that the suite measured, worded; `table` makes Markdown of heads and rows."""
    rows = [row for row in found["rows"] if row["part"] == "alarms"]
    parts = [
        _opening(found, rows),
        _bars(found.get("bars", []), table),
        f"### False alarms by scenario\n\n{_alarms(rows, table)}",
        f"### Ring accounts found by scenario\n\n{_recall(rows, found.get('oracle', []), table)}",
        *suite_strength.parts(found, table),
        *suite_errors.parts(found, table),
    ]
    return "\n\n".join(parts)


def draw(summary: Path, folder: Path) -> None:
    """Write the pictures of a summary beside the page, where there is one."""
    if summary.exists():
        found = json.loads(summary.read_text(encoding="utf-8"))
        for name, picture in suite_pictures.pictures(found).items():
            (folder / name).write_text(picture, encoding="utf-8")


def _opening(found: Row, rows: list[Row]) -> str:
    worlds = max((row["worlds"] for row in rows), default=0)
    side = (
        "Score-side scenarios ran on stand-in corpora of the *tune* side; no score file was opened."
        if found["side"] == "tune"
        else "Score side."
    )
    return (
        f"Version {found['version']} ({found['revision']}), {found['date']}. {lacking(found)}Every packaged "
        f"scenario in up to {worlds} worlds, constructed labels. {side} *Organisations* are what the operator knows of "
        "its own customers, so they stay in all looks but the last. *Others* is the share of exchanges on ring "
        "accounts that aren't harvest and were attributed all the same. Intervals are at 95%: of innocents by "
        "customer (an organisation, an event, or an account of neither; exact), of recall by whole worlds drawn again."
    )


def _bars(bars: list[Row], table: Table) -> str:
    if not bars:
        return f"### Bars\n\n{NOT_YET}"
    words = {True: "yes", False: "**no**", None: "not measured"}
    met = sum(bar["met"] is True for bar in bars)
    rows = [[bar["asked"], bar["measured"], words[bar["met"]], bar["why"]] for bar in bars]
    opening = f"{met} of {len(bars)} bars are met. Where one isn't, the figures that say so stand beside it."
    return f"### Bars\n\n{opening}\n\n{table(['asked', 'measured', 'met', 'why not'], rows)}"


def _alarms(rows: list[Row], table: Table) -> str:
    heads = ["innocents of", "worlds", *(f"flagged: {said}" for said in LOOKS.values()), "customers flagged¹"]
    out = []
    for scenario in sorted({row["scenario"] for row in rows}):
        by = {row["look"]: row for row in rows if row["scenario"] == scenario}
        first = by.get("headline", next(iter(by.values())))
        cells = [_flagged(by.get(look)) for look in LOOKS]
        out.append([f"`{scenario}`", str(first["worlds"]), *cells, _customers(first)])
    return table(heads, out) + "\n\n¹ Without account attributes; in brackets what their share is at most."


def _flagged(row: Row | None) -> str:
    if row is None:
        return "–"
    return f"{row['innocent_flagged']:,} of {row['innocent_accounts']:,}"


def _customers(row: Row) -> str:
    hit, every = (sum(shape[at] for shape in row["by_shape"].values()) for at in (2, 3))
    bound = f" ({told(row['customers_flagged_95'][1])})" if "customers_flagged_95" in row else ""
    return f"{hit:,} of {every:,}{bound}"


def _recall(rows: list[Row], oracle: list[Row], table: Table) -> str:
    heads = ["ring of", *(f"found: {said}" for said in LOOKS.values()), "interval¹", "oracle²"]
    heads += ["share of it¹", "exchange F1¹", "oracle's F1²", "others¹"]
    known = {one["scenario"]: one for one in oracle if one["part"] == "alarms"}
    out = []
    for scenario in sorted({row["scenario"] for row in rows if row["ring_accounts"]}):
        by = {row["look"]: row for row in rows if row["scenario"] == scenario}
        cells = [_found(by.get(look)) for look in LOOKS]
        first = by["headline"]
        best: Row = known.get(scenario, {})
        interval = first.get("recall_95")
        others = first["others_wrongly_attributed"]
        cells.append("–" if interval is None else f"{interval[0]:.1%}–{interval[1]:.1%}")
        cells += [told(best.get("oracle")), told(best.get("share")), f"{first['exchange_f1']:.2f}"]
        cells += [_f1(best.get("oracle_exchange_f1")), "–" if others is None else f"{others:.2%}"]
        out.append([f"`{scenario}`", *cells])
    closing = (
        "¹ Without account attributes. In brackets the least and the greatest world.\n\n² Knows how worlds are made, "
        "and no label and no account attribute; its threshold keeps the bar for false alarms."
    )
    return f"{table(heads, out)}\n\n{closing}"


def _f1(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _found(row: Row | None) -> str:
    if row is None:
        return "–"
    each = sorted(row["recall_by_world"])
    return f"{row['recall']:.1%} ({each[0]:.0%}–{each[-1]:.0%})"
