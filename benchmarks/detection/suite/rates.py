"""Write what was measured of each kind of evidence where the product reads it, so that a report shows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intervals import clopper_pearson

ROOT = Path(__file__).resolve().parents[3]
TARGET = ROOT / "src/headwater/detect/rates.toml"
#: Groups of a scenario below which its share isn't told.
FEWEST = 50
NATS = (1, 2, 3)


def text(laws: Mapping[str, Mapping[str, Any]], revision: str, date: str) -> str:
    """The rates as TOML, in order of names."""
    lines = [
        "# Written by benchmarks/detection/suite/rates.py; not to be edited.",
        f"# How often evidence spoke for a campaign in groups without a ring account ({revision}, {date}).",
    ]
    for name, law in sorted(laws.items()):
        groups, reached = int(law["groups"]), [int(law[f"at_{nats}"]) for nats in NATS]
        low, high = clopper_pearson(reached[0], groups)
        lines += ["", f"[{name}]", f"groups = {groups}", f"reached = {reached}"]
        lines += [f"interval = [{low:.5f}, {high:.5f}]"]
        worst = _worst(law["scenarios"])
        if worst is not None:
            lines += ['worst = ["{}", {}, {}]'.format(*worst)]
    return "\n".join(lines) + "\n"


def _worst(scenarios: Mapping[str, tuple[int, int]]) -> tuple[str, int, int] | None:
    """The scenario with the largest share of groups that reached a nat; None where none did."""
    told = [(name, hits, of) for name, (hits, of) in scenarios.items() if of >= FEWEST and hits]
    return max(told, key=lambda one: (one[1] / one[2], one[0]), default=None)


def write(found: Mapping[str, Any], target: Path = TARGET) -> None:
    """The rates of a summary, where there are any."""
    if found["laws"]:
        target.write_text(text(found["laws"], found["revision"], found["date"]), encoding="utf-8")
