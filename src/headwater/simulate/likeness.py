"""How much more alike one account's texts are than those of different accounts: the author effect, measured.

Groups of accounts with a few texts each are compared by hashed character n-grams. Two figures come out: z,
the within-account likeness against relabelling at random, and an intraclass correlation. Fitting and worlds
use the same function, so that what is fitted is what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.simulate.chance import Floats
from headwater.simulate.topics import ngram_counts, weigh

#: Shapes of the groups: accounts × texts each.
SHAPES = ((5, 5), (10, 5), (20, 5), (20, 10))
_READ = 300
_DIMS = 2048


@dataclass(frozen=True)
class Likeness:
    """Figures of random groups of one shape: one z and one intraclass correlation per group."""

    z: Floats
    icc: Floats


def group_likeness(gram: NDArray[np.floating], accounts: int, each: int) -> tuple[float, float]:
    """(z, intraclass correlation) of one group.

    `gram` holds inner products of unit vectors, rows ordered by account, `each` rows per account. z is the
    sum of within-account products against its exact mean and standard deviation over all relabellings (the
    law of a sum of a matrix over random equal blocks); the correlation is (within − between) / (1 − between).
    """
    n, k = accounts * each, each
    g = np.asarray(gram, dtype=np.float64).copy()
    np.fill_diagonal(g, 0.0)
    total = g.sum()
    within = float(np.einsum("iaib->", g.reshape(accounts, k, accounts, k)))
    squares, rows = float((g**2).sum()), float((g.sum(axis=1) ** 2).sum())
    # Chance that two, three (in one block) and four (in two pairs) rows fall together.
    pair = (k - 1) / (n - 1)
    three = pair * (k - 2) / (n - 2)
    four = pair * ((k - 2) * (k - 3) + (n - k) * (k - 1)) / ((n - 2) * (n - 3))
    touching = 4 * (rows - squares)
    variance = (
        2 * squares * pair
        + touching * three
        + (total**2 - 2 * squares - touching) * four
        - (total * pair) ** 2
    )
    mean_within = within / (n * (k - 1))
    mean_between = (total - within) / (n * (n - k))
    icc = (mean_within - mean_between) / max(1.0 - mean_between, 1e-9)
    return (within - total * pair) / float(np.sqrt(max(variance, 1e-12))), float(icc)


def author_effect(
    texts_of: Mapping[str, Sequence[str]],
    rng: np.random.Generator,
    groups: int = 40,
    shapes: Sequence[tuple[int, int]] = SHAPES,
) -> dict[tuple[int, int], Likeness]:
    """Author effect of a community: random groups of each shape that it has accounts for.

    Each account counts with at most ten different texts, chosen at random; a shape needs twice as many
    accounts as its groups have. The features are weighted and centred over the community.
    """
    chosen: list[list[str]] = []
    for account in sorted(texts_of):
        different = list(dict.fromkeys(texts_of[account]))
        if len(different) >= 5:
            chosen.append([different[i] for i in rng.permutation(len(different))[:10]])
    found: dict[tuple[int, int], Likeness] = {}
    if not chosen:
        return found
    vectors = weigh(ngram_counts([text for own in chosen for text in own], _DIMS, read=_READ))
    starts = np.cumsum([0] + [len(own) for own in chosen])
    for accounts, each in shapes:
        able = np.array([i for i, own in enumerate(chosen) if len(own) >= each])
        if len(able) < 2 * accounts:
            continue
        figures = []
        for _ in range(groups):
            members = able[rng.choice(len(able), accounts, replace=False)]
            rows = np.concatenate([starts[i] + rng.permutation(len(chosen[i]))[:each] for i in members])
            figures.append(group_likeness(vectors[rows] @ vectors[rows].T, accounts, each))
        z, icc = np.array(figures).T
        found[accounts, each] = Likeness(z, icc)
    return found
