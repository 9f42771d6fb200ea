"""Made-up students: a reference's laws, and a student's: those with noise, tilted by a key as far as is asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headwater.mark import MarkKey, Scheme, Units
from headwater.mark.student import About, Differences, joined, sparse
from headwater.mark.student.places import places

VOCABULARY = 512
LENGTH, PROMPT = 120, 10
ABOUT = About("student", "5" * 64, "reference", "4" * 64, "7" * 64, VOCABULARY, LENGTH, 512, 32, False)


def texts(count: int, seed: int) -> NDArray[np.int64]:
    """Texts (count, LENGTH) of tokens that fall as in speech: few are common."""
    random = np.random.default_rng(seed)
    chance = 1 / np.arange(1, VOCABULARY + 1)
    return random.choice(VOCABULARY, (count, LENGTH), p=chance / chance.sum())


def world(
    scheme: Scheme,
    *,
    count: int = 20,
    seed: int = 0,
    leans: dict[MarkKey, float] | None = None,
    given: NDArray[np.int64] | None = None,
    account: NDArray[np.int64] | None = None,
    accounts: tuple[str, ...] = (),
    only_own: bool = False,
) -> Differences:
    """Differences over `count` texts; the student leans to each key of `leans` by so much.

    `only_own`: to the i-th key only in texts of account i.
    """
    random = np.random.default_rng(seed + 1)
    read = texts(count, seed) if given is None else given
    owner = np.full(count, -1) if account is None else account
    rows = []
    for number, text in enumerate(read):
        at = np.arange(PROMPT, LENGTH)
        logits = np.stack([1.2 * np.log(1 / (1 + random.permutation(VOCABULARY))) for _ in at])
        reference = np.exp(logits)
        reference /= reference.sum(1, keepdims=True)
        student = reference * np.exp(0.25 * random.normal(size=reference.shape))
        for whose, (key, lean) in enumerate((leans or {}).items()):
            if not only_own or owner[number] == whose:
                student += lean * reference * _favour(scheme, key, text, reference)
        student = np.maximum(student, 0)
        rows.append(sparse(student / student.sum(1, keepdims=True), reference, kept=32))
    starts = np.arange(count + 1) * LENGTH
    position = (starts[:-1, None] + np.arange(PROMPT, LENGTH)).ravel()
    return Differences(
        read.ravel(), starts, np.full(count, PROMPT), position, joined(rows), np.asarray(owner), accounts
    )


def _favour(
    scheme: Scheme, key: MarkKey, text: NDArray[np.int64], law: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By how much the key favours each token at each place, where the scheme has one: mean 0 over keys."""
    found = np.zeros(law.shape)
    where, context = places(scheme, text, prompt=PROMPT)
    token = np.tile(np.arange(VOCABULARY), len(where))
    ones = np.ones(len(token), np.int64)
    units = Units(np.repeat(context, VOCABULARY, axis=0), token, np.arange(len(token)), ones, len(text))
    values, null = scheme.values(key, units), scheme.null
    if null.ones is not None:
        found[where - PROMPT] = (values.mean(1) - null.ones / null.size).reshape(len(where), VOCABULARY)
        return found
    power = 1 / law[where - PROMPT] - 1
    found[where - PROMPT] = ((values[:, 0].reshape(len(where), VOCABULARY) + 0.5) / null.size) ** power * (
        power + 1
    ) - 1
    return found
