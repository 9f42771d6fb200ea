"""Logs for the cluster's tests, as partitioned Parquet, and how two investigations of one are compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.explain import dumps
from headwater.investigation import Investigation
from headwater.simulate import Corpora, simulate
from simulate.builders import corpora_folder
from simulate.swapping import on_invented

DAY_US = 86_400_000_000
#: Of which size a world of this scale is (exchanges).
SCALE, ROWS = 1.36, 200_000


def by_day(table: pa.Table, folder: Path, **options: Any) -> Path:
    """The table in files `day=2026-09-07/part.parquet`, rows as they came."""
    days = pc.strftime(table.column("at"), "%Y-%m-%d")
    for day in sorted(set(days.to_pylist())):
        place = folder / f"day={day}"
        place.mkdir(parents=True)
        pq.write_table(table.filter(pc.equal(days, day)), place / "part.parquet", **options)
    return folder


def large(folder: Path) -> tuple[Path, Path]:
    """A simulated log of ROWS exchanges with rings, by day, with broken and repeated rows; its accounts."""
    world = simulate(on_invented("reasoning_harvest"), Corpora.find(corpora_folder(folder)), scale=SCALE)
    table = world.exchanges
    again = table.slice(0, table.num_rows // 100).slice(3)
    log = by_day(pa.concat_tables([table, again]), folder / "log")
    rows = [{"id": f"torn-{at}", "account": "a", "prompt": "no time"} for at in range(7)]
    (log / "broken.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "torn {\n", "utf-8")
    pq.write_table(world.accounts, folder / "accounts.parquet")
    return log, folder / "accounts.parquet"


def told(found: Investigation) -> dict[str, Any]:
    """The findings, without what machines and the places of files decide."""
    out: dict[str, Any] = json.loads(dumps(found.findings))
    for name in ("seconds", "peak_bytes"):
        out.pop(name, None)
    return out


def strength(found: Investigation) -> dict[frozenset[str], tuple[float, float]]:
    """Log odds and probability of each ring, reported or considered, by its members."""
    rings = (*found.campaigns, *found.findings.considered)
    return {frozenset(m.account for m in r.members): (r.log_odds, r.probability) for r in rings}
