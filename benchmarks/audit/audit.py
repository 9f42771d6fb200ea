"""What each stage of `headwater audit` finds and costs, beside datatrove's reader and writer on the same file.

Quality: people's texts with outputs of known models mixed in at 0.1%, 1% and 10%; a share of the model's rows says so
in a column. Speed: documents of 3 KB, every way in processes of its own on the same file. Memory: 10⁵ to 10⁷ documents.

    HEADWATER_CORPORA=… python benchmarks/audit/audit.py --work out --date 2026-01-31 [--part quality|speed|memory] …
"""

from __future__ import annotations

import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psutil
from scipy.stats import beta

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import prevalence_corpora

import record
from headwater.provenance.audit import Annotator, artefact_kinds
from headwater.provenance.terms import USES

SHARES = (0.001, 0.01, 0.1)
ROWS = 100_000
#: Of the model's rows, those whose column says so; the rest claim people, as a careless or dishonest corpus does.
HONEST = 0.5
DOCUMENT = 3000
BAR_DOCUMENTS = 20_000.0


def interval(hits: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper–Pearson (1934)."""
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, of - hits + 1))
    high = 1.0 if hits == of else float(beta.ppf(1 - tail, hits + 1, of - hits))
    return low, high


def rate(hits: int, of: int) -> dict[str, Any]:
    """A rate with its interval."""
    if not of:
        return {"hits": hits, "of": of, "rate": None}
    low, high = interval(hits, of)
    return {"hits": hits, "of": of, "rate": hits / of, "low": low, "high": high}


def texts(root: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    """(source, text) of people and (source, model, text) of models, of both sides: the phrases were fitted to none."""
    human, machine = [], []
    for side in ("tune", "score"):
        for source in prevalence_corpora.sources(root, side, readable=False):  # type: ignore[arg-type]
            for text in source.texts:
                if source.writer == "human":
                    human.append((source.name, text))
                elif source.writer == "machine":
                    machine.append((source.name, source.model, text))
    return human, machine


def quality(root: Path) -> dict[str, Any]:
    """Precision and recall of the stages on mixtures, and false alarms by source."""
    human, machine = texts(root)
    annotator = Annotator(USES["train"])
    phrases_human = [bool(telling(one.findings)) for one in annotated(annotator, [t for _, t in human])]
    phrases_machine = [bool(telling(one.findings)) for one in annotated(annotator, [t for *_, t in machine])]
    draw = random.Random(20261127)
    mixtures = {}
    for share in SHARES:
        counts: Counter[str] = Counter()
        for _ in range(ROWS):
            if draw.random() < share:
                at = draw.randrange(len(machine))
                claimed = draw.random() < HONEST
                counts["models"] += 1
                counts["claims true"] += claimed
                counts["artefacts true"] += phrases_machine[at]
                counts["either true"] += claimed or phrases_machine[at]
            else:
                at = draw.randrange(len(human))
                counts["people"] += 1
                counts["artefacts false"] += phrases_human[at]
        mixtures[str(share)] = {
            "rows": ROWS,
            "by models": counts["models"],
            "claims": {
                "recall": rate(counts["claims true"], counts["models"]),
                "precision": rate(counts["claims true"], counts["claims true"]),
            },
            "artefacts": {
                "recall": rate(counts["artefacts true"], counts["models"]),
                "precision": rate(
                    counts["artefacts true"], counts["artefacts true"] + counts["artefacts false"]
                ),
            },
            "either": {"recall": rate(counts["either true"], counts["models"])},
        }
    return {
        "texts": {"people": len(human), "models": len(machine)},
        "honest": HONEST,
        "false_alarms": rate(sum(phrases_human), len(phrases_human)),
        "recall": rate(sum(phrases_machine), len(phrases_machine)),
        "false_alarms_by_source": by_source([name for name, _ in human], phrases_human),
        "recall_by_source": by_source([name for name, *_ in machine], phrases_machine),
        "mixtures": mixtures,
    }


def annotated(annotator: Annotator, held: list[str]) -> Iterator[Any]:
    """Annotations of texts that claim nothing."""
    for start in range(0, len(held), 2000):
        yield from annotator.annotate([{"text": text} for text in held[start : start + 2000]])


def telling(findings: tuple[str, ...]) -> list[str]:
    """Findings that speak of who wrote a text, without templates and control tokens."""
    unsettling = {name for name, kind in artefact_kinds().items() if kind.unsettles}
    return [one for one in findings if one.split()[1] in unsettling]


def by_source(names: list[str], hits: list[bool]) -> dict[str, Any]:
    """Rates for each source with at least one hit; the others are counted."""
    of, found = Counter(names), Counter(name for name, hit in zip(names, hits, strict=True) if hit)
    told = {name: rate(found[name], of[name]) for name in sorted(found)}
    return {
        **told,
        "none": {"sources": len(of) - len(found), "texts": sum(of[n] for n in of if n not in found)},
    }


def documents(root: Path, count: int, size: int, path: Path) -> None:
    """JSON lines of unique documents: pieces of novels, each with a number and the columns of a real release."""
    whole = " ".join(
        p.read_text("utf-8", "replace").replace("\r", "")
        for p in sorted((root / "text/english_novels").glob("*.txt"))
    )
    generators = ("human", "gpt-4-0613", "meta-llama/Llama-3.1-70B-Instruct", "claude-3-opus-20240229")
    last = len(whole) - size
    with path.open("w", encoding="utf-8") as file:
        for at in range(count):
            start = at * 2654435761 % last
            row = {
                "id": f"doc-{at}",
                "text": f"{at} {whole[start : start + size]}",
                "generator": generators[at % len(generators)],
                "license": "cc-by-4.0",
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


AUDIT = """
import sys, datetime, pathlib
from headwater.provenance.audit import audit, AuditSettings
if __name__ == "__main__":
    settings = AuditSettings(sample=int(sys.argv[4]), processes=int(sys.argv[3]))
    audit(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), settings, asked_at=datetime.date(2026, 11, 27))
"""
DATATROVE = """
import sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
if __name__ == "__main__":
    workers = int(sys.argv[3])
    LocalPipelineExecutor([JsonlReader(sys.argv[1]), JsonlWriter(sys.argv[2], compression=None)], tasks=workers,
                          workers=workers, logging_dir=sys.argv[2] + "-logs").run()
"""


def timed(program: str, *arguments: str) -> dict[str, float]:
    """Wall and CPU seconds of a Python program, and the most memory (PSS, in MiB) of it with its children."""
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(program)
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, file.name, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    most = 0.0
    cpu: dict[int, float] = {}  # by process: a pool's workers are nobody's children once they have ended
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        held = memory(watched, cpu)
        most = max(most, held)
        time.sleep(0.2)
    wall = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError((process.stderr.read() if process.stderr else b"").decode()[-2000:])
    Path(file.name).unlink()
    return {"wall_s": wall, "cpu_s": sum(cpu.values()), "memory_mib": most}


def memory(process: psutil.Process, cpu: dict[int, float]) -> float:
    """Proportional set size of a process with its children, in MiB; their CPU seconds so far go into `cpu`."""
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            try:
                total += each.memory_full_info().pss
                spent = each.cpu_times()
                cpu[each.pid] = spent.user + spent.system
            except psutil.Error:
                continue
    except psutil.Error:
        return 0.0
    return total / (1 << 20)


def speed(root: Path, work: Path, count: int, rounds: int) -> dict[str, Any]:
    """Documents a second of the audit on one core and on two, beside datatrove that reads and writes."""
    folder = work / "speed"
    shutil.rmtree(folder, ignore_errors=True)
    for at in range(2):  # datatrove divides by file
        (folder / "in").mkdir(parents=True, exist_ok=True)
        documents(root, count // 2, DOCUMENT, folder / "in" / f"{at}.jsonl")
    size = sum(path.stat().st_size for path in (folder / "in").iterdir())
    ways = {
        "audit, two processes": (AUDIT, "2", "0"),
        "audit, one process": (AUDIT, "1", "0"),
        "audit with prevalence, two processes": (AUDIT, "2", "4000"),
        "datatrove reads and writes, two workers": (DATATROVE, "2"),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (program, *rest) in ways.items():
            out = folder / "out"
            shutil.rmtree(out, ignore_errors=True)
            shutil.rmtree(f"{out}-logs", ignore_errors=True)
            found[name].append(timed(program, str(folder / "in"), str(out), *rest))
    told = {}
    for name, runs in found.items():
        best = min(runs, key=lambda run: run["wall_s"])
        told[name] = {
            **best,
            "documents_s": count / best["wall_s"],
            "mb_s": size / 1e6 / best["wall_s"],
            "all_wall_s": [run["wall_s"] for run in runs],
        }
    peer = told["datatrove reads and writes, two workers"]["documents_s"]
    for each in told.values():
        each["times_datatrove"] = each["documents_s"] / peer
    shutil.rmtree(folder)
    return {
        "documents": count,
        "bytes": size,
        "bar_documents_s": BAR_DOCUMENTS,
        "ways": told,
        "stages": stages(root),
    }


def stages(root: Path) -> dict[str, Any]:
    """Microseconds of one core a document, stage by stage, in one process: what the audit's time is made of."""
    import msgspec

    from headwater.provenance.audit import Columns, artefacts
    from headwater.provenance.audit.invisible import invisible

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        documents(root, 20_000, DOCUMENT, path)
        rows = path.read_bytes().splitlines()
    costs = {}

    def cost(name: str, work: Any) -> Any:
        began = time.process_time()
        result = work()
        costs[name] = 1e6 * (time.process_time() - began) / len(rows)
        return result

    decoder = msgspec.json.Decoder()
    values = cost("decode JSON", lambda: [decoder.decode(row) for row in rows])
    columns = Columns()
    looked = cost("columns: texts and claims", lambda: [columns.look(value) for value in values])
    held = [text.text for told, _, _ in looked for text in told]
    cost("stage 0: hidden characters", lambda: [invisible(text) for text in held])
    found = artefacts()
    encoded = [text.encode() for text in held]
    cost(
        "stage 1: phrases", lambda: [found.find(encoded[at : at + 256]) for at in range(0, len(encoded), 256)]
    )
    annotator = Annotator("train")
    annotator.annotate(values[:10])
    cost(
        "all of a row (0, 1, terms, verdict)",
        lambda: [annotator.annotate(values[at : at + 512]) for at in range(0, len(values), 512)],
    )
    return {"us_a_document": costs, "megabytes_s": {n: DOCUMENT / c for n, c in costs.items()}}


def memories(root: Path, work: Path, counts: list[int], size: int) -> dict[str, Any]:
    """The most memory of the audit by number of documents."""
    told = {}
    for count in counts:
        folder = work / "memory"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        documents(root, count, size, folder / "a.jsonl")
        run = timed(AUDIT, str(folder / "a.jsonl"), str(folder / "out"), "2", "4000")
        told[str(count)] = {
            **run,
            "bytes": (folder / "a.jsonl").stat().st_size,
            "documents_s": count / run["wall_s"],
        }
        shutil.rmtree(folder)
    first, last = told[str(counts[0])], told[str(counts[-1])]
    return {"characters": size, "runs": told, "growth": last["memory_mib"] / first["memory_mib"]}


def main() -> None:
    """Run the parts that were asked for; parts that weren't keep the figures of `--out`."""
    parser = record.options(__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--part", action="append", choices=["quality", "speed", "memory"])
    parser.add_argument("--documents", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    asked = parser.parse_args()
    root = Path(os.environ["HEADWATER_CORPORA"])
    asked.work.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = json.loads(asked.out.read_text()) if asked.out and asked.out.exists() else {}
    date.fromisoformat(asked.date)
    for part in asked.part or ["quality", "speed", "memory"]:
        made = (
            quality(root)
            if part == "quality"
            else speed(root, asked.work, asked.documents, asked.rounds)
            if part == "speed"
            else memories(root, asked.work, asked.counts, 300)
        )
        result[part] = {"date": asked.date, "revision": asked.revision, **made}
    result["machine"] = {"cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}
    record.keep(result, asked)


if __name__ == "__main__":
    main()
