"""Scores the estimate of prevalence: does its interval hold the truth, on corpora and models it wasn't fitted on?

Human text of the score side with answers of the score side's models mixed in at known shares. A resample draws a human
domain (kinds alike), a source of answers, and rows of both, each once where there are enough of them. Where the
estimate refuses it is counted apart. A run on the score side goes into `score_runs.tsv`.

    HEADWATER_CORPORA=… python benchmarks/audit/prevalence.py --date 2026-01-31 --revision abc --reason "…" [--out FILE]
    … --rehearse    the same on the tune side, which the estimate has seen: tries the script, opens no score file
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from prevalence_corpora import Source, sources

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import record
from headwater.provenance.prevalence import NotEstimated, Prevalence, estimate
from headwater.provenance.prevalence.estimate import inferred
from headwater.provenance.prevalence.fitted import Given, fitted
from headwater.provenance.prevalence.interval import clopper_pearson

Floats = npt.NDArray[np.float64]
SHARES = (0.0, 0.001, 0.01, 0.1, 0.5)
RESAMPLES, BY_DOMAIN, ROWS = 200, 60, 500
#: Readable texts that a source needs; and that one needs which gives its own reference; texts of a reference.
FEWEST, HALVED, REFERENCE = 60, 300, 200
#: Resamples of 200 whose interval must hold the truth.
BAR = 183


@dataclass(frozen=True)
class Scored:
    """A source and its readable texts' scores."""

    source: Source
    scores: Floats


@dataclass(frozen=True)
class Trial:
    """One resample: what was mixed and what was said."""

    human: str
    machine: str
    share: float
    said: Prevalence | NotEstimated

    @property
    def covers(self) -> bool:
        return isinstance(self.said, Prevalence) and self.said.low <= self.share <= self.said.high


def mixed(human: Floats, machine: Floats, share: float, rng: np.random.Generator) -> Floats:
    many = rng.binomial(ROWS, share)
    parts = [
        rng.choice(scores, size, replace=size > len(scores))
        for scores, size in ((human, ROWS - many), (machine, many))
    ]
    return np.concatenate(parts)


def trial(human: Scored, machine: Scored, share: float, given: Given, rng: np.random.Generator) -> Trial:
    """One resample. References and corpus are drawn from different halves of a source."""
    parts = []
    for part, writer in ((human, "human"), (machine, "machine")):
        order = rng.permutation(part.scores)
        kept = min(REFERENCE, len(order) // 2) if given in (writer, "both") else 0
        parts.append((order[kept:], order[:kept] if kept else None))
    sample = mixed(parts[0][0], parts[1][0], share, rng)
    said = inferred(sample, fitted(), human=parts[0][1], machine=parts[1][1], given=given, level=0.95)
    return Trial(human.source.name, machine.source.name, share, said)


def drawn(humans: Sequence[Scored], rng: np.random.Generator) -> Scored:
    """A human domain: kinds alike, then domains of a kind alike."""
    kinds = sorted({each.source.cluster for each in humans})
    kind = kinds[rng.integers(len(kinds))]
    of_kind = [each for each in humans if each.source.cluster == kind]
    return of_kind[rng.integers(len(of_kind))]


def summed(trials: Sequence[Trial]) -> dict[str, Any]:
    """Coverage with its exact interval, and how wide the intervals were."""
    said = [each.said for each in trials if isinstance(each.said, Prevalence)]
    held = sum(each.covers for each in trials)
    if not said:
        return {"resamples": len(trials), "refused": len(trials)}
    low, high = clopper_pearson(held, len(said), 0.95)
    widths = [each.high - each.low for each in said]
    return {
        "resamples": len(trials),
        "refused": len(trials) - len(said),
        "covered": held,
        "coverage": round(held / len(said), 3),
        "coverage interval": [round(low, 3), round(high, 3)],
        "width, median": round(median(widths), 3),
        "width, nine tenths": round(float(np.quantile(widths, 0.9)), 3),
        "says nothing (over 0.95 wide)": round(float(np.mean(np.array(widths) > 0.95)), 3),
        "low, median": round(median(each.low for each in said), 4),
        "high, median": round(median(each.high for each in said), 3),
        "estimate, median": round(median(each.estimate for each in said), 4),
        "width from": {
            name: round(float(np.mean([getattr(each.width_from, name) for each in said])), 3)
            for name in ("sampling", "reference", "domain")
        },
    }


def tables(humans: list[Scored], machines: list[Scored], given: Given, seed: int) -> dict[str, Any]:
    """Pooled figures by share; and, pooled over shares, by human domain and by source of answers."""
    humans = [each for each in humans if given in ("none", "machine") or len(each.scores) >= HALVED]
    machines = [each for each in machines if given in ("none", "human") or len(each.scores) >= HALVED]
    if not humans or not machines:
        return {}
    rng = np.random.default_rng(seed)
    pooled: dict[float, list[Trial]] = {}
    for share in SHARES:
        pooled[share] = [
            trial(drawn(humans, rng), machines[rng.integers(len(machines))], share, given, rng)
            for _ in range(RESAMPLES)
        ]
        print(given, share, summed(pooled[share]), flush=True)
    every = [each for trials in pooled.values() for each in trials]
    names = sorted({each.machine for each in every})
    found: dict[str, Any] = {
        "human domains": [each.source.name for each in humans],
        "sources of answers": [each.source.name for each in machines],
        "by share": {str(share): summed(trials) for share, trials in pooled.items()},
        "by source of answers": {name: short([e for e in every if e.machine == name]) for name in names},
    }
    if given == "none":
        found["by domain"] = {}
        for human in humans:
            row = {}
            for share in SHARES:
                trials = [
                    trial(human, machines[rng.integers(len(machines))], share, given, rng)
                    for _ in range(BY_DOMAIN)
                ]
                row[str(share)] = short(trials)
            found["by domain"][human.source.name] = row
    return found


def short(trials: Sequence[Trial]) -> dict[str, Any]:
    whole = summed(trials)
    return {key: whole[key] for key in ("resamples", "refused", "coverage", "width, median") if key in whole}


def same_task(humans: list[Scored], machines: list[Scored], given: Given) -> dict[str, Any]:
    """People and models at one task: what a set of answers with some machine answers among them looks like."""
    rng = np.random.default_rng(4)
    pairs = [(h, m) for h in humans for m in machines if h.source.cluster == m.source.cluster]
    pairs = [pair for pair in pairs if given == "none" or len(pair[0].scores) >= HALVED]
    return {
        f"{human.source.name} with {machine.source.name}": {
            str(share): short([trial(human, machine, share, given, rng) for _ in range(BY_DOMAIN)])
            for share in SHARES
        }
        for human, machine in pairs
    }


def two_domains(humans: list[Scored]) -> dict[str, Any]:
    """Two human domains in one corpus and no machine text: where the estimate is expected to err."""
    rng = np.random.default_rng(6)
    trials = []
    for _ in range(RESAMPLES):
        first, second = drawn(humans, rng), drawn(humans, rng)
        while second.source.cluster == first.source.cluster:
            second = drawn(humans, rng)
        sample = np.concatenate([rng.choice(first.scores, ROWS // 2), rng.choice(second.scores, ROWS // 2)])
        said = inferred(sample, fitted(), human=None, machine=None, given="none", level=0.95)
        trials.append(Trial(first.source.name, second.source.name, 0.0, said))
    return summed(trials)


def as_they_are(found: list[Source]) -> dict[str, Any]:
    """The public call on each source's first thousand texts, short ones and other languages among them."""
    said: dict[str, Any] = {}
    for source in found:
        answer = estimate(source.texts[:ROWS], seed=1) if source.texts else None
        if isinstance(answer, Prevalence):
            said[source.name] = [source.writer, round(answer.low, 3), round(answer.high, 3), answer.left_out]
        elif answer is not None:
            said[source.name] = [source.writer, answer.reason, answer.left_out]
    return said


def speed(texts: Sequence[str]) -> float:
    """Texts of 3 KB that are read and scored a second."""
    joined = " ".join(texts)[:3_000_000]
    rows = [joined[at : at + 3000] for at in range(0, len(joined) - 3000, 3000)]
    began = time.perf_counter()
    fitted().scorer.of(rows)
    return len(rows) / (time.perf_counter() - began)


def kept(found: list[Source], writer: str) -> list[Scored]:
    scorer = fitted().scorer
    scored = [Scored(source, scorer.of(source.texts)) for source in found if source.writer == writer]
    return [each for each in scored if len(each.scores) >= FEWEST]


def main() -> int:
    parser = record.options(__doc__)
    parser.add_argument("--reason", default="")
    parser.add_argument("--rehearse", action="store_true")
    asked = parser.parse_args()
    if not asked.rehearse and not (asked.reason and asked.revision):
        parser.error("a run on the score side says its reason and the commit")
    root = Path(os.environ["HEADWATER_CORPORA"])
    side = "tune" if asked.rehearse else "score"
    found = sources(root, side, readable=True)
    humans, machines, unknown = (kept(found, writer) for writer in ("human", "machine", "unknown"))
    result: dict[str, Any] = {
        "date": asked.date,
        "revision": asked.revision,
        "side": side,
        "rows": ROWS,
        "level": 0.95,
        "bar": f"{BAR} of {RESAMPLES}",
        "texts": {
            each.source.name: [each.source.writer, len(each.scores)] for each in humans + machines + unknown
        },
    }
    kinds: tuple[Given, ...] = ("none", "human", "machine", "both")
    for seed, given in enumerate(kinds):
        result[f"references: {given}"] = tables(humans, machines, given, 100 + seed)
    result["same task"] = {given: same_task(humans, machines, given) for given in ("none", "human")}
    result["two human domains in one corpus, no machine text"] = two_domains(humans)
    result["sources as they are"] = as_they_are(sources(root, side, readable=False))
    result["texts of 3 KB a second"] = round(speed(found[0].texts + found[1].texts))
    shares = result["references: none"]["by share"]
    result["bar met"] = {share: row.get("covered", 0) >= BAR for share, row in shares.items()}
    record.keep(result, asked)
    if not asked.rehearse:
        logged(asked, shares)
    return 0


def logged(asked: Any, shares: dict[str, Any]) -> None:
    """One line for each look at the score side."""
    path = Path(__file__).with_name("score_runs.tsv")
    if not path.exists():
        path.write_text(
            "date\tcommit\treason\tcovered of 200 at 0, 0.1%, 1%, 10%, 50%\trefused\tmedian widths\n", "utf-8"
        )
    columns = [
        ", ".join(str(row.get("covered", 0)) for row in shares.values()),
        ", ".join(str(row["refused"]) for row in shares.values()),
        ", ".join(str(row.get("width, median", "")) for row in shares.values()),
    ]
    with path.open("a", encoding="utf-8") as file:
        file.write("\t".join([asked.date, asked.revision, asked.reason, *columns]) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
