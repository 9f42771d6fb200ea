"""A dataset as tracing reads it: every distinct unit once over all its documents, each with the document it stands in.

A passage that is copied into a thousand documents is one piece of evidence here, not a thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.scheme import Units


@dataclass(frozen=True)
class Dataset:
    """Distinct units, ordered by document.

    `units`: (n,), each counted once; `starts`: (documents+1,) where each document's units begin and where the last
    ends, none of them empty; `numbers`: (documents,) what the caller calls them; `read`: how many documents there were;
    `classes`: (n,) what a scorer tells units apart by, which mustn't depend on any key.
    """

    units: Units
    starts: NDArray[np.int64]
    numbers: NDArray[np.int64]
    read: int
    classes: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.units)

    @property
    def documents(self) -> int:
        """Documents that have a unit of their own."""
        return len(self.starts) - 1

    @property
    def document(self) -> NDArray[np.int64]:
        """The document of each unit (n,)."""
        return np.repeat(np.arange(self.documents), np.diff(self.starts))

    def strided(self, part: float) -> Dataset:
        """About `part` of each document's units, evenly spread over it, and at least one."""
        count = np.diff(self.starts)
        place = np.arange(len(self)) - np.repeat(self.starts[:-1], count)
        chosen = (place == 0) | (np.floor((place + 1) * part) > np.floor(place * part))
        kept = np.add.reduceat(chosen, self.starts[:-1]) if len(self) else count
        return Dataset(self.units.part(chosen), _starts(kept), self.numbers, self.read, self.classes[chosen])


def gather(
    units: Units, document: NDArray[np.int64] | None = None, classes: NDArray[np.intp] | None = None
) -> Dataset:
    """The dataset of `units` (n,), of which each stands in the document numbered `document` (n,); None: all in one.

    A pair of context and token that stands in several documents counts in the first of them, and how often it stands
    there (`times`) is left aside. Raises `UsageError` where the lengths differ or a number is negative.
    """
    document = np.zeros(len(units), np.int64) if document is None else np.asarray(document, np.int64)
    classes = np.zeros(len(units), np.intp) if classes is None else np.asarray(classes, np.intp)
    if len(document) != len(units) or len(classes) != len(units):
        raise UsageError("every unit needs its document and its class")
    if len(document) and (int(document.min()) < 0 or int(classes.min()) < 0):
        raise UsageError("documents and classes are counted from 0")
    chosen = _first(units, document)
    numbers, counts = np.unique(document[chosen], return_counts=True)
    read = len(np.unique(document))
    part = units.part(chosen)
    once = Units(part.context, part.token, part.position, np.ones(len(part), np.int64), part.tokens)
    return Dataset(once, _starts(counts), numbers, read, classes[chosen])


def joined(parts: Sequence[Units]) -> tuple[Units, NDArray[np.int64]]:
    """The units of many documents one after another, and the document of each: what `gather` takes."""
    if not parts:
        raise UsageError("there are no documents")
    whole = Units(
        np.concatenate([part.context for part in parts]),
        np.concatenate([part.token for part in parts]),
        np.concatenate([part.position for part in parts]),
        np.concatenate([part.times for part in parts]),
        sum(part.tokens for part in parts),
    )
    return whole, np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def _first(units: Units, document: NDArray[np.int64]) -> NDArray[np.intp]:
    """Indices of the first of each distinct pair of context and token, ordered by document, then by position."""
    if not len(units):
        return np.zeros(0, np.intp)
    columns = [units.token, *units.context.T]
    order = np.lexsort((units.position, document, *columns))
    new = np.zeros(len(units), bool)
    new[0] = True
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    first = order[new]
    found: NDArray[np.intp] = first[np.lexsort((units.position[first], document[first]))]
    return found


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
