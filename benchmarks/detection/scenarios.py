"""Recall and false positives on the packaged scenarios: simulate, investigate, score, beside two simple rules.

Runs on the tune side only. Labels are constructed, so a figure says how a method fares in this construction. Whatever
comes out is written, good or bad.

    python benchmarks/detection/scenarios.py --corpora DIR --seeds 3 --out benchmarks/detection/scenarios.json \\
        --date 2026-01-31 [--pages] [--scale 1.0] [--scenario NAME …] [--work DIR] [--resume]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import scoring
from baselines import rate_rule, template_join
from intervals import clopper_pearson, clustered
from scoring import Truth
from variants import TEMPLATES, VARIANTS, Seen, by_the_public_call, by_the_rooms, spooled, without_attributes

import headwater
from headwater.simulate import Corpora, simulate, write

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import figures

SCENARIOS = ("reasoning_harvest", "hydra", "quiet")
RULES = ("busiest accounts", "shared skeleton", "shared opening")


def world_of(scenario: str, seed: int, scale: float, corpora: Path, work: Path) -> Path:
    """The folder of this world, simulated if it isn't there yet."""
    folder = work / f"{scenario}-{seed}-{scale:g}"
    if not (folder / "_scenario.json").exists():
        write(simulate(scenario, Corpora.find(corpora, "tune"), seed, scale), folder)
    return folder


def scored(truth: Truth, seen: Seen, seconds: float, seed: int) -> dict[str, Any]:
    """One look at one world as figures."""
    members = [[m.account for m in c.members] for c in seen.campaigns]
    return {
        **scoring.accounts(truth, (name for ring in members for name in ring), seed),
        **scoring.exchanges(truth, seen.attributed),
        "rings_reported": len(members),
        "false_rings": scoring.false_rings(truth, members),
        "considered": seen.considered,
        "chance_total": seen.chance_total,
        "rings": [
            {
                "word": c.word,
                "kind": c.kind,
                "chance": c.chance,
                "members": len(ring),
                "of_rings": sum(name in truth.rings for name in ring),
                "evidence": {p.evidence: round(p.llr, 2) for p in c.pieces if p.counted},
            }
            for c, ring in zip(seen.campaigns, members, strict=True)
        ],
        "seconds": round(seconds, 1),
    }


def looks(world: Path, truth: Truth, seed: int) -> dict[str, dict[str, Any]]:
    """Headwater's four looks at a world, then the simple rules, all scored alike."""
    log, accounts = world / "exchanges.parquet", world / "accounts.parquet"
    out: dict[str, dict[str, Any]] = {}

    def timed(name: str, look: Any) -> None:
        began = time.monotonic()
        seen = look()
        out[name] = scored(truth, seen, time.monotonic() - began, seed)
        told = {k: out[name][k] for k in ("recall", "innocent_flagged", "exchange_f1", "rings_reported")}
        print(f"  {name}: {told} {out[name]['seconds']} s", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as scratch:
        bare = without_attributes(world, Path(scratch))
        timed(VARIANTS[0], lambda: by_the_public_call(log, accounts))
        timed(VARIANTS[1], lambda: by_the_public_call(bare, None))
        with spooled(bare) as (spool, index):
            timed(VARIANTS[3], lambda: by_the_rooms(spool, index, None, TEMPLATES))
    with spooled(log) as (spool, index):
        timed(VARIANTS[2], lambda: by_the_rooms(spool, index, accounts, TEMPLATES))
        flagged = {f"shared {part}": template_join(spool, part) for part in ("skeleton", "opening")}
    table = pq.read_table(log, columns=["id", "account", "at"])
    rule, *busiest = rate_rule(table, truth, out[VARIANTS[0]]["innocent_flagged"])
    for name, (who, which) in {"busiest accounts": busiest, **flagged}.items():
        out[name] = {**scoring.accounts(truth, who, seed), **scoring.exchanges(truth, which)}
    out["busiest accounts"]["rate"] = rule
    return out


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The runs of one scenario and one method over all seeds: shares as [median, least, greatest]."""
    flagged, innocent = (sum(r[k] for r in runs) for k in ("innocent_flagged", "innocent_accounts"))
    kinds = np.concatenate([np.array(r["clusters"], np.int64).reshape(-1, 3) for r in runs])
    table = np.repeat(kinds[:, :2], kinds[:, 2], axis=0)
    low, high = clustered(table[:, 0], table[:, 1], seed=0)
    out: dict[str, Any] = {
        "worlds": len(runs),
        "innocent_flagged": flagged,
        "innocent_accounts": innocent,
        "innocent_rate": scoring.share(flagged, innocent),
        "innocent_rate_95": [low, high],
    }
    for key in ("recall", "precision", "exchange_precision", "exchange_recall", "exchange_f1"):
        values = [r[key] for r in runs if r[key] is not None]
        out[key] = [float(np.median(values)), min(values), max(values)] if values else None
    if "rings_reported" in runs[0]:
        wrong = sum(r["false_rings"] > 0 for r in runs)
        out |= {
            "rings_reported": [r["rings_reported"] for r in runs],
            "false_rings": [r["false_rings"] for r in runs],
            "chance_total": [r["chance_total"] for r in runs],
            "worlds_with_a_false_ring": wrong,
            "worlds_with_a_false_ring_95": list(clopper_pearson(wrong, len(runs))),
        }
    return out


def summed(worlds: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Scenario → method → summary over seeds."""
    out: dict[str, dict[str, Any]] = {}
    for scenario in dict.fromkeys(w["scenario"] for w in worlds):
        mine = [w["looks"] for w in worlds if w["scenario"] == scenario]
        out[scenario] = {name: summary([m[name] for m in mine]) for name in mine[0]}
    return out


def one(scenario: str, seed: int, asked: argparse.Namespace, work: Path) -> dict[str, Any]:
    """One world with all that was measured on it."""
    folder = world_of(scenario, seed, asked.scale, asked.corpora, work)
    card = json.loads((folder / "_scenario.json").read_text(encoding="utf-8"))
    print(f"{scenario} seed {seed}: {card['exchanges']:,} exchanges", file=sys.stderr, flush=True)
    found = looks(folder, Truth.read(folder), seed)
    for look in found.values():
        # Kinds of clusters suffice to draw them again: [flagged, accounts, how many such customers].
        kinds, count = np.unique(look.pop("_clusters"), axis=0, return_counts=True)
        look["clusters"] = np.column_stack([kinds, count]).tolist()
    kept = (
        "title",
        "exchanges",
        "harvest_exchanges",
        "accounts",
        "accounts_by_role",
        "corpora",
        "constructed",
    )
    return {
        "scenario": scenario,
        "seed": seed,
        "scale": asked.scale,
        "card": {key: card[key] for key in (*kept, "corpus_auc", "author") if key in card},
        "looks": found,
    }


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", type=Path, default=os.environ.get("HEADWATER_CORPORA"))
    parser.add_argument("--seeds", type=int, default=3, help="seeds 1 to N")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="keep the simulated worlds here")
    parser.add_argument("--resume", action="store_true", help="keep what --out already holds")
    parser.add_argument("--date", required=True, help="the day of the run, as it should be printed")
    parser.add_argument("--revision", default="", help="the commit that is measured")
    parser.add_argument("--pages", action="store_true", help="write docs/reference/figures.md and README too")
    asked = parser.parse_args()
    if not asked.corpora:
        parser.error("set HEADWATER_CORPORA or give --corpora")
    return asked


def store(asked: argparse.Namespace, worlds: list[dict[str, Any]]) -> None:
    """Write all that was measured so far."""
    result = {
        "version": headwater.__version__,
        "revision": asked.revision,
        "date": asked.date,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "summary": summed(worlds),
        "worlds": worlds,
    }
    asked.out.write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Every scenario with every seed; the file is written after each world."""
    asked = options()
    done = json.loads(asked.out.read_text())["worlds"] if asked.resume and asked.out.exists() else []
    have = {(w["scenario"], w["seed"], w["scale"]) for w in done}
    with tempfile.TemporaryDirectory(prefix="headwater-worlds-") as scratch:
        for scenario in asked.scenario or SCENARIOS:
            for seed in range(1, asked.seeds + 1):
                if (scenario, seed, asked.scale) not in have:
                    done.append(one(scenario, seed, asked, asked.work or Path(scratch)))
                    store(asked, done)
    store(asked, done)
    if asked.pages:
        figures.write()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
