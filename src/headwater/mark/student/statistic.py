"""The test of a student's weights: does it favour, against a reference, what a key favours?

S = sum of a(v, c) g(v, c) over contexts c and tokens v: a is the student's chance of v less the reference's (the mean
over places that share c), g what the key says of v after c. a doesn't know the key, so S has a known law without it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.engines.totals import total_scores
from headwater.mark.law import Part, log_tails, moments
from headwater.mark.scheme import MarkKey, Scheme, Units
from headwater.mark.score import OwnTails, Scorer, tails
from headwater.mark.student.copies import without_copies
from headwater.mark.student.differences import Differences, Rows
from headwater.mark.student.places import check_suited, places
from headwater.mark.student.scores import MIDDLES, classes, signed_scorer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: A coefficient of 1 is so many steps of its grid.
STEPS: Final = 1024
#: Slopes of the mixture of served logs: standard deviations of one unit's score, for a coefficient of 1.
SLOPES: Final = 2.0 ** np.arange(-9, 2.5, 0.5)


@dataclass(frozen=True)
class Coefficients:
    """What S is made of: `units` (n,), each counted `times` (the coefficient's size in steps), by `scorer`'s class.

    `context`: (n,) the number of each unit's context; `served`: whether the texts were written under the key that is
    asked about (see `log_p_served`); `places`, `contexts`: how many were read; `kept`: the share of the coefficients'
    squares that the grid has left.
    """

    scheme: Scheme
    units: Units
    context: Ints
    classes: NDArray[np.intp]
    scorer: Scorer
    served: bool
    places: int
    contexts: int
    kept: float

    def __len__(self) -> int:
        return len(self.units)

    def totals(self, keys: Sequence[MarkKey]) -> Ints:
        """S under each of `keys`, in steps: (keys,)."""
        return total_scores(self.scheme, keys, self.units, self.scorer, classes=self.classes)

    def log_p(self, totals: Ints) -> Floats:
        """ln of the chance of at least each of `totals` under a key without a part in texts and models, rounded up.

        Exact where the texts don't carry the key's mark, and for keys that nobody uses. For the very key that the
        texts were written under see `log_p_served`.
        """
        return tails(self.scheme, self.scorer, self.units, np.asarray(totals, np.int64), self.classes)

    def log_p_served(self, totals: Ints) -> Floats:
        """ln p where the texts themselves were written under the key: a bound that allows for it.

        What a model says at a place may depend on what the key chose before it, so coefficients aren't fixed
        beforehand; each is still settled before the key is asked about its context. So the mean of exp(s S - K(s)) over
        `SLOPES` is an e-value (its mean is at most 1 without training), and 1 over it a p-value.
        """
        sums = np.asarray(totals, np.int64).astype(np.float64)
        scale = self._deviation * STEPS
        each = np.stack([slope / scale * sums - self._growth(slope / scale) for slope in SLOPES])
        top = each.max(axis=0)
        log_e = top + np.log(np.exp(each - top).mean(axis=0))
        found: Floats = np.minimum(0.0, self._hanging_together(np.asarray(totals, np.int64)) - log_e)
        return found

    def z(self, totals: Ints) -> Floats:
        """How many standard deviations each total is above its mean: an orientation, no test."""
        mean, variance = self._moments
        apart: Floats = np.asarray(totals, np.float64) - mean
        return apart / math.sqrt(variance) if variance > 0 else 0 * apart

    @property
    def spread(self) -> float:
        """The standard deviation of S without the key, in the units of `lean`, for all contexts together."""
        return math.sqrt(self._moments[1]) / (self._deviation * STEPS)

    def lean(self, key: MarkKey) -> tuple[float, float]:
        """How far S is above its mean for each context, and the standard error of that, as contexts vary in it.

        In units of a coefficient of 1 times a score's standard deviation.
        """
        if not len(self):
            return 0.0, 0.0
        scores = self.scorer.scores(self.scheme.values(key, self.units), self.classes) * self.units.times
        by_context = np.bincount(self.context, weights=scores, minlength=self.contexts)
        mean, scale = self._moments[0] / self.contexts, self._deviation * STEPS
        error = float(by_context.std()) / math.sqrt(self.contexts)
        return (float(by_context.mean()) - mean) / scale, error / scale

    def _growth(self, slope: float) -> float:
        """K(slope) = ln of the mean of exp(slope S)."""
        return math.fsum(part.count * part.law.log_mgf(slope * part.times) for part in self._parts)

    def _hanging_together(self, totals: Ints) -> Floats:
        """What a scheme's own tails are above those of independent values, in nats."""
        if not isinstance(self.scheme, OwnTails):
            return np.zeros(len(totals))
        return np.maximum(0.0, self.log_p(totals) - log_tails(self._parts, totals))

    @cached_property
    def _parts(self) -> list[Part]:
        return self.scorer.parts(self.scheme.null, self.units, self.classes)

    @cached_property
    def _moments(self) -> tuple[float, float]:
        return moments(self._parts)

    @property
    def _deviation(self) -> float:
        """The standard deviation of one unit's score, the largest of all classes."""
        laws = [[table.law(self.scheme.null).variance for table in each] for each in self.scorer.tables]
        return math.sqrt(max(map(math.fsum, laws)))


def coefficients(
    scheme: Scheme,
    differences: Differences,
    *,
    served: bool,
    texts: NDArray[np.intp] | None = None,
    matched: bool = True,
) -> Coefficients:
    """What `differences` say of any key of `scheme`. No key is looked at.

    `served`: whether the texts may carry the mark (a provider's own answers): then each context counts at the first
    place of all texts, and tokens that may be copied there don't (`copies`). `texts`: only these. `matched`: see
    `scores`. Raises `UsageError` for a scheme that doesn't look back and served texts (its one context stands
    everywhere), and for one that `check_suited` refuses.
    """
    check_suited(scheme)
    if served and scheme.width == 0:
        raise UsageError(
            "a mark without context can't be tested on text that carries it",
            hint="use texts that don't carry the mark",
        )
    read = np.arange(len(differences)) if texts is None else texts
    row, context, text = _places(scheme, differences, read)
    _, first, of = np.unique(context, axis=0, return_index=True, return_inverse=True)
    of, rows = of.reshape(-1).astype(np.int64), differences.rows
    if served:
        rows, used = without_copies(differences, row[first], text[first])
        row, context = np.flatnonzero(used), context[first][used]
        first = of = np.arange(len(row), dtype=np.int64)
    shared = np.bincount(of, minlength=len(first)) if len(of) else np.zeros(0, np.int64)
    unit, token, value, chance = _averaged(rows, row, of, shared, _most_tokens(scheme))
    scorer, kind = signed_scorer(scheme, matched=matched), classes(chance)
    value = value / np.sqrt(np.array(MIDDLES))[kind]
    size = grid(value)
    used = size != 0
    whole = float(np.square(value).sum())
    kept = float(np.square(size / STEPS)[used].sum()) / whole if whole else 1.0
    times, side = np.abs(size[used]), (size[used] < 0).astype(np.intp)
    units = Units(
        context[first][unit[used]], token[used], np.arange(len(times)), times, int(differences.tokens.size)
    )
    return Coefficients(
        scheme, units, unit[used], 2 * kind[used] + side, scorer, served, len(row), len(first), min(kept, 1.0)
    )


def grid(value: Floats) -> Ints:
    """Coefficients (n,) in steps, rounded to 1, 2, 3, 4, 6, 8, 12, … with their sign; 0 below half a step.

    So few sizes that the law of S is quickly made, and a sixth of a coefficient at most is lost.
    """
    size = np.abs(value) * STEPS
    power = np.exp2(np.floor(np.log2(np.maximum(size, 1.0))))
    steps = power * np.where(size < 1.25 * power, 1.0, np.where(size < 1.75 * power, 1.5, 2.0))
    rounded = np.where(size < 0.5, 0.0, np.where(power == 1, np.rint(np.maximum(size, 1.0)), steps))
    found: Ints = (np.sign(value) * rounded).astype(np.int64)
    return found


def _places(
    scheme: Scheme, differences: Differences, texts: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Ints, NDArray[np.intp]]:
    """The rows of laws that count, the contexts there and the texts that they are of, text by text."""
    rows: list[NDArray[np.intp]] = [np.zeros(0, np.intp)]
    contexts: list[Ints] = [np.zeros((0, scheme.width), np.int64)]
    of: list[NDArray[np.intp]] = [np.zeros(0, np.intp)]
    for text in texts:
        start, end = int(differences.starts[text]), int(differences.starts[text + 1])
        where, context = places(scheme, differences.tokens[start:end], prompt=int(differences.prompts[text]))
        at = np.searchsorted(differences.position, where + start)
        known = at < differences.places
        known[known] = differences.position[at[known]] == where[known] + start
        rows.append(at[known])
        contexts.append(context[known])
        of.append(np.full(len(rows[-1]), text, np.intp))
    return np.concatenate(rows), np.concatenate(contexts), np.concatenate(of)


def _averaged(
    rows: Rows, row: NDArray[np.intp], of: Ints, shared: NDArray[np.intp], most: int
) -> tuple[Ints, Ints, Floats, NDArray[np.float32]]:
    """Distinct pairs of context (by number) and token, the mean difference of each, and the reference's chance."""
    counts = np.diff(rows.begin)[row]
    entry = np.repeat(rows.begin[row] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    entry = entry + np.arange(len(entry))
    context = np.repeat(of, counts)
    fits = rows.token[entry] < most
    entry, context = entry[fits], context[fits]
    pair, where, seen = np.unique(context << 32 | rows.token[entry], return_inverse=True, return_counts=True)
    unit, token = pair >> 32, pair & 0xFFFFFFFF
    value = np.bincount(where, weights=rows.difference[entry], minlength=len(pair)) / shared[unit]
    chance = np.bincount(where, weights=rows.chance[entry], minlength=len(pair)) / np.maximum(seen, 1)
    return unit, token, value, chance.astype(np.float32)


def _most_tokens(scheme: Scheme) -> int:
    """Tokens from this on have no value in `scheme`: its vocabulary, where it has one."""
    return int(getattr(scheme, "vocab_size", 1 << 32))
