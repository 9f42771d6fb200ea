"""The README's figures: one row a ring, the false alarms of all scenarios, and every bar with its reason."""

from __future__ import annotations

from typing import Any

from wording import NOT_YET, Table, lacking, span, told

Row = dict[str, Any]
#: The bin of probabilities in which calibration is asked for.
RIGHT = (0.85, 0.95)
HEADS = [
    "ring (constructed)",
    "found, everything in view",
    "without account data",
    "nor templates¹",
    "attributed exchanges: F1",
]


def section(found: Row, scale: Row | None, people: Row | None, table: Table) -> str:
    """The README's part; `scale` and `people` are the figures of a million exchanges and of real accounts."""
    rows = [row for row in found["rows"] if row["part"] == "alarms"]
    by_look = {(row["scenario"], row["look"]): row for row in rows}
    names = sorted({row["scenario"] for row in rows if row["ring_accounts"]})
    recalls = [
        [
            f"`{name}`",
            *(_recall(by_look.get((name, look))) for look in ("everything", "headline", "neither")),
            _f1(by_look.get((name, "headline"))),
        ]
        for name in names
    ]
    meaning = (
        "¹ The share of a ring's accounts that are named in a reported campaign. *Without account data*: no account "
        "table, address, user agent, TLS or HTTP fingerprint. *Nor templates*: without the evidence that looks at "
        "them, too."
    )
    said = [_alarms(rows), *_quiet(found), _calibration(found), _people(people), _scale(scale), _where(found)]
    return "\n\n".join(
        [table(HEADS, recalls), meaning, " ".join(filter(None, said)), _bars(found["bars"], table)]
    )


def _recall(row: Row | None) -> str:
    return NOT_YET if row is None else f"{told(row['recall'])} ({row['worlds']} worlds)"


def _f1(row: Row | None) -> str:
    return "–" if row is None or row["exchange_f1"] is None else f"{row['exchange_f1']:.2f}"


def _alarms(rows: list[Row]) -> str:
    mine = [row for row in rows if row["look"] == "headline"]
    hit, of, worlds = (
        sum(row[key] for row in mine) for key in ("innocent_flagged", "innocent_accounts", "worlds")
    )
    return (
        f"**Innocents flagged** without account data: {hit:,} of {of:,} in {worlds:,} worlds of {len(mine)} "
        "scenarios."
    )


def _quiet(found: Row) -> list[str]:
    return [
        f"Large worlds without a ring: {row['worlds_with_a_false_ring']} of {row['worlds']} report one "
        f"({row['innocent_flagged']:,} of {row['innocent_accounts']:,} accounts)."
        for row in found["rows"]
        if row["part"] == "quiet" and row["look"] == "headline"
    ]


def _calibration(found: Row) -> str:
    (cell,) = [cell for cell in found["calibration"]["bins"] if (cell["from"], cell["to"]) == RIGHT]
    if not cell["verdicts"]:
        return ""
    return (
        f"**Calibration**: of {cell['verdicts']:,} verdicts between {told(cell['from'])} and {told(cell['to'])}, "
        f"{told(cell['share'])} ({span(cell['share_95'])}) were right."
    )


def _people(people: Row | None) -> str:
    if not people:
        return ""
    log = people["logs"][-1]
    return (
        f"**Real accounts** (commit messages of {log['accounts']:,} people at their own times, {log['projects']} "
        f"projects): {log['reported']} campaigns reported, {log['flagged']} accounts flagged."
    )


def _scale(scale: Row | None) -> str:
    if not scale:
        return ""
    run = scale["end_to_end"]
    return (
        f"**Size**: {scale['material']['exchanges']:,} exchanges end to end take {run['wall_s']:.0f} s and "
        f"{run['peak_gib']:.1f} GiB ({scale['machine']}, load {scale['load_before'][0]})."
    )


def _where(found: Row) -> str:
    return (
        f"{lacking(found)}Measured at {found['revision']} on {found['date']}; eleven published methods beside, an "
        "oracle, ablations, camouflage and how labels were made: [figures](docs/reference/figures.md)."
    )


def _bars(bars: list[Row], table: Table) -> str:
    words = {True: "yes", False: "**no**", None: "not measured"}
    met = sum(bar["met"] is True for bar in bars)
    rows = [[bar["asked"], bar["measured"], words[bar["met"]], bar["why"]] for bar in bars]
    return (
        f"<details><summary>What was asked before it was measured: {met} of {len(bars)} bars are met</summary>\n\n"
        f"{table(['asked', 'measured', 'met', 'why not'], rows)}\n\n</details>"
    )
