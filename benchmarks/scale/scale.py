"""One, four and sixteen million exchanges of unique text on one machine: time and memory, and how they grow.

Each size is investigated in fresh processes: from Parquet with an empty store, then from the store's imprints. Beside
them stand the physical limit of the same run (reading the Parquet once, one pass of imprints over it) and the naive
way, all in SQL: every fingerprint with its distinct accounts, counted by one `GROUP BY`. Accounts of rings found and
innocents named are counted at every size, from the truth that the generator wrote.

    python benchmarks/scale/scale.py --corpora DIR --work DIR --date 2026-01-31 [--rows 1000000 4000000 16000000]
        [--out benchmarks/scale/scale.json] [--pages]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from million import CHUNK, limit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record

SIZES = (1_000_000, 4_000_000, 16_000_000)
#: Asked at the largest size: seconds against the limit, at most; from stored imprints; GiB.
TIMES_LIMIT, MOST_SECONDS, STORED_SECONDS, MOST_GIB = 3.0, 300.0, 90.0, 8.0
#: Rows of which the material is told.
LOOKED_AT = 1_000_000


class Stages:
    """A progress callback that measures each stage: wall and processor seconds, and memory at its height (GiB)."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self._now: tuple[str, float, float] | None = None
        self._height = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while True:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            self._height = max(self._height, pages * page / 2**30)
            time.sleep(0.05)

    def __call__(self, what: str, _done: int = 0, _total: int | None = None) -> None:
        """The stage that begins (or goes on) now."""
        if self._now is not None and self._now[0] == what:
            return
        wall, cpu = time.perf_counter(), time.process_time()
        if self._now is not None:
            name, began, used = self._now
            self.found.append(
                {"stage": name, "wall_s": round(wall - began, 1), "cpu_s": round(cpu - used, 1)}
                | {"peak_gib": round(self._height, 2)}
            )
        self._now, self._height = (what, wall, cpu), 0.0


def investigated(folder: Path, store: Path, report: Path) -> dict[str, Any]:
    """Investigate through the Python call: stages, totals, and what was found."""
    import resource

    import headwater
    from headwater.cli.arenas import one_arena

    one_arena()  # as the command does, which does it before OpenBLAS has its threads
    began, stages = time.perf_counter(), Stages()
    stages("open, load kernels")
    with headwater.investigate(
        folder / "exchanges", folder / "accounts.parquet", store=store, progress=stages
    ) as found:
        stages("write the report")
        found.write(report)
        stages("end")
        total = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "wall_s": round(total, 1),
            "cpu_s": round(used.ru_utime + used.ru_stime, 1),
            "peak_gib": round(used.ru_maxrss / 2**20, 2),
            "stages": stages.found,
            "proposed": found.findings.settings.get("rings_proposed"),
            "found": _quality(found, folder),
        }


def _quality(found: Any, folder: Path) -> dict[str, Any]:
    truth = pq.read_table(folder / "truth.parquet", columns=["account", "ring"])
    ring = dict(zip(truth.column("account").to_pylist(), truth.column("ring").to_pylist(), strict=True))
    named = [ring.get(member.account) for one in found.campaigns for member in one.members]
    every, hit = Counter(r for r in ring.values() if r), Counter(r for r in named if r)
    return {
        "campaigns": len(found.campaigns),
        "innocents_named": sum(r is None for r in named),
        "innocents": sum(r is None for r in ring.values()),
        "rings": {str(r).partition("-")[2]: [hit[r], n] for r, n in sorted(every.items())},
    }


def _files(folder: Path) -> list[Path]:
    return sorted((folder / "exchanges").rglob("*.parquet"))


def material(folder: Path) -> dict[str, Any]:
    """What the log holds, and of its first million exchanges how much repeats."""
    import numpy as np

    from headwater.imprint import imprint
    from headwater.keys import DEMO_KEY

    files = _files(folder)
    rows = sum(pq.ParquetFile(path).metadata.num_rows for path in files)
    zstd, seen, prints = pa.Codec("zstd", compression_level=3), Counter[int](), []
    size = packed = looked = 0
    for path in files:
        for batch in pq.ParquetFile(path).iter_batches(CHUNK, columns=["prompt"]):
            texts: Any = batch.column("prompt")
            blob = "\n".join(texts.to_pylist()).encode()
            size, packed, looked = size + len(blob), packed + zstd.compress(blob).size, looked + len(texts)
            made: Any = imprint(texts, DEMO_KEY)
            seen.update(made.field("exact").to_pylist())
            flat = made.field("minimisers").flatten().to_numpy()
            prints.append(flat[flat != np.uint64(2**64 - 1)])
        if looked >= LOOKED_AT:
            break
    _, times = np.unique(np.concatenate(prints), return_counts=True)
    return {
        "exchanges": rows,
        "accounts": pq.ParquetFile(folder / "accounts.parquet").metadata.num_rows,
        "file_gb": round(sum(path.stat().st_size for path in files) / 1e9, 2),
        "bytes_a_prompt": round(size / looked, 1),
        "text_gb": round(size / looked * rows / 1e9, 2),
        "texts_seen_once": round(sum(n == 1 for n in seen.values()) / looked, 4),
        "fingerprints_seen_once": round(float((times == 1).sum() / len(times)), 4),
        "zstd_ratio": round(size / packed, 2),
    }


def naive(store: Path) -> dict[str, Any]:
    """The all-SQL way to the same first question, from the stored imprints: accounts of every fingerprint."""
    import duckdb
    import numpy as np

    from headwater.engine import Resources

    none = 2**64 - 1
    began = time.perf_counter()
    with duckdb.connect() as db, tempfile.TemporaryDirectory() as scratch:
        db.execute(f"SET memory_limit = '{Resources().memory_mb}MiB'")
        db.execute("SET temp_directory = ?", [scratch])
        db.execute("CREATE TABLE uses (fingerprint UBIGINT, account VARCHAR)")
        for path in sorted(store.glob("part-*.parquet")):
            for batch in pq.ParquetFile(path).iter_batches(CHUNK, columns=["account", "imprint.minimisers"]):
                packed: Any = batch.column("imprint.minimisers")
                prints = np.frombuffer(packed.buffers()[1], np.uint64)[packed.offset * 8 :][: len(packed) * 8]
                account = batch.column("account").take(pa.array(np.repeat(np.arange(len(packed)), 8)))
                more = pa.table({"fingerprint": prints, "account": account})  # noqa: F841
                db.execute("INSERT INTO uses SELECT * FROM more")
        laid = time.perf_counter() - began
        began = time.perf_counter()
        try:
            (shared,) = db.execute(
                "SELECT count(*) FROM (SELECT fingerprint FROM uses WHERE fingerprint <> ? "
                "GROUP BY fingerprint HAVING count(DISTINCT account) > 1)",
                [none],
            ).fetchone() or (0,)
        except duckdb.Error as error:
            return {"failed": type(error).__name__, "after_s": round(time.perf_counter() - began, 1)}
    return {
        "rows_laid_out_s": round(laid, 1),
        "group_by_s": round(time.perf_counter() - began, 1),
        "shared": shared,
    }


def _exponents(sizes: list[dict[str, Any]], kind: str) -> dict[str, float]:
    """By stage, and in all, the power of the number of exchanges with which processor seconds grow.

    Least squares of logarithms. A stage that a size doesn't have (nothing was joined) has no point there.
    """
    seconds: dict[str, list[tuple[float, float]]] = {}
    for one in sizes:
        exchanges = math.log(one["material"]["exchanges"])
        parts = {stage["stage"]: stage["cpu_s"] for stage in one[kind]["stages"]}
        for name, used in {**parts, "in all": one[kind]["cpu_s"]}.items():
            seconds.setdefault(name, []).append((exchanges, math.log(max(used, 0.1))))
    return {name: slope for name, points in seconds.items() if (slope := _slope(points)) is not None}


def _slope(points: list[tuple[float, float]]) -> float | None:
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((a - x) ** 2 for a, _ in points)
    return round(sum((a - x) * (b - y) for a, b in points) / spread, 2) if spread else None


def run(asked: argparse.Namespace) -> dict[str, Any]:
    """All sizes, each part in a process of its own."""
    import headwater

    sizes = []
    for rows in asked.rows:
        folder = asked.work / f"log-{rows}"
        if not folder.exists():
            from worlds import generate

            generate(asked.corpora, rows, folder, os.cpu_count() or 1)
        store = asked.work / "store"
        shutil.rmtree(store, ignore_errors=True)
        one: dict[str, Any] = {}
        for part in ("material", "limit", "parquet", "stored", "naive"):
            again = [sys.executable, __file__, "--part", part, "--work", str(folder), "--date", "-"]
            done = subprocess.run([*again, "--store", str(store)], check=True, stdout=subprocess.PIPE)
            one[part] = json.loads(done.stdout)
            print(f"{rows:,} exchanges, {part}: {json.dumps(one[part])[:300]}", file=sys.stderr, flush=True)
        sizes.append(one)
        shutil.rmtree(store)
    return {
        "version": headwater.__version__,
        "revision": asked.revision,
        "date": asked.date,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "load": [round(x, 1) for x in os.getloadavg()],
        "bar": {
            "times_limit": TIMES_LIMIT,
            "wall_s": MOST_SECONDS,
            "stored_s": STORED_SECONDS,
            "peak_gib": MOST_GIB,
        },
        "sizes": sizes,
        "exponents": {kind: _exponents(sizes, kind) for kind in ("parquet", "stored")},
    }


def main() -> int:
    """Measure and write."""
    parser = record.options(__doc__)
    parser.add_argument("--corpora", type=Path, default=os.environ.get("HEADWATER_CORPORA"))
    parser.add_argument("--work", type=Path, required=True, help="keep the generated logs here")
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        with tempfile.TemporaryDirectory() as report:
            parts: dict[str, Callable[[], Any]] = {
                "material": lambda: material(asked.work),
                "limit": lambda: limit(_files(asked.work)),
                "parquet": lambda: investigated(asked.work, asked.store, Path(report)),
                "stored": lambda: investigated(asked.work, asked.store, Path(report)),
                "naive": lambda: naive(asked.store),
            }
            print(json.dumps(parts[asked.part]()))
        return 0
    record.keep(run(asked), asked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
