"""One world seen four ways: with everything, without account attributes, without templates, without either.

The first two go through `headwater.investigate` on Parquet files, as a user would; leaving evidence out has no place
in that call, so the other two are composed from the rooms below it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import headwater
from headwater import intake
from headwater.detect import Campaign, DetectSettings, campaigns, detect, load
from headwater.engine import Index, Resources, Spool, arrange
from headwater.exchange import SetAside, read, read_accounts
from headwater.keys import DEMO_KEY

#: Columns of an exchange that the simulation invents beside prompt, time, account and its customer.
ATTRIBUTES = frozenset({"ip", "user_agent", "tls", "ja4h", "http2", "header_order"})
#: Evidence that looks for a shared form: the template itself and its disjoint slots.
TEMPLATES = ("template", "dealt")
VARIANTS = ("everything", "no attributes", "no templates", "neither")


@dataclass(frozen=True)
class Seen:
    """What one look at a world said: reported campaigns, rings expected by chance, ids of attributed exchanges."""

    campaigns: tuple[Campaign, ...]
    considered: int
    chance_total: float
    attributed: set[str]


def without_attributes(world: Path, folder: Path) -> Path:
    """The world's log without its invented columns and organisations, as a Parquet file in `folder`."""
    path, left_out = folder / "bare.parquet", ATTRIBUTES | {"organisation"}
    names = [n for n in pq.read_schema(world / "exchanges.parquet").names if n not in left_out]
    pq.write_table(pq.read_table(world / "exchanges.parquet", columns=names), path, compression="lz4")
    return path


def by_the_public_call(log: Path, accounts: Path | None) -> Seen:
    """`headwater.investigate`, its findings and its table of exchanges."""
    with headwater.investigate(log, accounts) as found:
        ids: set[Any] = set()
        for batch in found.exchanges():
            ids.update(batch.column("id").filter(batch.column("attributed")).to_pylist())
        findings = found.findings
    return Seen(findings.campaigns, len(findings.considered), findings.chance_total, ids)


@contextmanager
def spooled(log: Path, threads: int = 0) -> Iterator[tuple[Spool, Index]]:
    """The log as a spool of imprints with its index, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name:
        folder, resources = Path(name), Resources(threads=threads)
        spool = Spool(folder / "spool.parquet", intake.schema(keep_prompts=False))
        with spool, SetAside() as aside:
            intake.fill(spool, read([log], aside=aside), DEMO_KEY, workers=resources.workers)
        yield spool, arrange(spool.path, spool.rows, resources, folder)


def by_the_rooms(spool: Spool, index: Index, accounts: Path | None, leave_out: Iterable[str]) -> Seen:
    """The same steps as the public call, with some evidence left out by the name on its card."""
    left_out = set(leave_out)
    evidence = [e for e in load() if e.card.name not in left_out]
    with SetAside() as aside:
        table = read_accounts([accounts], aside) if accounts else None
    detection = detect(spool, index, table, DetectSettings(), Resources(), evidence=evidence)
    reported, considered, attributed = campaigns(detection, None)
    hit = np.zeros(index.rows, bool)
    hit[detection.harvest.row[attributed]] = True
    ids: set[Any] = set()
    for batch in spool.batches(["row", "id"]):
        ids.update(batch.column("id").filter(pa.array(hit[batch.column("row").to_numpy()])).to_pylist())
    return Seen(reported, len(considered), sum(c.chance for c in reported), ids)
