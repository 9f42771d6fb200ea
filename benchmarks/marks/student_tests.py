"""What tests of a student say: every mode of `headwater.mark.student`, against several references, for one student.

Nothing of the tests is written here: laws go in, the room's own coefficients, tails and wealth come out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import gpt
import numpy as np
import student_models
import student_serve
from numpy.typing import NDArray
from student_serve import Mark
from student_worlds import LENGTH, PROMPT, Kept, World, keyed, owners

from headwater.mark.scheme import MarkKey, Scheme
from headwater.mark.student import Coefficients, Differences, Sequential, coefficients, joined, sparse

Ints = NDArray[np.int64]
#: Texts of a test of weights, prompts of a test by answers.
TEXTS, QUERIES = 128, 256
VOCABULARY = 4096
#: Keys that nobody used, on so many texts of a test.
WRONG, WRONG_TEXTS = 9000, 3
LOG10 = math.log(10)


@dataclass(frozen=True)
class Read:
    """Texts (rows, n) that are read from `begun` on; `owner` (rows,): whose each is; `served`: by the provider."""

    tokens: Ints
    begun: int
    served: bool
    owner: Ints
    accounts: tuple[str, ...] = ()


class Uniform:
    """No reference: all tokens alike."""

    def laws(self, rows: int, length: int) -> NDArray[np.float32]:
        """The law that says nothing."""
        return np.full((rows, length, VOCABULARY), 1 / VOCABULARY, np.float32)


def probes(kept: Kept, rows: int = TEXTS) -> Read:
    """Passages of novels that nobody was trained on and nobody marked."""
    tokens = kept.prompts(1000, rows, probe=True, length=PROMPT + LENGTH)
    return Read(tokens, PROMPT, False, np.full(rows, -1))


def logs(kept: Kept, world: World, seed: int, each: int = TEXTS) -> Read:
    """What the provider kept of its own answers: the first `each` of each account."""
    served, owner = kept.answers(world, seed), owners(world, seed)
    count = max(1, len(world.accounts))
    rows = np.concatenate([np.flatnonzero(owner == number)[:each] for number in range(count)])
    names = tuple(f"account {number}" for number in range(count)) if world.accounts else ()
    return Read(served[rows], PROMPT, True, owner[rows] if names else np.full(len(rows), -1), names)


def compared(
    read: Read, students: dict[str, gpt.GPT], references: dict[str, gpt.GPT | Uniform], batch: int = 16
) -> dict[tuple[str, str], Differences]:
    """Each student's differences from each reference."""
    parts: dict[tuple[str, str], list[Any]] = {(one, two): [] for one in students for two in references}
    length = read.tokens.shape[1] - read.begun
    for first in range(0, len(read.tokens), batch):
        rows = read.tokens[first : first + batch]

        def flat(model: gpt.GPT | Uniform, rows: Ints = rows) -> NDArray[np.float32]:
            if isinstance(model, Uniform):
                return model.laws(len(rows), length).reshape(-1, VOCABULARY)
            found = next(student_models.laws(model, rows, read.begun, batch))[1]
            return found.reshape(-1, VOCABULARY)

        ours = {name: flat(model) for name, model in students.items()}
        for other, model in references.items():
            theirs = flat(model)
            for name, law in ours.items():
                parts[name, other].append(sparse(law, theirs))
    count, whole = read.tokens.shape
    starts = np.arange(count + 1, dtype=np.int64) * whole
    position = (starts[:-1, None] + np.arange(read.begun, whole)).ravel()
    prompts = np.full(count, read.begun, np.int64)
    return {
        pair: Differences(
            read.tokens.ravel(), starts, prompts, position, joined(rows), read.owner, read.accounts
        )
        for pair, rows in parts.items()
    }


def of_key(read: Coefficients, key: MarkKey, *, fixed: bool = False) -> dict[str, float]:
    """One key: log10 p as a test reports it, z, contexts; `fixed`: also the tail that takes served texts as fixed."""
    total = read.totals([key])
    log_p = float((read.log_p_served(total) if read.served else read.log_p(total))[0])
    made = {
        "log10_p": round(log_p / LOG10, 2),
        "z": round(float(read.z(total)[0]), 2),
        "contexts": read.contexts,
    }
    if fixed and read.served:
        made["log10_p_fixed"] = round(float(read.log_p(total)[0]) / LOG10, 2)
    return made


def weights(
    scheme: Scheme, key: MarkKey, read: Read, found: dict[tuple[str, str], Differences], *, every: bool
) -> dict[str, dict[str, float]]:
    """Test `key` by each student and reference; without a reference the engine's own score is the fair one."""
    made = {}
    for (student, reference), each in found.items():
        some = coefficients(scheme, each, served=read.served, matched=reference != "none")
        made[f"{student} | {reference}"] = of_key(some, key, fixed=every and reference == "base")
    return made


def wrong_keys(
    scheme: Scheme, each: Differences, random: np.random.Generator, *, served: bool
) -> list[float]:
    """ln p of keys that nobody used, on some of the texts."""
    some = np.arange(len(each))[:WRONG_TEXTS]
    read = coefficients(scheme, each, served=served, texts=some)
    keys = [scheme.random_key(random) for _ in range(WRONG)]
    return [float(log) for log in read.log_p(read.totals(keys))]


def answered(kept: Kept, student: gpt.GPT, seed: int) -> Ints:
    """The student's answers to prompts that no training text had (queries, prompt + length)."""
    prompts = kept.prompts(2000 + seed, QUERIES, probe=True)
    return student_serve.serve(student, prompts, LENGTH, Mark("none"), np.zeros(QUERIES, np.int64), seed)


def by_answers(scheme: Scheme, key: MarkKey, answers: Ints) -> dict[str, float]:
    """The test by answers alone, one after another."""
    test, at = Sequential(scheme, key), 0
    for number, row in enumerate(answers):
        test.read(row, prompt=PROMPT)
        if not at and test.log_p() <= math.log(1e-3):
            at = number + 1
    wealth = test.wealth()
    return {
        "log10_p": round(wealth.log_p / LOG10, 2),
        "log10_p_exact": round(wealth.log_p_exact / LOG10, 2),
        "pairs": wealth.units,
        "queries_to_1e-3": at,
    }


def distinct_2(answers: Ints) -> float:
    """Distinct pairs of neighbours among all of them, within answers."""
    text = answers[:, PROMPT:]
    pairs = np.stack([text[:, :-1].ravel(), text[:, 1:].ravel()], 1)
    return round(len(np.unique(pairs, axis=0)) / len(pairs), 4)


def collateral(kept: Kept, student: gpt.GPT, answers: Ints) -> dict[str, float]:
    """What the mark costs the student: diversity, and nats a token of novels and of unmarked answers it never saw."""
    return {
        "distinct_2": distinct_2(answers),
        "loss_novels": round(student_models.held_out(student, probes(kept).tokens[:64], PROMPT), 4),
        "loss_unmarked_answers": round(student_models.held_out(student, kept.held_answers(), PROMPT), 4),
    }


def one_student(kept: Kept, world: World, seed: int, control: gpt.GPT, *, every: bool) -> dict[str, Any]:
    """All tests of one student whose text had one key; `control`: the unmarked student of the seed.

    `every`: against all references; otherwise the base and the sibling alone.
    """
    own, student = keyed(world, seed), kept.student(world, seed)
    scheme, key = own.scheme, own.mark.keys[0]
    assert scheme is not None
    references: dict[str, gpt.GPT | Uniform] = {"base": kept.base, "sibling": kept.sibling()}
    if every:
        references |= {"teacher": kept.teacher, "none": Uniform()}
    answers = answered(kept, student, seed)
    random = np.random.default_rng([seed, *world.name.encode()])
    made: dict[str, Any] = {"world": world.name, "seed": seed, "wrong": []}
    for mode, read in (("served log", logs(kept, world, seed)), ("unsupervised", probes(kept))):
        found = compared(read, {"student": student}, references)
        if world.how == "whole":
            found |= compared(read, {"unmarked": control}, {"base": kept.base})
        made[mode] = weights(scheme, key, read, found, every=every)
        made["wrong"] += wrong_keys(scheme, found["student", "base"], random, served=read.served)
    made["answers"] = by_answers(scheme, key, answers)
    made["collateral"] = collateral(kept, student, answers)
    return made
