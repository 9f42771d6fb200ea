"""False alarms on real accounts: people's commit messages and their times, as if they were prompts.

Nobody there is a ring, so whatever is reported is a false alarm. The tune side only; bots are left out. Only figures
leave: the corpus is pseudonymous.

    HEADWATER_CORPORA=… python benchmarks/detection/real_accounts.py --date 2026-11-26 [--out FILE] [--pages]
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pace import TUNE

import headwater
import record
from headwater.exchange.times import EARLIEST_US


def log(root: Path, projects: tuple[str, ...]) -> pa.Table:
    """Messages of people as exchanges, from 2015 on: earlier times are taken for faults of a log."""
    rows: list[tuple[str, int, str, str]] = []
    for project in projects:
        path = root / "accounts/git_commits/messages" / f"{project.replace('/', '__')}.jsonl.gz"
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                row = json.loads(line)
                if row["kind"] == "human" and row["t"] * 1_000_000 >= EARLIEST_US:
                    rows.append((f"{project}-{number}", row["t"] * 1_000_000, row["account"], row["text"]))
    ids, times, accounts, texts = zip(*rows, strict=True)
    at = pa.array(times, pa.timestamp("us", "UTC"))
    return pa.table({"id": ids, "at": at, "account": accounts, "prompt": texts})


def measured(root: Path, projects: tuple[str, ...]) -> dict[str, Any]:
    """What one log of these projects gives, by the public call."""
    with headwater.investigate(log(root, projects)) as found:
        findings = found.findings
        return {
            "projects": len(projects),
            "log": projects[0] if len(projects) == 1 else "all of them as one log",
            "exchanges": findings.log.exchanges,
            "accounts": findings.log.accounts,
            "reported": len(findings.campaigns),
            "flagged": sum(len(ring.members) for ring in findings.campaigns),
            "strongest": max((ring.probability for ring in findings.considered), default=0.0),
        }


def main() -> int:
    """Measure and print."""
    parser = record.options(__doc__)
    asked = parser.parse_args()
    if "HEADWATER_CORPORA" not in os.environ:
        parser.error("HEADWATER_CORPORA names no folder of corpora")
    root = Path(os.environ["HEADWATER_CORPORA"])
    result = {
        "date": asked.date,
        "version": headwater.__version__,
        "revision": asked.revision,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "logs": [measured(root, (project,)) for project in TUNE] + [measured(root, TUNE)],
    }
    record.keep(result, asked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
