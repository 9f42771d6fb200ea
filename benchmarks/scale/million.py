"""A million exchanges of unique text, end to end in a fresh process: Parquet in, report out.

Worlds of two scenarios under several seeds are joined with names of their own, and words are replaced until no text
repeats. The bar: under 60 s on two cores and under 4 GiB. The physical limit (reading the file once, one pass of
imprints) is measured in the same run.

    python benchmarks/scale/million.py --corpora DIR --work DIR --out benchmarks/scale/million.json \\
        --date 2026-01-31 [--rows 1000000] [--pages]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from texts import unrepeated, vocabulary

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record

SCENARIOS = ("reasoning_harvest", "quiet")
BAR_SECONDS, BAR_GIB = 60.0, 4.0
CHUNK = 65_536
#: Columns whose values must not meet across joined worlds.
NAMES = ("id", "account", "organisation", "conversation", "payment", "device", "phone")


def generate(corpora: Path, rows: int, folder: Path) -> None:
    """Write exchanges.parquet (rows in order of time) and accounts.parquet into `folder`."""
    import numpy as np

    from headwater.simulate import Corpora, simulate

    logs, owners, have, number = [], [], 0, 0
    while have < rows:
        world = simulate(
            SCENARIOS[number % 2],
            Corpora.find(corpora, "tune"),
            seed=1000 + number,
            scale=min(1.0, rows / 3e5),
        )
        logs.append(_renamed(world.exchanges, number))
        owners.append(_renamed(world.accounts, number))
        have += world.exchanges.num_rows
        number += 1
        print(f"simulated {have:,} exchanges", file=sys.stderr, flush=True)
    # All worlds begin on the same day, so that they run side by side.
    begin = logs[0].column("at").cast(pa.int64())[0].as_py() // 86_400_000_000 * 86_400_000_000
    log = pa.concat_tables([_moved(table, begin) for table in logs]).sort_by("at").slice(0, rows)
    told: list[Any] = log.column("prompt").to_pylist()
    words, stay = vocabulary(told[::7])
    del told
    rng, seen = np.random.default_rng(20260101), set[int]()
    at = log.schema.get_field_index("prompt")
    folder.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(folder / "part.parquet", log.schema, compression="zstd") as out:
        for batch in log.to_batches(max_chunksize=CHUNK):
            said: list[Any] = batch.column("prompt").to_pylist()
            texts = unrepeated(said, words, stay, seen, rng)
            out.write_batch(batch.set_column(at, log.schema.field(at), pa.array(texts, pa.large_string())))
    pq.write_table(pa.concat_tables(owners), folder / "accounts.parquet", compression="zstd")
    (folder / "part.parquet").rename(folder / "exchanges.parquet")


def _renamed(table: pa.Table, number: int) -> pa.Table:
    for name in NAMES:
        at = table.schema.get_field_index(name)
        if at >= 0:
            mine = pc.binary_join_element_wise(pa.scalar(f"w{number}"), table.column(name), "-")  # type: ignore[call-overload]
            table = table.set_column(at, table.schema.field(at), mine)
    return table


def _moved(table: pa.Table, begin_us: int) -> pa.Table:
    at = table.schema.get_field_index("at")
    times = table.column("at").cast(pa.int64())
    day = pc.min(times).as_py() // 86_400_000_000 * 86_400_000_000
    moved = pc.add(times, begin_us - day).cast(table.schema.field(at).type)
    return table.set_column(at, table.schema.field(at), moved)


def material(folder: Path) -> dict[str, Any]:
    """What the file holds: rows, accounts, bytes of text, share of texts seen once, how far zstd compresses them."""
    counted: dict[int, int] = {}
    rows = size = packed = 0
    accounts: set[Any] = set()
    zstd = pa.Codec("zstd", compression_level=3)
    with pq.ParquetFile(folder / "exchanges.parquet") as file:
        for batch in file.iter_batches(CHUNK, columns=["account", "prompt"]):
            texts: list[Any] = batch.column("prompt").to_pylist()
            blob = "\n".join(texts).encode()
            rows, size = rows + len(texts), size + len(blob)
            packed += zstd.compress(blob).size
            accounts.update(batch.column("account").to_pylist())
            for text in texts:
                counted[hash(text)] = counted.get(hash(text), 0) + 1
    return {
        "exchanges": rows,
        "accounts": len(accounts),
        "text_mb": round(size / 1e6, 1),
        "texts_seen_once": sum(n == 1 for n in counted.values()) / rows,
        "zstd_ratio": round(size / packed, 2),
        "file_mb": round((folder / "exchanges.parquet").stat().st_size / 1e6, 1),
    }


def limit(files: Iterable[Path]) -> dict[str, float]:
    """Seconds to read Parquet files once, and for one pass of imprints over their prompts on all cores."""
    from concurrent.futures import ThreadPoolExecutor

    from headwater.engine import Resources
    from headwater.imprint import imprint
    from headwater.keys import DEMO_KEY

    imprint(pa.array(["compile"], pa.large_string()), DEMO_KEY)
    read = made = 0.0
    with ThreadPoolExecutor(Resources().workers) as pool:
        for path in files:
            began = time.perf_counter()
            with pq.ParquetFile(path) as file:
                batches = list(file.iter_batches(CHUNK))
            read += time.perf_counter() - began
            began = time.perf_counter()
            for _ in pool.map(lambda batch: imprint(batch.column("prompt"), DEMO_KEY), batches):
                pass
            made += time.perf_counter() - began
    return {"read_s": round(read, 2), "imprint_s": round(made, 2)}


def watched(command: list[str]) -> dict[str, float]:
    """Run a command to its end: wall and processor seconds, peak memory in GiB. Raises where it fails."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} ended with {child.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "wall_s": round(time.perf_counter() - began, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_gib": round(used.ru_maxrss * unit / 2**30, 2),
    }


def staged(folder: Path, report: Path) -> dict[str, Any]:
    """The same through the Python call, in this process: seconds of each stage, as the progress callback tells them."""
    import headwater

    stages: list[tuple[str, float]] = []

    def tell(what: str, _done: int, _total: int | None) -> None:
        if not stages or stages[-1][0] != what:
            stages.append((what, time.perf_counter()))

    tell("open, compile, first batch", 0, None)
    with headwater.investigate(
        folder / "exchanges.parquet", folder / "accounts.parquet", progress=tell
    ) as found:
        tell("write the report", 0, None)
        found.write(report)
        tell("end", 0, None)
        took = [(a, round(end - begin, 1)) for (a, begin), (_, end) in pairwise(stages)]
        return {
            "stages_s": took,
            "campaigns": len(found.campaigns),
            "set_aside": found.findings.log.set_aside,
            "duplicates": found.findings.log.duplicates,
        }


def run(asked: argparse.Namespace) -> dict[str, Any]:
    """Everything, each heavy part in a process of its own."""
    import headwater

    folder = asked.work / f"million-{asked.rows}"
    if not (folder / "exchanges.parquet").exists():
        generate(asked.corpora, asked.rows, folder)

    def apart(part: str) -> Any:
        again = [sys.executable, __file__, "--part", part, "--work", str(folder), "--date", "-"]
        return json.loads(subprocess.run(again, check=True, capture_output=True).stdout)

    def load() -> list[float]:
        return [round(x, 1) for x in os.getloadavg()]

    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as scratch:
        log, accounts = str(folder / "exchanges.parquet"), str(folder / "accounts.parquet")
        command = [sys.executable, "-m", "headwater.cli", "investigate", log, "--accounts", accounts]
        before = load()
        end_to_end = watched([*command, "--quiet", "-o", f"{scratch}/report"])
        after = load()
        sizes = {p.name: round(p.stat().st_size / 1e6, 2) for p in sorted(Path(scratch, "report").iterdir())}
    return {
        "version": headwater.__version__,
        "revision": asked.revision,
        "date": asked.date,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "load_before": before,
        "load_after": after,
        "bar": {"wall_s": BAR_SECONDS, "peak_gib": BAR_GIB},
        "material": apart("material"),
        "end_to_end": end_to_end,
        "output_mb": sizes,
        "limit": apart("limit"),
        "staged": apart("staged"),
    }


def main() -> int:
    """Measure and write."""
    parser = record.options(__doc__)
    parser.add_argument("--corpora", type=Path, default=os.environ.get("HEADWATER_CORPORA"))
    parser.add_argument("--work", type=Path, required=True, help="keep the generated file here")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--part", choices=("material", "limit", "staged"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        with tempfile.TemporaryDirectory() as scratch:
            parts: dict[str, Callable[[Path], Any]] = {"material": material}
            parts["limit"] = lambda folder: limit([folder / "exchanges.parquet"])
            parts["staged"] = lambda folder: staged(folder, Path(scratch))
            print(json.dumps(parts[asked.part](asked.work)))
        return 0
    result = run(asked)
    record.keep(result, asked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
