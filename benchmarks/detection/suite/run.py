"""The public benchmark in one command: worlds are made and judged alone, resume, and end in one table.

    HEADWATER_CORPORA=… python benchmarks/detection/suite/run.py --size short --work out/suite [--part alarms …] \\
        [--out FILE --date 2026-11-26 --revision COMMIT --pages]

Every world is one JSON file in --work; what is there is not computed again, unless the detector changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "benchmarks/detection"))

# Worlds run side by side, one thread each; said before anything that counts threads is imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

from suite.jobs import PARTS, Job, plan  # noqa: E402

_OPENED: dict[str, Any] = {}


def code() -> str:
    """A digest of the code that makes worlds, judges and scores them: figures of two codes never mix."""
    digest = hashlib.sha256((Path(__file__).parent / "world.py").read_bytes())
    for room in ("detect", "engine", "exchange", "imprint", "simulate"):
        for path in sorted((ROOT / "src/headwater" / room).rglob("*")):
            if path.suffix in (".py", ".toml", ".txt", ".tsv"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _begin(root: str, side: str) -> None:
    from headwater.simulate import Corpora

    _OPENED["corpora"] = Corpora.find(root, side)  # type: ignore[arg-type]


def _one(job: Job, path: str, revision: str) -> tuple[str, float]:
    from suite.world import measured

    record = measured(job, _OPENED["corpora"]) | {"code": revision}
    part = Path(path).with_suffix(".part")
    part.write_text(json.dumps(record), encoding="utf-8")
    part.replace(path)
    return job.name, record["seconds"]


def kept(folder: Path, revision: str) -> dict[str, dict[str, Any]]:
    """The records of one code in `folder`, by name of job."""
    out = {}
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["code"] == revision:
            out[path.stem] = record
    return out


def main() -> int:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", default=os.environ.get("HEADWATER_CORPORA"))
    parser.add_argument("--side", choices=("tune", "score"), default="tune")
    parser.add_argument("--size", choices=("short", "full"), default="short")
    parser.add_argument("--part", action="append", choices=list(PARTS))
    parser.add_argument("--scenario", action="append")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, help="begin no world after so many")
    parser.add_argument("--seeds", type=int, help="no seed above this")
    parser.add_argument("--out", type=Path, help="write the summary here as JSON")
    parser.add_argument("--date", default="", help="the day of the run, as it should be printed")
    parser.add_argument("--revision", default="", help="the commit that is measured")
    parser.add_argument("--pages", action="store_true", help="write docs/reference/figures.md too")
    asked = parser.parse_args()
    if not asked.corpora:
        parser.error("set HEADWATER_CORPORA or give --corpora")
    folder = asked.work / asked.side
    folder.mkdir(parents=True, exist_ok=True)
    revision = code()
    have = kept(folder, revision)
    jobs = [job for job in plan(asked.size, tuple(asked.part or PARTS)) if job.name not in have]
    if asked.scenario:
        jobs = [job for job in jobs if job.scenario in asked.scenario]
    if asked.seeds:
        jobs = [job for job in jobs if job.seed <= asked.seeds]
    failed = run(jobs, folder, revision, asked)
    from suite.summary import laws, summary, table

    # What is no longer planned stays in the folder and out of the figures.
    planned = {job.name for size in ("short", "full") for job in plan(size, list(PARTS))}
    records = [record for name, record in kept(folder, revision).items() if name in planned]
    found = summary(records)
    print(table(found))
    if asked.out:
        import headwater

        result = {
            "version": headwater.__version__,
            "revision": asked.revision,
            "date": asked.date,
            "side": asked.side,
            "code": revision,
            "rows": found,
            "laws": laws(records, "everything"),
        }
        asked.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if asked.pages:
        sys.path.insert(0, str(ROOT / "benchmarks"))
        import figures

        figures.write()
    return 1 if failed else 0


def run(jobs: list[Job], folder: Path, revision: str, asked: argparse.Namespace) -> int:
    """Every job in one of some processes; one that fails is told and left for the next run. How many failed."""
    began, at, failed = time.monotonic(), 0, 0
    with ProcessPoolExecutor(asked.workers, initializer=_begin, initargs=(asked.corpora, asked.side)) as pool:
        waiting = iter(jobs)
        running = {}

        def start() -> None:
            late = asked.minutes and time.monotonic() - began > 60 * asked.minutes
            job = None if late else next(waiting, None)
            if job is not None:
                running[pool.submit(_one, job, str(folder / f"{job.name}.json"), revision)] = job

        for _ in range(asked.workers):
            start()
        while running:
            done = next(as_completed(running))
            job = running.pop(done)
            at += 1
            start()
            try:
                name, seconds = done.result()
                print(f"[{at}/{len(jobs)}] {name} {seconds} s", file=sys.stderr, flush=True)
            except Exception as error:
                failed += 1
                print(f"[{at}/{len(jobs)}] {job.name} failed: {error!r}", file=sys.stderr, flush=True)
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
