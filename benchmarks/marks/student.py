"""Can a student be told by the marks in its teacher's answers? Students distilled here, held against every test.

    OMP_NUM_THREADS=1 python benchmarks/marks/student.py --date 2026-11-28 --models FOLDER --work FOLDER [--seeds 3]
        [--out FILE.json] [--plot FILE.svg]

Needs torch, a C++ compiler, HEADWATER_CORPORA, and in `--models` the `teacher.npz`, `proxy.npz` (the students' base)
and `tokenizer.json` of `benchmarks/marks/lm/train.py`. Answers, students and measurements are kept in `--work` and made
only where they are missing: two hours of one core from nothing. `--measure` leaves out what isn't made yet.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT / "benchmarks"),
    str(ROOT / "benchmarks/marks"),
    str(ROOT / "benchmarks/marks/lm"),
    str(ROOT / "benchmarks/detection"),
]

import numpy as np  # noqa: E402
import student_accounts  # noqa: E402
import student_models  # noqa: E402
import student_tests  # noqa: E402
import student_worlds  # noqa: E402
import torch  # noqa: E402
from intervals import clopper_pearson  # noqa: E402
from student_worlds import MORE, PROMPT, WORLDS, Kept, World  # noqa: E402

import record  # noqa: E402

LEVELS = (0.5, 0.1, 0.01, 0.001)


def measured(kept: Kept, world: World, seed: int) -> dict[str, Any]:
    """All tests of one student, kept once made."""
    path = kept.path("measured", world.name, seed, ".json")
    if not path.exists():
        began = time.process_time()
        if not world.scheme:
            student = kept.student(world, seed)
            answers = student_tests.answered(kept, student, seed)
            made: dict[str, Any] = {"world": world.name, "seed": seed}
            made["collateral"] = student_tests.collateral(kept, student, answers)
        elif world.accounts:
            made = student_accounts.one_student(kept, world, seed)
        else:
            control = kept.student(WORLDS[0], seed)
            made = student_tests.one_student(kept, world, seed, control, every=seed == 0)
        made["cpu_s"] = round(time.process_time() - began)
        path.write_text(json.dumps(made) + "\n", encoding="utf-8")
        kept.say(f"measured {world.name} {seed}: {made['cpu_s']} s")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def wrong(every: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of keys that nobody used: how often p is below each level, by scheme, and over all."""
    by_name: dict[str, list[float]] = {}
    for each in every:
        for name in (each["world"], "all together"):
            by_name.setdefault(name, []).extend(each.get("wrong", []))
    rows = []
    for name, logs in by_name.items():
        if not logs:
            continue
        p = np.exp(logs)
        rates = []
        for level in LEVELS:
            hits = int((p <= level).sum())
            low, high = clopper_pearson(hits, len(p))
            rates.append({"level": level, "rate": hits / len(p), "low": low, "high": high})
        # The largest step between the p-values' distribution and the even one.
        ordered, count = np.sort(p), len(p)
        apart = max(
            float((np.arange(1, count + 1) / count - ordered).max()),
            float((ordered - np.arange(count) / count).max()),
        )
        rows.append({"world": name, "keys": len(p), "rates": rates, "kolmogorov": round(apart, 5)})
    return rows


def models(kept: Kept) -> dict[str, Any]:
    """What teacher, base and sibling make of the same texts."""
    novels, answers = student_tests.probes(kept).tokens[:64], kept.held_answers()
    made: dict[str, Any] = {}
    for name, model in (("teacher", kept.teacher), ("base", kept.base), ("sibling", kept.sibling())):
        made[name] = {
            "parameters": sum(p.numel() for p in model.parameters()),
            "loss_novels": round(student_models.held_out(model, novels, PROMPT), 4),
            "loss_unmarked_answers": round(student_models.held_out(model, answers, PROMPT), 4),
        }
    return made


def plan(seeds: int) -> list[tuple[World, int]]:
    """Every student that there is to be, seed by seed."""
    return [(world, seed) for seed in range(seeds) for world in WORLDS] + [(world, 0) for world in MORE]


def gathered(kept: Kept, seeds: int, *, all_of_it: bool) -> list[dict[str, Any]]:
    """Every student's measurements; those that aren't made yet only if `all_of_it`."""
    found = []
    for world, seed in plan(seeds):
        ready = kept.path("student", world.name, seed, ".npz").exists()
        control = kept.path("student", WORLDS[0].name, seed, ".npz").exists()
        if all_of_it or (ready and control):
            found.append(measured(kept, world, seed))
    return found


def main() -> None:
    """Make, measure and keep."""
    parser = record.options(__doc__)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--measure", action="store_true", help="make no student that isn't there")
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    say = lambda what: print(time.strftime("%H:%M:%S"), what, file=sys.stderr, flush=True)  # noqa: E731
    kept = Kept(asked.work, asked.models, Path(os.environ["HEADWATER_CORPORA"]), say)
    every = gathered(kept, asked.seeds, all_of_it=not asked.measure)
    result: dict[str, Any] = {
        "date": asked.date,
        "revision": asked.revision,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "torch": torch.__version__},
        "models": models(kept),
        "training": {
            "length": student_worlds.LENGTH,
            "teacher_tokens": [
                student_worlds.answers_of(seed) * student_worlds.LENGTH for seed in range(asked.seeds)
            ],
            "epochs": student_worlds.EPOCHS,
            "vocabulary": student_tests.VOCABULARY,
        },
        "wrong": wrong(every),
    }
    known = {(each["world"], each["seed"]) for each in every}
    result["missing"] = [
        f"{world.name} (seed {seed})" for world, seed in plan(asked.seeds) if (world.name, seed) not in known
    ]
    paraphrased = kept.folder / "survival.json"
    if paraphrased.exists():
        result["paraphrase"] = json.loads(paraphrased.read_text(encoding="utf-8"))
    result["students"] = [{name: what for name, what in each.items() if name != "wrong"} for each in every]
    record.keep(result, asked)
    if asked.plot:
        from student_plot import drawn

        asked.plot.write_text(drawn(result), encoding="utf-8")


if __name__ == "__main__":
    main()
