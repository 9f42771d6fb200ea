"""Logs of millions of exchanges, every text told anew: worlds side by side, written by day.

Four harvests of the tune side grow with the log, and so does the number of worlds of ordinary customers around them.
Worlds are joined under names of their own and begin on one day. The same rows and seed give the same log.

    python benchmarks/scale/worlds.py --corpora DIR --work DIR --rows 16000000
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import backoff
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from million import NAMES

from headwater.simulate import Corpora, simulate
from headwater.simulate.loading import load

#: Ordinary customers with about thirty exchanges each.
_FEWER = {"innocents.0.accounts": 1900, "innocents.1.accounts": 1100, "innocents.2.accounts": 950}
#: Ordinary worlds a million exchanges, and the size of each.
QUIET, QUIET_SCALE = 6, 0.99
#: Harvests: scenario, and its scale a million exchanges. A longer log has larger rings, not more rings with one hand.
HARVESTS = (("reasoning_harvest", 2.0), ("code_harvest", 1.0), ("batch_harvest", 1.0), ("hydra", 0.03))
#: Of the customers around a harvest so many stay: the ordinary worlds have enough.
AROUND = 0.1
#: What is one customer in each world is one in all of them: two products of one law would be one queue by construction.
ONE_CUSTOMER = ("fable-bank", "table-for-two", "meridian", "labels")
#: Contents become so many times as long, so that a prompt has 600 bytes at the mean.
LONGER = 3.4
DAY_US = 86_400_000_000
#: 2026-09-07
BEGIN_US = 20_703 * DAY_US
ROWS_A_GROUP, ROWS_A_FILE = 131_072, 1_048_576


@cache
def _corpora(place: Path) -> Corpora:
    return Corpora.find(place, "tune")


@cache
def _model(place: Path, names: tuple[str, ...]) -> backoff.Model:
    from headwater.simulate.library import Library

    library = Library(_corpora(place), names)
    unit = np.repeat(np.arange(len(library.unit_start)), library.unit_length)
    topic = np.zeros(len(library.unit_start), np.int64)
    shelf = library.shelf(library.names)
    topic[shelf.units] = np.repeat(np.arange(shelf.topics), np.diff(shelf.offsets))
    return backoff.learn(library.texts, library.corpus, topic[unit], library.language)


@dataclass(frozen=True)
class Plan:
    """One world: its number gives its seed and its names."""

    number: int
    scenario: str
    scale: float
    changes: dict[str, Any]


def plans(millions: float) -> list[Plan]:
    """The worlds of a log of so many million exchanges, the largest first."""
    out = []
    for scenario, scale in HARVESTS:
        fewer: dict[str, Any] = {}
        for at, group in enumerate(load(scenario).innocents):
            for name in ("accounts", "exchanges", "end_users"):
                size = getattr(group, name)
                if size:
                    fewer[f"innocents.{at}.{name}"] = max(1, round(size * AROUND / (scale * millions)))
        for at, ring in enumerate(load(scenario).campaigns):
            fewer[f"campaigns.{at}.dispatcher.workers"] = max(
                1, round(ring.dispatcher.workers * scale * millions)
            )
        out.append(Plan(len(out), scenario, scale * millions, fewer))
    for _ in range(round(QUIET * millions) or 1):
        out.append(Plan(len(out), "quiet", QUIET_SCALE, _FEWER))
    return out


def world(place: Path, plan: Plan, folder: Path) -> tuple[int, list[int]]:
    """Simulate one world and write it by day below `folder`; exchanges, and days since BEGIN that have any."""
    number = plan.number

    def retell(library: Any, contents: Any) -> list[str]:
        return _model(place, library.names).tell(contents, LONGER, number)

    made = simulate(
        plan.scenario,
        _corpora(place),
        seed=5000 + number,
        scale=plan.scale,
        override=plan.changes,
        retell=retell,
    )
    population = dict(
        zip(*(made.truth.accounts.column(c).to_pylist() for c in ("account", "population")), strict=True)
    )
    log, accounts = (_one_customer(table, population) for table in (made.exchanges, made.accounts))
    log, accounts, truth = (_renamed(table, number) for table in (log, accounts, made.truth.accounts))
    late = BEGIN_US - pc.min(log.column("at").cast(pa.int64())).as_py() // DAY_US * DAY_US
    log = _later(log, "at", late)
    day = (log.column("at").cast(pa.int64()).to_numpy() - BEGIN_US) // DAY_US
    for one in np.unique(day).tolist():
        some = log.filter(pa.array(day == one))
        pq.write_table(some, folder / f"{one:03d}-{number:04d}.parquet", compression="lz4")
    for name in {"created_at", "held_at"} & set(accounts.schema.names):
        accounts = _later(accounts, name, late)
    pq.write_table(accounts, folder / f"accounts-{number:04d}.parquet")
    pq.write_table(truth, folder / f"truth-{number:04d}.parquet")
    return log.num_rows, np.unique(day).tolist()


def _later(table: pa.Table, name: str, late: int) -> pa.Table:
    at, field = table.schema.get_field_index(name), table.schema.field(name)
    return table.set_column(at, field, pc.add(table.column(name).cast(pa.int64()), late).cast(field.type))


def _one_customer(table: pa.Table, population: dict[Any, Any]) -> pa.Table:
    """The table with organisations named as those that are one customer in all worlds."""
    at = table.schema.get_field_index("organisation")
    if at < 0:
        return table
    pairs = zip(table.column("account").to_pylist(), table.column("organisation").to_pylist(), strict=True)
    names = [f"={population[a]}" if population[a] in ONE_CUSTOMER else o for a, o in pairs]
    return table.set_column(at, table.schema.field(at), pa.array(names, table.schema.field(at).type))


def _renamed(table: pa.Table, number: int) -> pa.Table:
    for name in (*NAMES, "ring"):
        at = table.schema.get_field_index(name)
        if at >= 0:
            told = table.column(name)
            mine: Any = pc.binary_join_element_wise(pa.scalar(f"w{number}"), told, "-")
            if name == "organisation":
                mine = pc.if_else(pc.starts_with(told, "="), told, mine)
            table = table.set_column(at, table.schema.field(at), mine)
    return table


def generate(place: Path, rows: int, folder: Path, processes: int) -> None:
    """Write `folder`/exchanges/day=…/part-N.parquet in order of time, accounts.parquet and truth.parquet."""
    scratch = folder.with_name(f"{folder.name}.undone")
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "raw").mkdir(parents=True)
    have, days = 0, set[int]()
    worlds = plans(rows / 1e6)
    with ProcessPoolExecutor(processes) as pool:
        jobs = [pool.submit(world, place, plan, scratch / "raw") for plan in worlds]
        for number, job in enumerate(jobs):
            count, some = job.result()
            have, days = have + count, days | set(some)
            print(f"{number + 1} of {len(worlds)} worlds, {have:,} exchanges", file=sys.stderr, flush=True)
    left = rows
    for day in sorted(days):
        left -= _day(scratch, day, left)
    for name in ("accounts", "truth"):
        parts = [pq.read_table(path) for path in sorted((scratch / "raw").glob(f"{name}-*.parquet"))]
        pq.write_table(pa.concat_tables(parts), scratch / f"{name}.parquet", compression="zstd")
    shutil.rmtree(scratch / "raw")
    scratch.rename(folder)


def _day(scratch: Path, day: int, most: int) -> int:
    """Put a day's exchanges of all worlds in order of time, at most so many; the rows written."""
    paths = sorted((scratch / "raw").glob(f"{day:03d}-*.parquet"))
    table = pa.concat_tables([pq.read_table(path) for path in paths])
    order = pc.sort_indices(table.select(["at", "id"]), [("at", "ascending"), ("id", "ascending")])[:most]
    name = np.datetime_as_string(np.datetime64(BEGIN_US + day * DAY_US, "us"), "D")
    place = scratch / "exchanges" / f"day={name}"
    place.mkdir(parents=True)
    for at, part in enumerate(_pieces(order)):
        pq.write_table(
            table.take(part), place / f"part-{at}.parquet", compression="zstd", row_group_size=ROWS_A_GROUP
        )
    for path in paths:
        path.unlink()
    return len(order)


def _pieces(order: Any) -> Iterator[Any]:
    for at in range(0, len(order), ROWS_A_FILE):
        yield order.slice(at, ROWS_A_FILE)


def main() -> None:
    """Generate one log."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", type=Path, default=os.environ.get("HEADWATER_CORPORA"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    generate(asked.corpora, asked.rows, asked.work / f"log-{asked.rows}", asked.processes)


if __name__ == "__main__":
    main()
