"""Marked answers as a detector sees them: units, values under the answer's key, and what was true when served.

Each answer has a key of its own, so the units of different answers are independent and may be taken together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headwater.mark.evidence import Laws, Provider, lags, laws, learn, oddness
from headwater.mark.law import Part, log_tail
from headwater.mark.proxy import Proxy
from headwater.mark.scheme import MarkKey, Scheme, Units
from headwater.mark.score import Scorer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Traffic:
    """Answers with `units` of all of them; `row` (n,) which answer, `place` (n,) which of its tokens each unit is.

    `limits` (answers,): nats of the served laws, summed over the marked tokens of each answer as it was served.
    """

    scheme: Scheme
    keys: list[MarkKey]
    tokens: Ints
    prompt: int
    units: Units
    row: Ints
    place: Ints
    values: NDArray[np.uint32]
    chance: Floats
    entropy: Floats
    limits: Floats

    def __len__(self) -> int:
        return len(self.row)

    @property
    def limit(self) -> float:
        """Nats of all answers."""
        return float(self.limits.sum())

    def limit_of(self, chosen: NDArray[np.bool_]) -> float:
        """Nats of the answers of a mask (answers,)."""
        return float(self.limits[chosen].sum())

    def rows(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which units belong to the answers of a mask (answers,)."""
        return chosen[self.row]


def traffic(scheme: Scheme, keys: list[MarkKey], served: object, tokens: Ints | None = None) -> Traffic:
    """Of answers as they were served, or as `tokens` say after an edit (their chances and limit remain the served)."""
    text = served.tokens if tokens is None else tokens  # type: ignore[attr-defined]
    prompt = served.prompt  # type: ignore[attr-defined]
    found, values, row = [], [], []
    for number, (key, line) in enumerate(zip(keys, text, strict=True)):
        units = scheme.units(line, prompt=prompt)
        found.append(units)
        values.append(scheme.values(key, units))
        row.append(np.full(len(units), number))
    units = Units(
        np.concatenate([each.context for each in found]),
        np.concatenate([each.token for each in found]),
        np.concatenate([each.position for each in found]),
        np.concatenate([np.ones_like(each.times) for each in found]),
        sum(each.tokens for each in found),
    )
    rows, place = np.concatenate(row), units.position - prompt
    chance = np.exp(served.log_chance)[rows, place]  # type: ignore[attr-defined]
    entropy = served.entropy[rows, place]  # type: ignore[attr-defined]
    limits = np.bincount(rows, entropy, len(text))
    return Traffic(
        scheme, keys, text, prompt, units, rows, place, np.concatenate(values), chance, entropy, limits
    )


def edited(before: Traffic, served: object, share: float, others: Ints, seed: int) -> Traffic:
    """The same answers with a `share` of their tokens replaced by random ones of `others`; the limit stays."""
    random = np.random.default_rng(seed)
    tokens = before.tokens.copy()
    answers = tokens[:, before.prompt :]
    hit = random.random(answers.shape) < share
    answers[hit] = random.choice(others, int(hit.sum()))
    return replace(traffic(before.scheme, before.keys, served, tokens), limits=before.limits)


def features(found: Traffic, proxy: Proxy) -> Floats:
    """What a proxy says of each unit, reading the answer alone, without its prompt."""
    read = [proxy.read(line[found.prompt :]) for line in found.tokens]
    both = np.stack([np.stack([each.log_chance, each.entropy], 1) for each in read])
    return both[found.row, found.place]


@dataclass(frozen=True)
class Scored:
    """A detector on some traffic: the score of each unit, and the laws of any part of them."""

    scores: Ints
    parts: Callable[[NDArray[np.bool_] | slice], list[Part]]

    def log_p(self, chosen: NDArray[np.bool_] | slice) -> float:
        """ln p of some units together."""
        return log_tail(self.parts(chosen), int(self.scores[chosen].sum()))


def table_scored(found: Traffic, scorer: Scorer, classes: NDArray[np.intp] | None = None) -> Scored:
    """A detector made of tables."""

    def parts(chosen: NDArray[np.bool_] | slice) -> list[Part]:
        every = np.arange(len(found))[chosen]
        return scorer.parts(
            found.scheme.null, found.units.part(every), None if classes is None else classes[every]
        )

    return Scored(scorer.scores(found.values, classes), parts)


@dataclass(frozen=True)
class Raced:
    """Races run again: by unit the lag, the recomputed chance, and how odd the surroundings are."""

    lag: Floats
    chance: Floats
    odd: Floats


Recompute = Callable[[Traffic], object]


def raced(found: Traffic, recompute: Recompute, common: Floats) -> Raced:
    """Run the races of gumbel traffic again with recomputed laws (an iterator of slices of rows and laws).

    `common` (tokens,): how often each token is in own traffic, for how odd it is.
    """
    lag, chance, odd = np.full(len(found), np.inf), np.zeros(len(found)), np.zeros(len(found))
    for rows, block in recompute(found):  # type: ignore[attr-defined]
        for number in range(rows.start, rows.stop):
            here = np.flatnonzero(found.row == number)
            laws_here = block[number - rows.start]
            observed = found.tokens[number, found.prompt :]
            every = laws_here[np.arange(len(observed)), observed]
            units = found.units.part(here)
            made: Laws = laws(laws_here[found.place[here]], units.token)
            lag[here] = lags(found.scheme, found.keys[number], units, made)
            chance[here] = made.chances()
            odd[here] = oddness(every, found.scheme.width, other=common[observed])[found.place[here]]
    return Raced(lag, chance, odd)


def provider_scored(learned: Provider, race: Raced) -> Scored:
    """The provider's detector."""
    kinds = learned.kinds(race.chance, race.odd)
    return Scored(kinds.of(race.lag), kinds.parts)


def learned_from(race: Raced) -> Provider:
    """The provider's detector from tune traffic."""
    return learn(race.lag, race.chance, race.odd)


def to_reach(scored: Scored, starts: Ints, level: float) -> float:
    """The median over `starts` of how many units it takes from there (round the end) until ln p <= `level`."""
    size = len(scored.scores)

    def enough(start: int, count: int) -> bool:
        chosen = np.zeros(size, bool)
        chosen[(start + np.arange(count)) % size] = True
        return scored.log_p(chosen) <= level

    found = []
    for start in starts:
        high = 8
        while high < size and not enough(int(start), high):
            high *= 2
        if high >= size:
            found.append(np.inf)
            continue
        low = high // 2
        while high - low > max(1, low // 50):
            middle = (low + high) // 2
            low, high = (low, middle) if enough(int(start), middle) else (middle, high)
        found.append(float(high))
    return float(np.median(found))
