"""From values to integer scores: one table per class of units and per stream, with the law of what it gives.

A table is all that a detector is: the engines' own sums, a likelihood ratio learned from traffic, weights by entropy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.law import Law, Part, log_tails
from headwater.mark.scheme import Null, Scheme, Units, Values


@dataclass(frozen=True)
class Table:
    """Scores of one stream's values: a value v with `edges`[i] <= v < `edges`[i+1] scores `scores`[i].

    `edges`: (k+1,) from 0 to the null's size; `scores`: (k,) integers in units of `grain` nats.
    """

    edges: NDArray[np.int64]
    scores: NDArray[np.int64]
    grain: float

    def law(self, null: Null) -> Law:
        """The law of the score without the key: exact."""
        if null.ones is None:
            chance = np.diff(self.edges) / null.size
        else:
            of_one = null.ones / null.size
            ones = (self.edges[:-1] <= 1) & (self.edges[1:] > 1)
            zeros = (self.edges[:-1] <= 0) & (self.edges[1:] > 0)
            chance = ones * of_one + zeros * (1 - of_one)
        first = int(self.scores.min())
        law = np.zeros(int(self.scores.max()) - first + 1)
        np.add.at(law, self.scores - first, chance)
        return Law(first, law / law.sum())

    def __call__(self, values: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The scores of values (n,)."""
        scores: NDArray[np.int64] = self.scores[np.searchsorted(self.edges, values, side="right") - 1]
        return scores


@dataclass(frozen=True)
class Scorer:
    """Tables by class and stream: `tables`[class][stream]. One class is a scorer that knows nothing of the units."""

    name: str
    tables: tuple[tuple[Table, ...], ...]

    def scores(self, values: Values, classes: NDArray[np.intp] | None = None) -> NDArray[np.int64]:
        """The score of each unit (n,): the sum over its streams, by its class (n,), which mustn't depend on the key.

        Raises `UsageError` where there are several classes and none are given, or the streams aren't the tables'.
        """
        self._told_apart(classes)
        if any(len(tables) != values.shape[1] for tables in self.tables):
            raise UsageError(f"the detector has no tables for units of {values.shape[1]} streams")
        found = np.zeros(len(values), np.int64)
        for number, tables in enumerate(self.tables):
            here = slice(None) if classes is None else classes == number
            for stream, table in enumerate(tables):
                found[here] += table(values[here, stream])
        return found

    def parts(self, null: Null, units: Units, classes: NDArray[np.intp] | None = None) -> list[Part]:
        """The laws that a total over `units` is made of, for `law.log_tail`: by class, stream and times."""
        self._told_apart(classes)
        kinds = np.zeros(len(units), np.intp) if classes is None else classes
        both, counts = np.unique(np.stack([kinds, units.times]), axis=1, return_counts=True)
        found: list[Part] = []
        for (kind, times), count in zip(both.T, counts, strict=True):
            found += (Part(table.law(null), int(times), int(count)) for table in self.tables[kind])
        return found

    def _told_apart(self, classes: NDArray[np.intp] | None) -> None:
        if classes is None and len(self.tables) > 1:
            raise UsageError("a detector of several classes needs the class of each unit")


@runtime_checkable
class OwnTails(Protocol):
    """A scheme whose values aren't quite as independent as its null says, and which knows what that does to tails."""

    def log_tails(
        self, scorer: Scorer, units: Units, totals: NDArray[np.int64], classes: NDArray[np.intp] | None = None
    ) -> NDArray[np.float64]:
        """ln of the chance of at least each of `totals`, rounded up."""
        ...


def tails(
    scheme: Scheme,
    scorer: Scorer,
    units: Units,
    totals: NDArray[np.int64],
    classes: NDArray[np.intp] | None = None,
) -> NDArray[np.float64]:
    """ln of the chance that a key without a part in the text gives `units` at least each of `totals`, rounded up."""
    if isinstance(scheme, OwnTails):
        return scheme.log_tails(scorer, units, totals, classes)
    return log_tails(scorer.parts(scheme.null, units, classes), totals)
