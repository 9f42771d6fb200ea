"""How much of a mark survives what is done to a text: schemes by attacks, lengths and entropies, with quality beside.

    HEADWATER_CORPORA=… python benchmarks/marks/robustness.py --date 2026-11-28 --models FOLDER --work FOLDER
        [--seeds 1] [--out FILE.json] [--plot FILE.svg]

Runs `headwater.mark.bench` on the `teacher.npz` of `benchmarks/marks/lm/train.py`, prompted from novels that no model
has read; perplexity is the shipped proxy's. Edit masks are DIPPER's (`edit_masks.py`). Parts are kept in --work, so a
run can be cut short and go on. What a paraphrase leaves is predicted, too, from the share of n-grams that survive it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "benchmarks/marks/lm"), str(ROOT / "benchmarks/marks")]

import corpus  # noqa: E402
import survival  # noqa: E402

import figures  # noqa: E402
import record  # noqa: E402
from headwater.mark.bench.plan import Material, Plan, spec  # noqa: E402
from headwater.mark.bench.run import run  # noqa: E402
from headwater.mark.bench.table import table  # noqa: E402

FIXTURES = ROOT / "tests/mark/fixtures"
SCHEMES = (
    "vllm-gumbel:width=4",
    "headwater-gumbel:width=4",
    "headwater-gumbel:width=2",
    "headwater-tilt:width=2,delta=2",
    "headwater-tilt:width=1,delta=2",
    "headwater-layered:width=2",
    "synthid",
    "kgw",
    "unigram",
)
ATTACKS = (
    "none",
    "deletion:share=0.25",
    "deletion:share=0.5",
    "substitution:share=0.1",
    "substitution:share=0.25",
    "substitution:share=0.5",
    "synonyms",
    "dilution:times=3",
    "copy-paste:times=3",
    "homoglyphs",
    "zero-width",
    "white-space",
    "lower-case",
    "reordering",
    "paraphrase",
)
ENTROPIES = (0.72, 2.4)
LENGTHS = (50, 100, 200, 400)
TEXTS, WRONG_KEYS, JUDGED = 40, 5, 8
#: What is kept as tables.
TABLES = ("rows", "predicted")


def plan_of(models: Path, work: Path, seeds: int) -> Plan:
    """The whole run."""
    prompts = work / "prompts.txt"
    texts = corpus.prompt_texts(Path(os.environ["HEADWATER_CORPORA"]))[1]
    prompts.write_text("\n".join(text[:60_000] for text in texts), encoding="utf-8")
    return Plan(
        tuple(map(spec, SCHEMES)),
        tuple(map(spec, ATTACKS)),
        ENTROPIES,
        LENGTHS,
        Material(models / "teacher.npz", FIXTURES / "tokenizer.json", prompts, FIXTURES / "proxy.npz"),
        TEXTS,
        WRONG_KEYS,
        tuple(range(seeds)),
        JUDGED,
    )


def main() -> None:
    """Measure and keep."""
    parser = record.options(__doc__)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    began = time.process_time()
    plan = plan_of(asked.models, asked.work, asked.seeds)

    def say(what: str, done: int, total: int) -> None:
        print(what, done, total, f"{time.process_time() - began:.0f} s", file=sys.stderr, flush=True)

    parts = run(plan, asked.work / "parts", progress=say)
    rows = table(plan, parts)
    result: dict[str, Any] = {
        "date": asked.date,
        "revision": asked.revision,
        "plan": {"texts": plan.texts * len(plan.seeds), "wrong_keys": plan.wrong_keys, "judged": plan.judged},
        "teacher": json.loads((asked.models / "teacher.json").read_text(encoding="utf-8")),
        "rows": [row.flat() for row in rows],
        "unmarked": {
            str(job.entropy): {"entropy": part["entropy"], **part["quality"]}
            for job, part in parts
            if job.scheme is None and job.seed == 0
        },
        "survival": survival.measured(Path(os.environ["HEADWATER_CORPORA"]), plan, parts),
    }
    result["predicted"] = survival.predicted(plan, parts, result["survival"])
    if asked.plot:
        from robustness_plot import drawn

        asked.plot.write_text(drawn(result), encoding="utf-8")
    text = packed(result)
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
    print(text, end="")
    if asked.pages:
        figures.write()


def packed(result: dict[str, Any]) -> str:
    """The figures as JSON, tables as their columns and a row a line."""
    rest = {name: value for name, value in result.items() if name not in TABLES}
    parts = [json.dumps(rest, indent=1, ensure_ascii=False)[:-2]]
    for name in TABLES:
        columns = list(result[name][0])
        lines = ",\n".join(json.dumps(list(row.values()), ensure_ascii=False) for row in result[name])
        parts.append(f',\n "{name}": {{"columns": {json.dumps(columns)}, "rows": [\n{lines}\n]}}')
    return "".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
