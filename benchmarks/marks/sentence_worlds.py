"""Texts of twenty sentences, written under many keys at once, of real sentences that have a real paraphrase.

The drafts of one sentence are sentences of essays on one question (or the next, where one hasn't enough): drafts that
talk of the same thing, as a model's do. They are chosen as `mark.choosing` chooses, and read as it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.mark.choosing.fair import offsets
from headwater.mark.choosing.features import PAIRS, features
from headwater.mark.choosing.fingerprint import combined

SENTENCES = 20
Chosen = NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """`before`, `after`: (n, 2048) φ of sentences and of their paraphrases; `question`: (n,) whose."""

    before: NDArray[np.float64]
    after: NDArray[np.float64]
    question: NDArray[np.int64]


def world(before: NDArray[np.float64], after: NDArray[np.float64], question: NDArray[np.int64]) -> World:
    """From points (n, 16)."""
    return World(features(before), features(after), question)


def pools(question: NDArray[np.int64], drafts: int, random: np.random.Generator) -> NDArray[np.int64]:
    """(20, drafts) sentences, none twice, those of one question beside each other."""
    found: list[int] = []
    for one in random.permutation(np.unique(question)):
        found += random.permutation(np.flatnonzero(question == one)).tolist()
        if len(found) >= SENTENCES * drafts:
            break
    return np.array(found[: SENTENCES * drafts]).reshape(SENTENCES, drafts)


@dataclass(frozen=True)
class Written:
    """`chosen`: (20, keys) sentences; `keys`: (2048, keys); `share`: of each draft, how often it was chosen."""

    chosen: Chosen
    keys: NDArray[np.float64]
    pool: NDArray[np.int64]


def write(world: World, drafts: int, keys: int, random: np.random.Generator, *, fair: bool = True) -> Written:
    """One pool of drafts under many keys. `fair`: with the offsets that give every draft its chance."""
    pool = pools(world.question, drafts, random)
    vectors = random.standard_normal((2 * PAIRS, keys))
    chosen = np.empty((SENTENCES, keys), np.int64)
    for place, options in enumerate(pool):
        rows = world.before[options]
        scores = rows @ vectors
        if fair:
            chance = np.full(len(options), 1 / len(options))
            scores += offsets(rows @ rows.T, chance, random)[:, None]
        chosen[place] = options[scores.argmax(axis=0)]
    return Written(chosen, vectors, pool)


def scores(
    rows: NDArray[np.float64], written: Written, edit: Callable[[Chosen], Chosen] | None = None
) -> list[float]:
    """The standard normal score of each text under its key; `rows`: φ of what the reader sees of each sentence."""
    found = []
    for number in range(written.chosen.shape[1]):
        seen = written.chosen[:, number]
        vector = combined(rows[seen if edit is None else edit(seen)])
        if vector is not None:
            found.append(float(vector @ written.keys[:, number]))
    return found


def strangers(
    rows: NDArray[np.float64], written: Written, keys: int, random: np.random.Generator
) -> list[float]:
    """The same texts under keys that nobody used."""
    others = random.standard_normal((2 * PAIRS, keys))
    found: list[float] = []
    for number in range(min(written.chosen.shape[1], 20)):
        vector = combined(rows[written.chosen[:, number]])
        if vector is not None:
            found += (vector @ others).tolist()
    return found
