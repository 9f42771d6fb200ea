"""Logs of millions of exchanges, every text told anew: worlds side by side, written by day.

A million exchanges are one unit of nine worlds of the tune side: three harvests, a net of small accounts, and ordinary
customers. Worlds are joined under names of their own and begin on one day. The same rows and seed give the same log.

    python benchmarks/scale/worlds.py --corpora DIR --work DIR --rows 16000000
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import backoff
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.simulate import Corpora, simulate

#: Fewer accounts with as many exchanges each: about 32 a head, as in the public case's neighbourhood.
_FEWER = {"innocents.0.accounts": 1100, "innocents.1.accounts": 700, "innocents.2.accounts": 600}
#: Scenario, scale and changes of each world of a unit.
UNIT: tuple[tuple[str, float, dict[str, Any]], ...] = (
    ("reasoning_harvest", 1.0, {}),
    ("quiet", 1.05, _FEWER),
    ("code_harvest", 1.0, {}),
    ("quiet", 1.05, _FEWER),
    ("batch_harvest", 1.0, {}),
    ("quiet", 1.05, _FEWER),
    ("reasoning_harvest", 1.0, {}),
    ("hydra", 0.03, {}),
    ("quiet", 1.05, _FEWER),
)
#: Contents become so many times as long, so that a prompt has 600 bytes at the mean.
LONGER = 3.4
#: Columns whose values must not meet across joined worlds.
NAMES = ("id", "account", "organisation", "conversation", "payment", "device", "phone")
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


def world(place: Path, number: int, folder: Path) -> tuple[int, list[int]]:
    """Simulate one world and write it by day below `folder`; exchanges, and days since BEGIN that have any."""
    scenario, scale, changes = UNIT[number % len(UNIT)]

    def retell(library: Any, contents: Any) -> list[str]:
        return _model(place, library.names).tell(contents, LONGER, number)

    made = simulate(
        scenario, _corpora(place), seed=5000 + number, scale=scale, override=changes, retell=retell
    )
    log, accounts, truth = (
        _renamed(table, number) for table in (made.exchanges, made.accounts, made.truth.accounts)
    )
    times = log.column("at").cast(pa.int64())
    late = BEGIN_US - pc.min(times).as_py() // DAY_US * DAY_US
    log = log.set_column(
        log.schema.get_field_index("at"), "at", pc.add(times, late).cast(log.schema.field("at").type)
    )
    day = (pc.add(times, late).to_numpy() - BEGIN_US) // DAY_US
    for one in np.unique(day).tolist():
        pq.write_table(
            log.filter(pa.array(day == one)), folder / f"{one:03d}-{number:04d}.parquet", compression="lz4"
        )
    # Dates of accounts move with the log.
    for name in ("created_at", "held_at"):
        at = accounts.schema.get_field_index(name)
        if at >= 0:
            moved = pc.add(accounts.column(name).cast(pa.int64()), late).cast(
                accounts.schema.field(name).type
            )
            accounts = accounts.set_column(at, name, moved)
    pq.write_table(accounts, folder / f"accounts-{number:04d}.parquet")
    pq.write_table(truth, folder / f"truth-{number:04d}.parquet")
    return log.num_rows, np.unique(day).tolist()


def _renamed(table: pa.Table, number: int) -> pa.Table:
    for name in (*NAMES, "ring"):
        at = table.schema.get_field_index(name)
        if at >= 0:
            mine: Any = pc.binary_join_element_wise(pa.scalar(f"w{number}"), table.column(name), "-")
            table = table.set_column(at, table.schema.field(at), mine)
    return table


def generate(place: Path, rows: int, folder: Path, processes: int) -> None:
    """Write `folder`/exchanges/day=…/part-N.parquet in order of time, accounts.parquet and truth.parquet."""
    scratch = folder.with_name(f"{folder.name}.undone")
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "raw").mkdir(parents=True)
    have, days = 0, set[int]()
    worlds = round(rows / 1e6 * len(UNIT)) or 1
    with ProcessPoolExecutor(processes) as pool:
        jobs = [pool.submit(world, place, number, scratch / "raw") for number in range(worlds)]
        for number, job in enumerate(jobs):
            count, some = job.result()
            have, days = have + count, days | set(some)
            print(f"{number + 1} of {worlds} worlds, {have:,} exchanges", file=sys.stderr, flush=True)
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
