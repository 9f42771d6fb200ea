"""Four logs that lie far out, end to end in a fresh process each: none may cost much more than a plain log.

    template   100,000 accounts share one template, four exchanges each, in a log of a million
    account    one account has ten million exchanges beside a few thousand ordinary accounts
    huge       twenty prompts of 10 MB among 20,000 ordinary ones, as Parquet and as JSON lines
    second     a million exchanges of 10,000 accounts lie within one second

Beside each the same is measured of a plain log of as many rows (`tails` says what lies in them). Figures of cases that
aren't asked for stay in the file as they were.

    python benchmarks/scale/longtail.py [template account huge second] --corpora DIR --work DIR --date 2026-01-31 \\
        --out benchmarks/scale/longtail.json [--rows 100000]
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import tails
from million import watched

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record


@dataclass(frozen=True)
class Case:
    """A log far out: its rows, what makes it, the text of the plain log beside it, the formats in which it is read."""

    rows: int
    made: Callable[[int, tails.Teller], tails.Rows]
    text: str
    formats: tuple[str, ...] = ("parquet",)


CASES = {
    "template": Case(1_000_000, tails.one_template, "plain"),
    "account": Case(10_100_000, tails.one_account, "joined"),
    "huge": Case(20_020, tails.huge_prompts, "plain", ("parquet", "jsonl")),
    "second": Case(1_000_000, tails.one_second, "plain"),
}


def far_out(name: str, rows: int, corpora: Path, folder: Path, lines: bool) -> None:
    """Write a case's log."""
    tails.write(CASES[name].made(rows, tails.Teller(corpora)), folder, lines=lines)


def plain(text: str, rows: int, corpora: Path, folder: Path, lines: bool) -> None:
    """Write a plain log of that text."""
    tails.write(tails.ordinary(rows, getattr(tails.Teller(corpora), text)), folder, lines=lines)


def apart(work: Callable[..., None], *given: Any) -> None:
    """Do it in a process of its own: what this one holds would count as the peak of those that it starts."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(work, *given).result()


class Bench:
    """Writes logs where they are missing, and measures each once."""

    def __init__(self, corpora: Path, work: Path) -> None:
        self._work = work
        self._corpora = corpora
        self._known: dict[str, dict[str, Any]] = {}

    def case(self, name: str, rows: int) -> dict[str, Any]:
        """Figures of one case, by format, each beside its plain log."""
        case, out = CASES[name], {}
        rows = min(rows, case.rows)
        for format in case.formats:
            far = self._measured(f"{name}-{rows}-{format}", rows, far_out, name)
            beside = self._measured(f"plain-{case.text}-{rows}-{format}", rows, plain, case.text)
            ratio = {key: round(far[key] / beside[key], 2) for key in ("wall_s", "cpu_s", "peak_gib")}
            out[format] = {"far_out": far, "plain": beside, "ratio": ratio}
        return out

    def _measured(self, name: str, rows: int, written: Callable[..., None], what: str) -> dict[str, Any]:
        if name not in self._known:
            folder = self._work / name
            if not folder.exists():
                print(f"writing {folder}", file=sys.stderr, flush=True)
                apart(written, what, rows, self._corpora, folder, name.endswith("jsonl"))
            size = sum(path.stat().st_size for path in folder.iterdir())
            with tempfile.TemporaryDirectory(prefix="headwater-bench-") as scratch:
                command = [sys.executable, "-m", "headwater.cli", "investigate", str(folder), "--quiet"]
                found = watched([*command, "-o", f"{scratch}/report"])
                report = sum(path.stat().st_size for path in Path(scratch, "report").iterdir())
            sizes = {"file_mb": round(size / 1e6, 1), "report_mb": round(report / 1e6, 1)}
            self._known[name] = {"rows": rows, **found, **sizes}
            print(f"{name}: {self._known[name]}", file=sys.stderr, flush=True)
        return self._known[name]


def main() -> int:
    """Measure and write."""
    import headwater

    parser = record.options(__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"{', '.join(CASES)} (all)")
    parser.add_argument("--corpora", type=Path, default=os.environ.get("HEADWATER_CORPORA"))
    parser.add_argument("--work", type=Path, required=True, help="keep the generated files here")
    parser.add_argument("--rows", type=int, default=1 << 40, help="shrink every case to this many rows")
    asked = parser.parse_args()
    names = asked.cases or list(CASES)
    for name in names:
        if name not in CASES:
            parser.error(f"{name} is none of {', '.join(CASES)}")
    before: dict[str, Any] = {}
    if asked.out and asked.out.exists():
        before = json.loads(asked.out.read_text(encoding="utf-8"))["cases"]
    bench = Bench(asked.corpora, asked.work)
    told = {
        "version": headwater.__version__,
        "revision": asked.revision,
        "date": asked.date,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    for name in names:
        load = [round(x, 1) for x in os.getloadavg()]
        before[name] = {**told, "load_before": load, **bench.case(name, asked.rows)}
        record.keep({"cases": before}, asked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
