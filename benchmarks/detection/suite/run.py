"""The public benchmark in one command: worlds are made and judged alone, resume, and end in one table.

    HEADWATER_CORPORA=… python benchmarks/detection/suite/run.py --size short --work out/suite [--part alarms …] \\
        [--out FILE] [--date 2026-11-26 --revision COMMIT --pages]

Every world is one JSON file in --work; what is there is not computed again, unless the detector or installed evidence
changed. Figures are published (--pages, or --out in benchmarks/) from the whole plan of a size; with --incomplete from
what there is, and the pages say so. --evidence NAME tells of one kind of evidence what a few worlds show.
A run on the score side needs a --reason, and adds a line to score_runs.tsv.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
#: Where published figures lie, and the summary that pages are drawn from.
PUBLISHED = ROOT / "benchmarks"
SUMMARY = PUBLISHED / "detection/suite.json"
SCORE_RUNS = ROOT / "benchmarks/detection/score_runs.tsv"
sys.path[:0] = [str(ROOT / "benchmarks/detection"), str(ROOT / "benchmarks")]

# Worlds run side by side, one thread each; said before anything that counts threads is imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

from suite.jobs import PARTS, SCORED, Job, plan, scenarios  # noqa: E402

#: Files here that make a record of a world; the others only read records.
SCORING = ("world", "swapping", "oracle", "hand", "member", "person", "replay")
#: What is only told in reports, and written by this benchmark.
TOLD = ("rates.toml", "rates.py", "sight.py")
_OPENED: dict[str, Any] = {}


def code() -> str:
    """A digest of the code that makes worlds, judges and scores them: figures of two codes never mix."""
    digest = hashlib.sha256()
    for name in SCORING:
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    rooms = [
        ROOT / "src/headwater" / room for room in ("detect", "engine", "exchange", "imprint", "simulate")
    ]
    for room in (*rooms, ROOT / "benchmarks/detection/baselines"):
        for path in sorted(room.rglob("*")):
            if path.suffix in (".py", ".toml", ".txt", ".tsv") and path.name not in TOLD:
                digest.update(path.read_bytes())
    for part in _strangers():
        digest.update(part)
    return digest.hexdigest()[:12]


def _strangers() -> Iterator[bytes]:
    """Installed evidence that isn't Headwater's own: what it is called, and every file of the package it is in."""
    from headwater.detect import installed

    installed.load()  # what is broken says so here, not in each world
    for point in installed.strangers():
        yield f"{point.name} = {point.value}".encode()
        spec = find_spec(point.module.partition(".")[0])
        folders = list(spec.submodule_search_locations or ()) if spec else []
        for path in sorted(path for folder in folders for path in Path(folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.name.encode() + path.read_bytes()
        if spec and spec.origin and not folders:
            yield Path(spec.origin).read_bytes()


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


def options() -> argparse.ArgumentParser:
    """What may be asked of a run."""
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
    parser.add_argument("--seeds", type=int, help="so many seeds of each part at most")
    parser.add_argument(
        "--out", type=Path, help="write the summary here as JSON; a part of a plan outside benchmarks/"
    )
    parser.add_argument("--date", default="", help="the day of the run, as it should be printed")
    parser.add_argument("--revision", default="", help="the commit that is measured")
    parser.add_argument("--reason", default="", help="why the score side is looked at; it is logged")
    parser.add_argument(
        "--pages", action="store_true", help="write figures, README and the rates of cards too"
    )
    parser.add_argument(
        "--incomplete", action="store_true", help="publish though worlds of the plan are missing; it is said"
    )
    parser.add_argument(
        "--evidence", help="tell of this evidence alone what was seen in the worlds asked for"
    )
    return parser


def publishes(asked: argparse.Namespace) -> bool:
    """Whether a run writes what is published: pages, or a file among the published figures."""
    return bool(asked.pages or (asked.out and asked.out.resolve().is_relative_to(PUBLISHED)))


def refused(asked: argparse.Namespace) -> str | None:
    """Why a run isn't even begun as it was asked for; None where nothing speaks against it."""
    if asked.evidence and (asked.pages or asked.out):
        return "--evidence only prints: leave out --pages and --out"
    if asked.pages and asked.out.resolve() != SUMMARY:
        return f"pages are drawn from {SUMMARY.relative_to(ROOT)}: leave out --out, or --pages"
    if publishes(asked) and not asked.incomplete and (asked.part or asked.scenario or asked.seeds):
        return (
            "only the whole plan of a size is published: leave out --part, --scenario and --seeds (what is in --work "
            "is kept), give an --out outside benchmarks/ and no --pages, or say --incomplete, and the pages will"
        )
    return None


def main() -> int:
    """Run what is missing, then print the table."""
    parser = options()
    asked = parser.parse_args()
    if not asked.corpora:
        parser.error("set HEADWATER_CORPORA or give --corpora")
    if asked.side == "score" and not all(map(str.strip, (asked.reason, asked.date, asked.revision))):
        parser.error("runs on the score side are logged: give --reason, --date and --revision")
    if asked.pages:
        asked.out = asked.out or SUMMARY
    wrong = refused(asked)
    if wrong is not None:
        parser.error(wrong)
    if asked.evidence:
        from suite.one import known

        known(parser, asked.evidence)
    folder = asked.work / asked.side
    folder.mkdir(parents=True, exist_ok=True)
    revision = code()
    have = kept(folder, revision)
    jobs = [job for job in plan(asked.size, tuple(asked.part or SCORED), asked.seeds) if job.name not in have]
    if asked.side == "score":
        jobs = [job for job in jobs if job.scenario in scenarios("score")]
    if asked.scenario:
        jobs = [job for job in jobs if job.scenario in asked.scenario]
    try:
        failed = run(jobs, folder, revision, asked)
    finally:
        from suite.analysis import analysed

        records = planned(folder, revision)
        found = analysed(records, asked.side) | {"missing": _missing(folder, revision, asked)}
        if asked.side == "score":  # also where it was cut short: it has been looked at all the same
            from suite.score_log import append

            append(SCORE_RUNS, asked.date, asked.revision, asked.reason, found, len(records))
    if asked.evidence:
        from suite.one import told

        print(told(asked.evidence, found))
        return 1 if failed else 0
    lacks = publishes(asked) and found["missing"] and not asked.incomplete
    if lacks:
        print(
            f"error: {found['missing']:,} worlds of the plan are missing, so nothing is published\n"
            "hint: run it again, what is there is kept; or say --incomplete, and the pages will",
            file=sys.stderr,
        )
    tell(found, revision, asked, publish=not lacks)
    return 1 if failed or lacks else 0


def _missing(folder: Path, revision: str, asked: argparse.Namespace) -> int:
    """How many worlds of the size's whole plan have no record."""
    have = kept(folder, revision)
    able = set(scenarios(asked.side))
    return sum(
        job.name not in have
        for job in plan(asked.size, SCORED)
        if asked.side == "tune" or job.scenario in able
    )


def planned(folder: Path, revision: str) -> list[dict[str, Any]]:
    """The records of one code; what is no longer planned stays in the folder and out of the figures."""
    names = {job.name for size in ("short", "full") for job in plan(size, SCORED)}
    return [record for name, record in kept(folder, revision).items() if name in names]


def tell(found: dict[str, Any], revision: str, asked: argparse.Namespace, *, publish: bool) -> None:
    """The figures as a table and, where they may be published, wherever else they were asked for."""
    from suite.summary import table

    print(table(found["rows"]))
    if not asked.out or not publish:
        return
    import headwater

    told = {
        "version": headwater.__version__,
        "revision": asked.revision,
        "date": asked.date,
        "side": asked.side,
        "code": revision,
    } | found
    asked.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if asked.pages:
        import figures
        import suite_page
        from suite import rates

        rates.write(told)
        figures.write()
        suite_page.draw(figures.SUITE, figures.PAGE.parent)


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
