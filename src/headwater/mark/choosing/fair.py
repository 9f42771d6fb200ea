"""One of several drafts by keyed scores, so that over keys each is taken with the chance it had without a mark.

The draft with the highest score won't do: where two of three drafts resemble each other, their scores do too, and the
third is taken more often than a third of the time. Here a draft's score is raised by an offset that makes up for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Keys that nobody uses over which offsets are found; steps to them, and how smooth the first of them are.
_KEYS, _STEPS = 4096, 40
_SMOOTH: Final = (0.3, 0.04)


def by_chances(log_p: Sequence[float], times: Sequence[int]) -> int:
    """The draft that is taken by independent exact p-values, given as ln p; `times`: how often each was drawn.

    The greatest of u^(1/times), u being 1 - p: a draft that was drawn k times of m is taken with the chance k/m.
    """
    scores = [-_log_of_rest(each) / count for each, count in zip(log_p, times, strict=True)]
    return int(np.argmin(scores))


def by_normals(
    scores: NDArray[np.float64],
    gram: NDArray[np.float64],
    times: NDArray[np.int64],
    random: np.random.Generator,
) -> int:
    """The draft that is taken by scores (m,) that are standard normals over keys, with covariance `gram` (m, m).

    Of all rules that take a draft with the chance `times`/sum this one has the greatest mean score: an optimal
    transport from keys to drafts, whose potentials are the offsets. They are found on 4,096 keys drawn by `random`.
    """
    if len(scores) == 1:
        return 0
    return int(np.argmax(scores + offsets(gram, times / times.sum(), random)))


def offsets(
    gram: NDArray[np.float64], chance: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """(m,) what is added to scores so that each is the greatest with its chance (m,)."""
    values, vectors = np.linalg.eigh(gram)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn = random.standard_normal((_KEYS // 2, len(chance)), np.float32) @ root.T.astype(np.float32)
    drawn = np.concatenate([drawn, -drawn])
    found = np.zeros(len(chance))
    smooth = np.geomspace(*_SMOOTH, _STEPS)
    for step in smooth:
        lifted = (drawn + found.astype(np.float32)) / np.float32(step)
        lifted -= lifted.max(axis=1, keepdims=True)
        share = np.exp(lifted)
        share /= share.sum(axis=1, keepdims=True)
        found += 0.5 * max(step, 0.15) * np.log(chance / np.maximum(share.mean(axis=0), 1e-9))
        found -= found @ chance
    return found


def _log_of_rest(log_p: float) -> float:
    """ln(1 - p), at most a little below 0 so that a tiny p still counts."""
    return float(np.log1p(-np.exp(min(log_p, -1e-12)))) if log_p > -36 else -float(np.exp(max(log_p, -700.0)))
