"""Which accounts' outputs are in a dataset: an exact p-value for each key, all keys counted, and how much is whose.

Under a key that had no part in the dataset its total has one known law, whatever else is in there: other accounts'
marks, unmarked text, templates. So tracing among 100,000 accounts is 100,000 tests of one law, with Holm's step-down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.engines.totals import total_scores
from headwater.mark.law import log_tails, moments
from headwater.mark.scheme import MarkKey, Scheme, Units
from headwater.mark.score import Scorer
from headwater.mark.trace import holm
from headwater.mark.trace.dataset import Dataset, gather
from headwater.mark.trace.decoys import disbelieved
from headwater.mark.trace.dilution import diluted
from headwater.mark.trace.shares import Share, Shares, Tilt, guessed_shares, mixture_shares
from headwater.mark.trace.statistic import Statistic, read, sums

#: How many values of the keyed function are computed at most before keys are screened: a minute or two on one core
#: with a compiled scheme.
EVALUATIONS = 4e9
#: Of the keys that are screened this part stays, and at least so many.
_KEPT, _KEPT_LEAST = 0.02, 2_000
#: Cells (units times named accounts) that shares are taken from at most.
_CELLS = 20_000_000


@dataclass(frozen=True)
class Named:
    """An account whose key is in the dataset.

    `log_p`: ln of its exact p-value; `log_adjusted`: with all keys counted (Holm); `by`: which evidence was the
    better, `units` or `documents`; `share`: how much of the dataset is its; `documents`: those that carry its mark by
    themselves, with all keys and all documents counted; `carried`: the share of units that stands in them.
    """

    name: str
    log_p: float
    log_adjusted: float
    by: str
    share: Share
    documents: tuple[int, ...]
    carried: float


@dataclass(frozen=True)
class Trace:
    """What was found.

    `answer`: `named`, `not-shown` (nobody's, or of a smaller share than `reach`), or `not-enough-evidence` (even a
    dataset that was one account's as a whole might not have been found); `named`: most evidence first; `level`: the
    chance that any innocent key is named is at most this; `keys`: how many were tested; `units`, `documents`: distinct
    pieces of evidence, and documents that were read; `reach`: the share that an account mixed in token by token needs
    to be found half the time (None: none is enough); `screened`: of all keys those that were read in full, and the
    part of the units by which they were chosen; `shares`: what the shares rest on;
    `refused`: why low p-values aren't believed, where decoy keys contradict them.
    """

    answer: str
    named: tuple[Named, ...]
    level: float
    keys: int
    units: int
    documents: int
    reach: float | None
    screened: tuple[int, float]
    shares: Shares | None
    refused: str = ""


def trace(
    scheme: Scheme,
    units: Units,
    keys: Sequence[MarkKey],
    scorer: Scorer,
    *,
    document: NDArray[np.int64] | None = None,
    classes: NDArray[np.intp] | None = None,
    level: float = 0.05,
    effect: float | None = None,
    evaluations: float = EVALUATIONS,
) -> Trace:
    """The accounts whose keys are in `units` (n,), with `document` (n,) the number of each unit's document.

    `classes`: the scorer's class of each unit. `level`: family-wise, over all keys. `effect`: how strongly a marked
    unit's score is tilted (see `shares`); None: 1 where the scorer is a likelihood ratio, learned from such traffic,
    otherwise nobody knows, and shares have wide intervals. Beyond `evaluations` values of the keyed function, keys are
    screened by a part of the units first: a key that is left out has p = 1, so this costs power, never an innocent.
    Raises `UsageError` for keys that are equal, a level outside (0, 1), or a class without a table.
    """
    _check(keys, level, effect)
    dataset = gather(units, document, classes)
    if len(dataset) and int(dataset.classes.max()) >= len(scorer.tables):
        raise UsageError("the scorer has no table for some units' class")
    if not len(dataset) or not keys:
        return Trace("not-enough-evidence", (), level, len(keys), 0, dataset.read, None, (0, 1.0), None)
    tilt = Tilt(scorer, scheme.null, dataset.classes)
    if effect is None and tilt.is_ratio:
        effect = 1.0
    scores = diluted(scorer, scheme.null, effect or tilt.usual())
    kept, part = _screen(scheme, dataset, keys, scores, evaluations)
    statistic = read(scheme, dataset, scores)
    totals = sums(scheme, statistic, dataset, [keys[i] for i in kept], scores)
    rows, log_p, by = _p_values(statistic, *totals, level, len(keys))
    adjusted = holm.adjusted(log_p, len(keys))
    order = [i for i in np.argsort(log_p, kind="stable") if adjusted[i] <= math.log(level)]
    refused = disbelieved(scheme, statistic, dataset, scores, keys) if order else ""
    order = [] if refused else order
    whose = [keys[kept[rows[i]]] for i in order]
    found = _shares(scheme, dataset, whose, scorer, effect) if whose else None
    each = math.log(level / len(keys) / dataset.documents)
    theirs = _documents(scheme, statistic, dataset, whose, scores, each)
    named = tuple(
        Named(key.name, float(log_p[i]), float(adjusted[i]), by[i], share, *documents)
        for key, i, share, documents in zip(whose, order, found.of if found else (), theirs, strict=True)
    )
    reach, enough = _reach(statistic, tilt, scores, dataset, level / len(keys), effect or tilt.usual())
    answer = "named" if named else "not-shown" if enough and not refused else "not-enough-evidence"
    screened = (len(kept), part)
    return Trace(answer, named, level, len(keys), len(dataset), dataset.read, reach, screened, found, refused)


def _check(keys: Sequence[MarkKey], level: float, effect: float | None) -> None:
    if not 0 < level < 1:
        raise UsageError("the level must be between 0 and 1")
    if effect is not None and not 0 < effect <= 100:
        raise UsageError("the effect must be above 0 and at most 100")
    if len({key.numbers for key in keys}) < len(keys):
        raise UsageError(
            "two accounts have the same key", hint="give each account a key of its own, or list it once"
        )


def _screen(
    scheme: Scheme, dataset: Dataset, keys: Sequence[MarkKey], scorer: Scorer, evaluations: float
) -> tuple[NDArray[np.intp], float]:
    """Which keys to read in full, and by which part of the units they were chosen.

    Every document is read in part, so that an account with one document isn't overlooked.
    """
    kept = max(_KEPT_LEAST, int(_KEPT * len(keys)))
    work = float(len(keys)) * len(dataset) * scheme.streams
    if work <= evaluations or len(keys) <= 2 * kept:
        return np.arange(len(keys)), 1.0
    part = max(1e-3, evaluations / work - kept / len(keys), 0.2 * evaluations / work)
    some = dataset.strided(part)
    whole, scores = sums(scheme, read(scheme, some, scorer), some, keys, scorer)
    best = [np.argsort(-sums, kind="stable")[: kept // 2] for sums in (whole, scores)]
    return np.unique(np.concatenate(best)), len(some) / len(dataset)


def _shares(
    scheme: Scheme, dataset: Dataset, keys: list[MarkKey], scorer: Scorer, effect: float | None
) -> Shares:
    # Beyond what fits, of a part of each document's units.
    part = _CELLS / (len(dataset) * len(keys))
    dataset = dataset if part >= 1 else dataset.strided(part)
    columns = [scorer.scores(scheme.values(key, dataset.units), dataset.classes) for key in keys]
    table = np.column_stack(columns)
    if effect is None:
        return guessed_shares(table, dataset, scorer, scheme.null)
    return mixture_shares(table, dataset, scorer, scheme.null, effect=effect)


def _documents(
    scheme: Scheme, statistic: Statistic, dataset: Dataset, keys: list[MarkKey], scorer: Scorer, level: float
) -> list[tuple[tuple[int, ...], float]]:
    """The documents in which each key by itself has ln p of at most `level`: their numbers, their share of units."""
    if not statistic.tables or not keys:
        return [((), 0.0)] * len(keys)
    table = total_scores(scheme, keys, dataset.units, scorer, classes=dataset.classes, starts=dataset.starts)
    sizes = np.diff(dataset.starts)
    return [
        (tuple(map(int, dataset.numbers[row <= level])), float(sizes[row <= level].sum() / len(dataset)))
        for row in statistic.log_p(table)
    ]


def _p_values(
    statistic: Statistic, whole: NDArray[np.int64], scores: NDArray[np.int64], level: float, tests: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], list[str]]:
    """Rows of the keys with the most evidence, ln p of each, and by what.

    A key's p-value is twice the smaller of its two. Keys beyond the first few can't be named by Holm's test before
    those are, so they are only computed where that happens.
    """
    both = bool(statistic.tables)
    count = 256
    while True:
        rows = np.argsort(-whole, kind="stable")[:count]
        if both:
            rows = np.union1d(rows, np.argsort(-scores, kind="stable")[:count])
        by_units = statistic.whole(whole[rows])
        log_p, by = by_units, ["units"] * len(rows)
        if both:
            by_documents = log_tails(statistic.together, scores[rows])
            log_p = np.minimum(0.0, math.log(2) + np.minimum(by_units, by_documents))
            by = ["units" if u <= d else "documents" for u, d in zip(by_units, by_documents, strict=True)]
        rejected = int(np.sum(holm.adjusted(log_p, tests) <= math.log(level)))
        if rejected < count / 2 or count >= len(whole):
            return rows, log_p, by
        count *= 4


def _reach(
    statistic: Statistic, tilt: Tilt, scores: Scorer, dataset: Dataset, level: float, effect: float
) -> tuple[float | None, bool]:
    """The share that is found half the time when mixed in by tokens (by a normal law: an orientation, no test), and
    whether a dataset that is one account's as a whole is expected to be found."""
    norms, slopes = tilt.norm(effect)
    counts = np.bincount(dataset.classes, minlength=len(norms))
    mean, variance = moments(statistic.parts)
    shift = float(counts @ tilt.marked(scores, effect)) - mean
    needed = -NormalDist().inv_cdf(max(level / 2, 1e-300)) * math.sqrt(variance)
    # The mean of ln of the likelihood ratio where every unit is the account's.
    enough = float(counts @ (effect * slopes - norms)) >= -math.log(level / 2)
    return (needed / shift if 0 < needed <= shift else None), enough
