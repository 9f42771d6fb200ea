"""MMD over windows of traffic, the newest published detector (arXiv 2606.05725), on fourteen pairs of our corpora.

A window is compared with benign traffic; it belongs to nobody. So what it finds isn't a ring, and the figure to hold
beside an account's is how many exchanges one account would have to send before a window of its own is found. Attack and
benign prompts are public texts, so a window differs from benign ones by topic, as in the paper.

    HEADWATER_CORPORA=… python benchmarks/detection/mmd.py --date 2026-11-26 --revision COMMIT --out FILE \\
        [--side tune] [--work DIR] [--feature sketch] [--pages]

What a pool's windows scored is kept in --work and not computed again. The score side is for final runs only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from drift.features import FEATURES
from drift.pairs import CAMPAIGNS, POOLS, pairs, prompts
from drift.protocol import measured
from drift.summary import summarised, table

import figures
import headwater
import record
from headwater.simulate import Corpora

SEED = 1


def pool(asked: argparse.Namespace, corpora: Corpora, name: str, feature: str) -> dict[str, Any]:
    """Scores of one pool's windows against all of its campaigns; from --work where they are already there."""
    kept = asked.work / f"{asked.side}-{name}-{feature}.json"
    if kept.exists():
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    began = time.monotonic()
    mine = [pair.campaign for pair in pairs(asked.side) if pair.pool == name]
    hostile = {campaign: prompts(corpora, (campaign,), SEED) for campaign in mine}
    found = measured(prompts(corpora, POOLS[asked.side][name], SEED), FEATURES[feature], hostile, SEED)
    found["seconds"] = round(time.monotonic() - began, 1)
    print(
        f"  {name}, {feature}: {found['prompts']:,} prompts, {found['seconds']} s",
        file=sys.stderr,
        flush=True,
    )
    kept.write_text(json.dumps(found) + "\n", encoding="utf-8")
    return found


def main() -> int:
    """Measure all pools, compare, print one table for each feature."""
    parser = record.options(__doc__)
    parser.add_argument("--side", choices=list(CAMPAIGNS), default="tune")
    parser.add_argument("--work", type=Path, default=Path("out/mmd"), help="scores of finished pools")
    parser.add_argument("--feature", action="append", choices=list(FEATURES))
    asked = parser.parse_args()
    corpora = Corpora.find(None, asked.side)
    asked.work.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {
        "date": asked.date,
        "version": headwater.__version__,
        "revision": asked.revision,
        "side": asked.side,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "pairs": [pair.name for pair in pairs(asked.side)],
        "features": {},
    }
    for feature in asked.feature or FEATURES:
        found = {name: pool(asked, corpora, name, feature) for name in POOLS[asked.side]}
        told = summarised(found, pairs(asked.side))
        seconds = round(sum(one["seconds"] for one in found.values()), 1)
        result["features"][feature] = {
            **told,
            "prompts": {n: p["prompts"] for n, p in found.items()},
            "seconds": seconds,
        }
        print(table(told, feature), flush=True)
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if asked.pages:
        figures.write()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
