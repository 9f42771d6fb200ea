"""What a dataset says of each key: its total over all units, and over documents how unlikely each document's total is.

Where accounts are mixed token by token (a student model, shuffled sentences) the first is the better evidence; where
a document is one account's, the second finds it with a few documents. Both have exact laws without the key.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.mark.law import Law, Part, log_tails, moments
from headwater.mark.scheme import Null, Scheme
from headwater.mark.score import OwnTails, Scorer, tails
from headwater.mark.trace.dataset import Dataset

#: Nats of a document's own -ln p that still count, the steps in which they are read, and how many totals are looked
#: up for one length of document.
_MOST, _STEP, _PLACES = 60.0, 1 / 8, 320
#: Steps to a nat in the documents' common score.
_FINE = 16


@dataclass(frozen=True)
class Statistic:
    """How totals are read: the law of a total over all units, and a table from a document's total to its score.

    `whole`: ln of the tails of a total over all units; `parts`: what that total is made of, as the scheme's null has
    it; `kinds`: (documents,) which law and table a document has (documents of equal length and classes share them);
    `laws`: of its total; `tables`: the totals where a score begins, and the scores; none for a single document, or
    where a scheme has tails of its own; `of_documents`: the law of the scores together.
    """

    whole: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    parts: list[Part]
    kinds: NDArray[np.intp]
    laws: list[list[Part]]
    tables: tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...]
    of_documents: list[Part]

    def scores(self, totals: NDArray[np.int64]) -> NDArray[np.int64]:
        """The documents' scores, added up, of each key: (keys,) from totals (keys, documents)."""
        found = np.zeros(len(totals), np.int64)
        for kind, (edges, scores) in enumerate(self.tables):
            place = np.searchsorted(edges, totals[:, self.kinds == kind], side="right")
            found += scores[place].sum(axis=1)
        return found

    def log_p(self, totals: NDArray[np.int64]) -> NDArray[np.float64]:
        """ln p of each document by itself, for each key: (keys, documents) from totals (keys, documents)."""
        found = np.zeros(totals.shape)
        for kind, parts in enumerate(self.laws):
            here = self.kinds == kind
            found[:, here] = log_tails(parts, totals[:, here].ravel()).reshape(len(totals), -1)
        return found


def read(scheme: Scheme, dataset: Dataset, scorer: Scorer) -> Statistic:
    """How to read totals over `dataset`."""
    counts = np.zeros((dataset.documents, len(scorer.tables)), np.int64)
    np.add.at(counts, (dataset.document, dataset.classes), 1)
    compositions, kinds = np.unique(counts, axis=0, return_inverse=True)
    mixed = 1 / math.sqrt(dataset.documents)
    scores = _scores(min(0.2, max(0.005, mixed)))
    laws = [_parts(row, scorer, scheme.null) for row in compositions]
    # Documents of a scheme with tails of its own may hang together, so only the whole is tested.
    apart = dataset.documents > 1 and not isinstance(scheme, OwnTails)
    return Statistic(
        lambda totals: tails(scheme, scorer, dataset.units, totals, dataset.classes),
        _parts(counts.sum(axis=0), scorer, scheme.null),
        kinds.reshape(-1),
        laws,
        tuple(_table(parts, scores) for parts in laws) if apart else (),
        [Part(_law(scores), 1, dataset.documents)],
    )


def _parts(counts: NDArray[np.int64], scorer: Scorer, null: Null) -> list[Part]:
    return [
        Part(table.law(null), 1, int(count))
        for tables, count in zip(scorer.tables, counts, strict=True)
        for table in tables
        if count
    ]


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


def _table(parts: list[Part], scores: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where a document's total begins to have each score: totals ascending, and one more score than totals.

    A total between two looked-up ones has the score of the lower: never more than its own p-value gives.
    """
    mean, variance = moments(parts)
    spread = math.sqrt(variance)
    most = sum(part.count * part.times * (part.law.first + len(part.law.chance) - 1) for part in parts)
    # As far as the total whose p-value is the smallest that counts, or the largest total.
    far = np.append(mean + spread * 2.0 ** np.arange(1, 12), most)
    far = np.unique(np.ceil(np.minimum(far, most)).astype(np.int64))
    reached = int(np.sum(-log_tails(parts, far) < _MOST))
    reach = float(far[min(reached, len(far) - 1)]) - mean
    places = mean + max(reach, 0.0) * np.linspace(0, 1, _PLACES) ** 1.5
    totals = np.unique(np.ceil(places).astype(np.int64))
    steps = np.floor(np.minimum(-log_tails(parts, totals), _MOST) / _STEP).astype(np.intp)
    found = scores[np.maximum(steps, 0)]
    new = np.append(True, found[1:] > found[:-1])
    return totals[new], np.concatenate([scores[:1], found[new]])
