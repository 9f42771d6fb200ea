"""Runs a plan: writes answers, attacks them, reads them; one part for each scheme, entropy and seed, in processes.

Each part is kept in a file as soon as it is done, under what it depends on, so that a run that was interrupted goes on
where it was, and its table is the same.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from headwater.mark.bench.attacks import Attack, Marked
from headwater.mark.bench.entrant import Entrant, SchemeEntrant
from headwater.mark.bench.material import Loaded, attacks_of, checked, loaded, schemes_of
from headwater.mark.bench.pen import Plain
from headwater.mark.bench.plan import Plan, Spec, sha256
from headwater.mark.bench.quality import quality
from headwater.mark.bench.reading import Readings, log_ps, readings
from headwater.mark.bench.writing import Sharpening, Written, batches, write
from headwater.mark.scheme import MarkKey

Ints = NDArray[np.int64]
Part = dict[str, Any]
Progress = Callable[[str, int, int], None]
#: The levels of false positives that are counted, as ln p.
LEVELS = (1e-2, 1e-3)
#: Tokens of a text that perplexity is taken of.
_JUDGED_TOKENS = 256
#: How many times as much unmarked text as marked an attack has at hand.
_OTHER = 3


@dataclass(frozen=True)
class Job:
    """One part. `scheme`: None writes the unmarked answers that the others are compared with and mixed with."""

    scheme: Spec | None
    entropy: float
    seed: int

    def name(self, digest: str) -> str:
        """The file that its part is kept in."""
        who = None if self.scheme is None else [self.scheme.name, dict(self.scheme.settings)]
        kind = "unmarked" if self.scheme is None else "marked"
        return f"{kind}-{sha256([digest, who, self.entropy, self.seed])[:24]}.json"


def run(
    plan: Plan, folder: Path, *, processes: int = 1, progress: Progress = lambda *_: None
) -> list[tuple[Job, Part]]:
    """All parts of `plan`, in its order; those that `folder` holds already aren't made again.

    Errors of schemes, attacks and files are raised before anything is written.
    """
    checked(plan)
    digest = plan.digest()
    schemes = schemes_of(plan)
    unmarked = [Job(None, entropy, seed) for entropy in plan.entropies for seed in plan.seeds]
    marked = [Job(each, job.entropy, job.seed) for each in schemes for job in unmarked]
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Part] = {}
    total = len(unmarked) + len(marked)
    for jobs in (unmarked, marked):
        missing = []
        for job in jobs:
            part = _kept(folder / job.name(digest))
            if part is None:
                missing.append(job)
            else:
                found[job.name(digest)] = part
        progress("parts", len(found), total)
        for job, part in _done(plan, missing, folder, digest, processes):
            found[job.name(digest)] = part
            progress("parts", len(found), total)
    return [(job, found[job.name(digest)]) for job in [*unmarked, *marked]]


def _done(
    plan: Plan, jobs: list[Job], folder: Path, digest: str, processes: int
) -> Iterator[tuple[Job, Part]]:
    if processes <= 1 or len(jobs) <= 1:
        for job in jobs:
            yield job, part(plan, job, folder, digest)
        return
    with ProcessPoolExecutor(min(processes, len(jobs)), mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(part, plan, job, folder, digest): job for job in jobs}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def part(plan: Plan, job: Job, folder: Path, digest: str) -> Part:
    """Do one job and keep its part. One thread, so that sums are the same everywhere."""
    with threadpool_limits(1):
        held = loaded(plan.material)
        made = _unmarked(plan, job, held) if job.scheme is None else _marked(plan, job, held, folder, digest)
    _keep(folder / job.name(digest), made)
    kept = _kept(folder / job.name(digest))
    return made if kept is None else kept


def _unmarked(plan: Plan, job: Job, held: Loaded) -> Part:
    source = held.source(job.entropy)
    sharpening = held.sharpening(job.entropy)
    prompts = held.prompts(source, plan.texts, job.seed)
    length = max(plan.lengths)
    parts = [
        write(source, Plain(_random(job, "plain", rows.start)), prompts[rows], length, sharpening)
        for rows in batches(len(prompts))
    ]
    answers = np.concatenate([each.answers for each in parts])
    return {
        "temperature": sharpening.temperature,
        "entropy": round(float(np.mean([each.entropy.mean() for each in parts])), 4),
        "prompts": prompts.tolist(),
        "answers": answers.tolist(),
        "quality": vars(quality(_judged(list(answers), plan), held.judge)),
    }


def _marked(plan: Plan, job: Job, held: Loaded, folder: Path, digest: str) -> Part:
    assert job.scheme is not None
    plain = _kept(folder / Job(None, job.entropy, job.seed).name(digest))
    assert plain is not None
    source = held.source(job.entropy)
    entrant = held.entrant(job.scheme, source.size)
    keys = [entrant.key(_random(job, "key", row)) for row in range(plan.texts)]
    wrong = [_wrong(entrant, plan.wrong_keys, _random(job, "wrong", row)) for row in range(plan.texts)]
    sharpening = Sharpening(plain["temperature"], plan.material.top_p)
    prompts, others = np.array(plain["prompts"], np.int64), np.array(plain["answers"], np.int64)
    written = [
        write(
            source,
            entrant.pen(keys[rows], _random(job, "pen", rows.start)),
            prompts[rows],
            max(plan.lengths),
            sharpening,
        )
        for rows in batches(plan.texts)
    ]
    answers = np.concatenate([each.answers for each in written])
    cells, seen = _cells(plan, job, held, entrant, answers, others, keys, wrong)
    unmarked = {
        str(length): _counts(
            entrant.log_ps([(text[:length], keys) for text, keys in zip(others, wrong, strict=True)])
        )
        for length in plan.lengths
    }
    return {
        "label": entrant.label,
        "exact": entrant.exact,
        "temperature": sharpening.temperature,
        "entropy": _mean(written, "entropy"),
        "marked": _mean(written, "marked"),
        "cells": cells,
        "scores": _scores(entrant, answers, keys),
        "unmarked": unmarked,
        "quality": {name: vars(quality(_judged(texts, plan), held.judge)) for name, texts in seen.items()},
    }


def _cells(
    plan: Plan,
    job: Job,
    held: Loaded,
    entrant: Entrant,
    answers: Ints,
    others: Ints,
    keys: list[MarkKey],
    wrong: list[list[MarkKey]],
) -> tuple[dict[str, Any], dict[str, list[Ints]]]:
    """By attack and length ln p of each text and how often wrong keys were found; and the longest attacked texts."""
    attacks, words = attacks_of(plan, held.words), held.words
    cells: dict[str, Any] = {each.name: {} for each in attacks}
    seen: dict[str, list[Ints]] = {each.name: [] for each in attacks}
    more = [np.concatenate([others[(row + 1 + step) % len(others)] for step in range(_OTHER)])
            for row in range(len(others))]  # fmt: skip
    needs = words is not None and any(each.needs_text for each in attacks)
    texts = [words.decode(each) if needs and words is not None else "" for each in more]
    read: dict[tuple[str, int], list[Readings]] = {}
    for length in plan.lengths:
        given = [
            Marked(
                answer[:length],
                more[row],
                words.decode(answer[:length]) if needs and words is not None else "",
                texts[row],
            )
            for row, answer in enumerate(answers)
        ]
        for attack in attacks:
            read[attack.name, length] = [
                readings(_attacked(attack, marked, job, row, length), words)
                for row, marked in enumerate(given)
            ]
    under = [[key, *some] for key, some in zip(keys, wrong, strict=True)]
    every = iter(log_ps(entrant, [text for some in read.values() for text in some], under * len(read)))
    for (name, length), some in read.items():
        found = [next(every) for _ in some]
        log_p = [round(float(each[0]), 6) for each in found]
        cells[name][str(length)] = {"log_p": log_p, "wrong": _counts([each[1:] for each in found])}
        if length == max(plan.lengths):
            seen[name] = [each.tokens[0] for each in some[: plan.judged]]
    return cells, seen


def _scores(entrant: Entrant, answers: Ints, keys: list[MarkKey]) -> dict[str, float] | None:
    """Mean and variance of a marked unit's score, and units a token: what predictions are made of."""
    if not isinstance(entrant, SchemeEntrant):
        return None
    every = [entrant.scores(text, key) for text, key in zip(answers, keys, strict=True)]
    joined = np.concatenate(every).astype(float)
    return {
        "mean": round(float(joined.mean()), 6),
        "variance": round(float(joined.var()), 6),
        "units_a_token": round(len(joined) / answers.size, 6),
    }


def _attacked(attack: Attack, marked: Marked, job: Job, row: int, length: int) -> Ints | str:
    """The attack's chance depends on the text's number, not on the scheme: all schemes meet the same."""
    return attack(marked, _random(Job(None, job.entropy, job.seed), attack.name, row, length))


def _wrong(entrant: Entrant, count: int, random: np.random.Generator) -> list[MarkKey]:
    draw = getattr(entrant, "wrong_key", entrant.key)
    return [draw(random) for _ in range(count)]


def _counts(log_ps: list[NDArray[np.float64]]) -> list[int]:
    """How many p-values are at or below each level, and how many there are."""
    every = np.concatenate(log_ps)
    return [*(int((every <= np.log(level)).sum()) for level in LEVELS), len(every)]


def _judged(texts: list[Ints], plan: Plan) -> list[Ints]:
    return [text[:_JUDGED_TOKENS] for text in texts[: plan.judged]]


def _mean(written: list[Written], field: str) -> float:
    return round(float(np.concatenate([getattr(each, field) for each in written]).mean()), 4)


def _random(job: Job, *labels: object) -> np.random.Generator:
    who = None if job.scheme is None else [job.scheme.name, dict(job.scheme.settings)]
    return np.random.default_rng(int(sha256([who, job.entropy, job.seed, labels]), 16))


def _kept(path: Path) -> Part | None:
    """A part that was made before; None where there is none, or what lies there is damaged."""
    try:
        held = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return held if isinstance(held, dict) and held.pop("whole", False) is True else None


def _keep(path: Path, made: Part) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({**made, "whole": True}, file)
    Path(name).replace(path)
