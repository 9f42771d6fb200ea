"""What a dataset says of each key: its total over all units, and over documents how unlikely each document's total is.

Where accounts are mixed token by token (a student model, shuffled sentences) the first is the better evidence; where
a document is one account's, the second finds it with a few documents. Both have exact laws without the key.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.mark.engines.totals import total_scores
from headwater.mark.law import Law, Part, log_tails, moments
from headwater.mark.scheme import MarkKey, Null, Scheme
from headwater.mark.score import OwnTails, Scorer, tails
from headwater.mark.trace.dataset import Dataset

#: Nats of a document's own -ln p that still count, the steps in which they are read, and how many totals are looked
#: up for one length of document.
_MOST, _STEP, _PLACES = 60.0, 1 / 8, 320
#: Of so many kinds documents have exact laws: each costs some 50 ms.
_EXACT = 128
#: Cells (keys times documents) that are held at once.
_CELLS = 4_000_000
#: Steps to a nat in the documents' common score.
_FINE = 16


class Documents:
    """The laws of documents' totals without the key: exact, or Chernoff's bound where documents are of many kinds."""

    def __init__(self, null: Null, scorer: Scorer, dataset: Dataset) -> None:
        """`counts` (kinds, classes): units of each class that a kind of documents has; `of_kind`: which they are."""
        counts = np.zeros((dataset.documents, len(scorer.tables)), np.int64)
        np.add.at(counts, (dataset.document, dataset.classes), 1)
        self.counts, kinds = np.unique(counts, axis=0, return_inverse=True)
        order = np.argsort(kinds.reshape(-1), kind="stable")
        self.of_kind = np.split(order, np.cumsum(np.bincount(kinds.reshape(-1)))[:-1])
        self._laws = [[table.law(null) for table in tables] for tables in scorer.tables]
        self._exact = len(self.counts) <= _EXACT
        self._slopes = np.geomspace(0.01, 8, 80) * scorer.tables[0][0].grain
        self._growth = np.array([sum(_growth(law, self._slopes) for law in laws) for laws in self._laws])
        self._moments = np.array([[moments([Part(law)]) for law in laws] for laws in self._laws]).sum(axis=1)
        self._most = np.array([sum(law.first + len(law.chance) - 1 for law in laws) for laws in self._laws])

    def parts(self, counts: NDArray[np.int64]) -> list[Part]:
        """What the total of so many units of each class is made of."""
        return [
            Part(law, 1, int(count))
            for laws, count in zip(self._laws, counts, strict=True)
            for law in laws
            if count
        ]

    def log_tails(self, kind: int, totals: NDArray[np.int64]) -> NDArray[np.float64]:
        """ln of the chance of at least each total, never too small."""
        if self._exact:
            return log_tails(self.parts(self.counts[kind]), totals)
        gained = totals[:, None] * self._slopes - self.counts[kind] @ self._growth
        bound: NDArray[np.float64] = -np.maximum(gained.max(axis=1), 0.0)
        return bound

    def table(self, kind: int, scores: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where a document's total begins to have each score: totals ascending, and one more score than totals.

        A total between two looked-up ones has the score of the lower: never more than its own p-value gives.
        """
        mean, variance = self.counts[kind] @ self._moments
        most = int(self.counts[kind] @ self._most)
        # As far as the total whose p-value is the smallest that counts, or the largest total.
        far = np.append(mean + math.sqrt(variance) * 2.0 ** np.arange(1, 12), most)
        far = np.unique(np.ceil(np.minimum(far, most)).astype(np.int64))
        reached = int(np.sum(-self.log_tails(kind, far) < _MOST))
        reach = float(far[min(reached, len(far) - 1)]) - mean
        places = mean + max(reach, 0.0) * np.linspace(0, 1, _PLACES) ** 1.5
        totals = np.unique(np.ceil(places).astype(np.int64))
        steps = np.floor(np.minimum(-self.log_tails(kind, totals), _MOST) / _STEP).astype(np.intp)
        found = scores[np.maximum(steps, 0)]
        new = np.append(True, found[1:] > found[:-1])
        return totals[new], np.concatenate([scores[:1], found[new]])


@dataclass(frozen=True)
class Statistic:
    """How totals are read.

    `whole`: ln of the tails of a total over all units; `parts`: what that total is made of, as the scheme's null has
    it; `documents`: the laws of theirs; `tables`: by kind of document, the totals where a score begins, and the scores;
    none for a single document, or where a scheme has tails of its own; `together`: the law of the scores' sum.
    """

    whole: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    parts: list[Part]
    documents: Documents
    tables: tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...]
    together: list[Part]

    def scores(self, totals: NDArray[np.int64]) -> NDArray[np.int64]:
        """The documents' scores, added up, of each key: (keys,) from totals (keys, documents)."""
        found = np.zeros(len(totals), np.int64)
        for (edges, scores), here in zip(self.tables, self.documents.of_kind, strict=False):
            found += scores[np.searchsorted(edges, totals[:, here], side="right")].sum(axis=1)
        return found

    def log_p(self, totals: NDArray[np.int64]) -> NDArray[np.float64]:
        """ln p of each document by itself, for each key: (keys, documents) from totals (keys, documents)."""
        found = np.zeros(totals.shape)
        for kind, here in enumerate(self.documents.of_kind):
            tails = self.documents.log_tails(kind, totals[:, here].ravel())
            found[:, here] = tails.reshape(len(totals), -1)
        return found


def read(scheme: Scheme, dataset: Dataset, scorer: Scorer) -> Statistic:
    """How to read totals over `dataset`."""
    documents = Documents(scheme.null, scorer, dataset)
    scores = _scores(min(0.2, max(0.005, 1 / math.sqrt(dataset.documents))))
    # Documents of a scheme with tails of its own may hang together, so only the whole is tested.
    apart = dataset.documents > 1 and not isinstance(scheme, OwnTails)
    return Statistic(
        lambda totals: tails(scheme, scorer, dataset.units, totals, dataset.classes),
        documents.parts(np.bincount(dataset.classes, minlength=len(scorer.tables))),
        documents,
        tuple(documents.table(kind, scores) for kind in range(len(documents.counts))) if apart else (),
        [Part(_law(scores), 1, dataset.documents)],
    )


def sums(
    scheme: Scheme, statistic: Statistic, dataset: Dataset, keys: Sequence[MarkKey], scorer: Scorer
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each key its total over all units and its documents' score."""
    batch = max(1, min(8192, _CELLS // dataset.documents))
    whole, scores = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    for first in range(0, len(keys), batch):
        table = total_scores(
            scheme,
            keys[first : first + batch],
            dataset.units,
            scorer,
            classes=dataset.classes,
            starts=dataset.starts,
        )
        whole[first : first + batch] = table.sum(axis=1)
        scores[first : first + batch] = statistic.scores(table)
    return whole, scores


def _growth(law: Law, slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln of the mean of exp(slope · score), for each slope."""
    powers = slopes[:, None] * (law.first + np.arange(len(law.chance)))
    top = powers.max(axis=1)
    found: NDArray[np.float64] = top + np.log(np.exp(powers - top[:, None]) @ law.chance)
    return found


def _scores(mixed: float) -> NDArray[np.int64]:
    """The score of a document whose -ln p is i steps, for each i: ln of a likelihood ratio, in steps of 1/16 nat.

    Of documents a share `mixed` is taken to be the key's. Theirs have -ln p spread evenly up to the most that counts
    (long ones), or fall half as steeply as by chance (short ones): both halves are densities over Exp(1).
    """
    steps = np.arange(int(_MOST / _STEP) + 1) * _STEP
    ratio = 0.25 * np.exp(steps / 2) + 0.5 * np.exp(steps) / _MOST
    found: NDArray[np.int64] = np.floor(np.log1p(mixed * (ratio - 1)) * _FINE).astype(np.int64)
    return found


def _law(scores: NDArray[np.int64]) -> Law:
    """The law of a document's score without the key, made no smaller than it is: -ln p is at most Exp(1)."""
    above = np.exp(-np.arange(len(scores)) * _STEP)
    chance = above - np.append(above[1:], 0.0)
    first = int(scores[0])
    law = np.zeros(int(scores[-1]) - first + 1)
    np.add.at(law, scores - first, chance)
    return Law(first, law)
