"""What a decision costs, seen before and cold, and a replay; beside other ways to ask the same conditions.

All on one core, in CPU time, in one run: ten rules, and the shipped pack "balanced" (rules, limits, overlays). Peers:
cel-python (celpy) with its programs made beforehand, where it is installed, and the CEL that Headwater uses, compiled
anew for each decision or asked condition by condition.

    python benchmarks/policy/policy.py --date 2026-01-31 [--out benchmarks/policy/policy.json]
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import record
from headwater.policy import Decider, Facts, Pack, Subject, parse_pack, read_facts, replay, shipped

SEED = 20261127
COLD, WARM, REPLAYED, PEERS = 20_000, 200_000, 1_000_000, 2_000
#: What the issue asks for.
BARS = {"warm_us": 10.0, "cold_us": 60.0, "replay_s": 100_000.0}

_CONDITIONS = (
    "true",
    "word in ['possible', 'likely', 'confirmed'] && terms_accepted_days < 0",
    "word in ['possible', 'likely', 'confirmed'] && probability >= 0.5 && groups >= 1",
    "word in ['likely', 'confirmed'] && probability >= 0.9 && groups >= 2",
    "word in ['likely', 'confirmed'] && probability >= 0.99 && chance < 0.1 && groups >= 2",
    "kind == 'extraction ring' && probability >= 0.99 && chance < 0.01 && account_firm && tier < 2",
    "kind == 'extraction ring' && probability >= 0.999 && chance <= 0.001 && groups >= 3 && account_share >= 0.5",
    "word == 'confirmed' && probability >= 0.999 && groups >= 3 && firm >= 3 && account_firm && notices >= 1",
    "word == 'confirmed' && notices >= 3 && reversals == 0 && account_share >= 0.8",
    "exchanges > 0 && double(accounts) / double(exchanges) < 0.5 && purpose == '' && outcomes >= 20",
)
_RUNGS = (
    "observe",
    "notice",
    "notice",
    "shape",
    "reduce",
    "step-up",
    "quarantine",
    "suspend",
    "ban",
    "shape",
)


def ten_rules() -> Pack:
    """A pack of ten rules."""
    rules = [
        {"id": f"rule-{at}", "rung": rung, "when": when, "reason": "A reason."}
        for at, (rung, when) in enumerate(zip(_RUNGS, _CONDITIONS, strict=True))
    ]
    return parse_pack(json.dumps({"name": "ten", "rules": rules}).encode(), "ten.yaml")


def facts(count: int, draw: Random) -> list[Facts]:
    """As many different facts."""
    words = ("likely", "possible", "confirmed", "inconclusive")
    return [
        Facts(
            draw.choice(words),
            draw.choice((0.4, 0.8, 0.95, 0.995, 0.9999)),
            draw.choice((0.001, 0.05, 0.5)),
            draw.choice(("extraction ring", "undetermined", "relay or reseller")),
            accounts := draw.randrange(1, 3000),
            100 * accounts + at,
            draw.randrange(6),
            draw.choice(("", "", "", "evaluator: a")),
            accounts // 2,
            tier=draw.randrange(4),
            customer=draw.choice(("unknown", "consumer", "business", "enterprise")),
            region=draw.choice(("", "DE", "US")),
            terms_accepted_days=draw.randrange(-1, 400),
            notices=draw.randrange(3),
            account_firm=draw.random() < 0.5,
            account_share=draw.random(),
        )
        for at in range(count)
    ]


def us_each(decide: Callable[[Facts], object], several: Sequence[Facts]) -> float:
    """CPU microseconds a call, without what the collector does in between."""
    gc.collect()
    gc.disable()
    began = time.process_time()
    for each in several:
        decide(each)
    spent = time.process_time() - began
    gc.enable()
    return 1e6 * spent / len(several)


def best(rounds: int, measure: Callable[[], float]) -> dict[str, Any]:
    """The least of several rounds, and all of them: what disturbs a machine only adds."""
    every = [measure() for _ in range(rounds)]
    return {"us": min(every), "all_us": every}


def ours(pack: Pack, rounds: int) -> dict[str, Any]:
    """A decision cold, and where the same facts were seen before."""
    several = facts(COLD, Random(SEED))
    warm = Decider(pack)
    for each in several[:1000]:
        warm.decide(each)
    return {
        "conditions": sum(1 for _ in pack.conditions()),
        "cold": best(rounds, lambda: us_each(Decider(pack).decide, several)),
        "seen_before": best(rounds, lambda: us_each(warm.decide, several[:1000] * (WARM // 1000))),
    }


def peers(pack: Pack, rounds: int) -> dict[str, Any]:
    """The same conditions asked in other ways; no order, no digests, no duties."""
    import cel

    texts = [each.text for each in pack.conditions()]
    several = [asdict(each) for each in facts(PEERS, Random(SEED))]
    whole = f"[{','.join(f'({text})' for text in texts)}]"
    made = [cel.compile(text) for text in texts]
    ways: dict[str, Callable[[Any], object]] = {
        "common-expression-language, compiled for each decision": lambda values: cel.evaluate(whole, values),
        "common-expression-language, condition by condition": lambda values: [
            program.execute(values) for program in made
        ],
    }
    told: dict[str, Any] = {}
    if importlib.util.find_spec("celpy"):
        ways["cel-python, condition by condition"] = _celpy(texts)
        told["cel-python version"] = version("cel-python")
    else:
        told["cel-python version"] = "not installed"
    for name, way in ways.items():
        few = several[: 200 if "cel-python" in name else PEERS]
        told[name] = best(rounds, lambda way=way, few=few: us_each(way, few))  # type: ignore[misc]
    return told


def _celpy(texts: Sequence[str]) -> Callable[[Any], object]:
    import celpy

    environment = celpy.Environment()
    programs = [environment.program(environment.compile(text)) for text in texts]

    def decide(values: dict[str, Any]) -> object:
        context = {name: celpy.json_to_cel(value) for name, value in values.items()}
        return [program.evaluate(context) for program in programs]

    return decide


def replays(pack: Pack, rounds: int) -> dict[str, Any]:
    """Decisions a second of a replay with so many distinct facts, from records in memory and from a file."""
    told = {}
    for distinct in (0.1, 0.3, 1.0):
        different = facts(int(distinct * REPLAYED), Random(SEED))
        draw = Random(SEED)
        draw_from = [*different, *draw.choices(different, k=REPLAYED - len(different))]
        draw.shuffle(draw_from)
        subjects = [
            Subject(f"acct-{at % 60_000:06}", f"ring-{at % 50}", each, 1) for at, each in enumerate(draw_from)
        ]

        def once(subjects: list[Subject] = subjects) -> float:
            began = time.process_time()
            replay(pack, subjects)
            return len(subjects) / (time.process_time() - began)

        every = [once() for _ in range(rounds)]
        told[f"{distinct:.0%} distinct"] = {"decisions_s": max(every), "all_decisions_s": every}
        if distinct == 0.1:
            told["10% distinct, from a file"] = {"decisions_s": max(_from_file(pack, subjects, rounds))}
    return {"decisions": REPLAYED, **told}


def _from_file(pack: Pack, subjects: Sequence[Subject], rounds: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facts.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for each in subjects:
                told = {"account": each.account, "campaign": each.campaign, "exchanges": 1}
                file.write(json.dumps(told | {"facts": asdict(each.facts)}) + "\n")
        every = []
        for _ in range(rounds):
            began = time.process_time()
            replay(pack, read_facts(path))
            every.append(len(subjects) / (time.process_time() - began))
        return every


def main() -> None:
    """Measure and keep."""
    parser = record.options(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    result: dict[str, Any] = {
        "date": asked.date,
        "revision": asked.revision,
        "machine": {
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
            "load": os.getloadavg()[0],
        },
        "bars": BARS,
    }
    for name, pack in (("ten rules", ten_rules()), ("balanced", shipped("balanced"))):
        result[name] = {
            **ours(pack, asked.rounds),
            "peers": peers(pack, asked.rounds),
            "replay": replays(pack, asked.rounds),
        }
    record.keep(result, asked)


if __name__ == "__main__":
    main()
