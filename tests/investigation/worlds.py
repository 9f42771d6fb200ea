"""A small world with one ring, cut from the bundled sample, and how two investigations of it are compared.

The threshold is low: these tests ask whether the same traffic gives the same answer, not how sure the answer is.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import headwater
from headwater.detect import DetectSettings
from headwater.engine import Resources
from headwater.explain import dumps
from headwater.investigation import Investigation, ReadSettings, Settings
from house.source import ROOT

SAMPLE = ROOT / "examples" / "sample"
SETTINGS = Settings(detect=DetectSettings(threshold=0.5), engine=Resources(threads=1))
HIDDEN = replace(SETTINGS, read=ReadSettings(imprints_only=True))


@cache
def exchanges() -> pa.Table:
    """All traffic of the sample's larger ring, and that of every sixth other account (some 5,000 rows)."""
    truth = pq.read_table(SAMPLE / "_truth_accounts.parquet").to_pylist()
    kept = [
        row["account"]
        for at, row in enumerate(truth)
        if row["ring"] == "reasoning" or (not row["ring"] and at % 6 == 0)
    ]
    table = pq.read_table(SAMPLE / "exchanges.parquet")
    return table.filter(pc.is_in(table["account"], pa.array(kept))).combine_chunks()


@cache
def accounts() -> pa.Table:
    """The sample's account table."""
    return pq.read_table(SAMPLE / "accounts.parquet")


@cache
def plain() -> Investigation:
    """The small world, investigated as it is."""
    return headwater.investigate(exchanges(), accounts(), settings=SETTINGS)


def shuffled(table: pa.Table, seed: int) -> pa.Table:
    """The rows of a table in another order."""
    order = list(range(table.num_rows))
    random.Random(seed).shuffle(order)
    return table.take(pa.array(order))


def verdicts(found: Investigation) -> bytes:
    """`campaigns.json` without what a run's machine and files decide."""
    told = json.loads(dumps(found.findings))
    for name in ("seconds", "peak_bytes"):
        del told[name]
    del told["log"]["sources"]
    return json.dumps(told, indent=1).encode()


def members(found: Investigation) -> list[frozenset[str]]:
    """The accounts of each campaign, strongest campaign first."""
    return [frozenset(m.account for m in ring.members) for ring in found.campaigns]


def attributed(found: Investigation) -> set[str]:
    """Ids of all exchanges that are attributed to a campaign."""
    table = found.exchanges().read_all()
    return set(table.filter(table["attributed"])["id"].to_pylist())


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as JSON holds them: times as text, columns without a value left out."""
    return [
        {name: value for name, value in {**row, "at": row["at"].isoformat()}.items() if value is not None}
        for row in table.to_pylist()
    ]


def jsonl(path: Path, records: list[Any]) -> Path:
    """Write records as JSON lines."""
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
    return path
