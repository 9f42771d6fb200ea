"""The list of runs on the score side: when, of which commit, why, and what came out; one line for each, never changed.

Figures of a side that was looked at often are tuned to it. The list shows how often that was.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

HEADS = (
    "date",
    "commit",
    "reason",
    "worlds",
    "ring accounts found",
    "ring accounts",
    "innocents flagged",
    "innocents",
    "worlds with a false ring",
    "bars met",
    "bars",
)


def append(path: Path, date: str, commit: str, reason: str, found: Mapping[str, Any], worlds: int) -> None:
    """Add a run to the list at `path`, which begins with its heads; figures are without account attributes."""
    rows = [row for row in found["rows"] if row["look"] == "headline"]
    keys = (
        "ring_flagged",
        "ring_accounts",
        "innocent_flagged",
        "innocent_accounts",
        "worlds_with_a_false_ring",
    )
    figures = [worlds, *(sum(row[key] for row in rows) for key in keys)]
    figures += [sum(bar["met"] is True for bar in found["bars"]), len(found["bars"])]
    cells = [" ".join(text.split()) for text in (date, commit, reason)] + [str(figure) for figure in figures]
    new = not path.exists()
    with path.open("a", encoding="utf-8") as lines:
        if new:
            lines.write("\t".join(HEADS) + "\n")
        lines.write("\t".join(cells) + "\n")
