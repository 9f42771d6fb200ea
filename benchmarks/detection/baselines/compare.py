"""All baselines on one world: recall where as many innocents are flagged as Headwater flags, and at 1% of them.

python benchmarks/detection/baselines/compare.py out/worlds/hydra-1-1 --allowed 1 [--out FILE] [--only NAME …]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scoring import Truth, share
from variants import spooled

from baselines import BASELINES, Log, Method, lowest, thresholded
from baselines.log import Bools, Scored

#: The share of innocents that may be flagged in the second comparison.
RATE = 0.01


def at(scored: Scored, ring: Bools, allowed: int) -> dict[str, Any]:
    """What a method finds when at most `allowed` innocents may be flagged; groups hold five accounts or more."""
    flagged = thresholded(scored.scores, ~ring, allowed)
    hit = int((flagged & ring).sum())
    groups = scored.groups(lowest(scored.scores, ~ring, allowed), 5)
    return {
        "allowed": allowed,
        "innocent_flagged": int((flagged & ~ring).sum()),
        "ring_flagged": hit,
        "recall": share(hit, int(ring.sum())),
        "precision": share(hit, int(flagged.sum())),
        "groups": len(groups),
        "mostly_innocent_groups": sum(2 * int(ring[group].sum()) <= len(group) for group in groups),
    }


def compared(
    log: Log, truth: Truth, allowed: int, methods: Mapping[str, Method] = BASELINES
) -> dict[str, dict[str, Any]]:
    """Method → its finds at `allowed` innocents (as many as Headwater flags here) and at `RATE`, AUC, and seconds."""
    ring = np.array([name in truth.rings for name in log.names])
    innocents = int((~ring).sum())
    out: dict[str, dict[str, Any]] = {}
    _ = log.content, log.order  # so that no method pays for what all need
    for name, method in methods.items():
        began = time.monotonic()
        scored = method(log)
        out[name] = {
            "matched": at(scored, ring, allowed),
            "at_rate": at(scored, ring, int(RATE * innocents)),
            "auc": auc(scored.scores, ring),
            "seconds": round(time.monotonic() - began, 1),
        }
    return out


def auc(scores: np.ndarray[Any, Any], ring: Bools) -> float | None:
    """Chance that a ring account scores above an innocent one, ties counting half; None without both."""
    from scipy.stats import rankdata

    inside, outside = int(ring.sum()), int((~ring).sum())
    if not inside or not outside:
        return None
    return float((rankdata(scores)[ring].sum() - inside * (inside + 1) / 2) / (inside * outside))


def main() -> int:
    """Measure one world and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("world", type=Path, help="a folder that `headwater simulate` wrote")
    parser.add_argument("--allowed", type=int, default=0, help="innocents that Headwater flags in this world")
    parser.add_argument("--only", action="append", choices=list(BASELINES))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with spooled(asked.world / "exchanges.parquet") as (spool, _):
        log = Log.read(spool)
    print(f"{asked.world.name}: {len(log.account):,} exchanges, {log.accounts:,} accounts", file=sys.stderr)
    chosen = {name: BASELINES[name] for name in asked.only or BASELINES}
    found = compared(log, Truth.read(asked.world), asked.allowed, chosen)
    print(f"{'method':<20}{'recall, matched':>16}{'recall, 1%':>12}{'AUC':>7}{'groups':>8}{'seconds':>9}")
    for name, one in found.items():
        shares = [one["matched"]["recall"], one["at_rate"]["recall"], one["auc"]]
        cells = ["—" if value is None else f"{value:.3f}" for value in shares]
        groups = one["at_rate"]["groups"]
        print(f"{name:<20}{cells[0]:>16}{cells[1]:>12}{cells[2]:>7}{groups:>8}{one['seconds']:>9}")
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
