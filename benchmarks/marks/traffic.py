"""Marked answers as a detector sees them: units, values under the answer's key, and what was true when served.

Each answer has a key of its own, so the units of different answers are independent and may be taken together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headwater.mark.evidence import Laws, Provider, lags, laws, learn, oddness
from headwater.mark.law import Law, Part, log_tail
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
    """A detector on some traffic: by unit its score (n,) and its kind (n,), -1 where it says nothing; by kind the laws
    that its score is a sum of."""

    scores: Ints
    kind: NDArray[np.intp]
    laws: list[list[Law]]

    def log_p(self, chosen: NDArray[np.bool_]) -> float:
        """ln p of some units together, exact."""
        kinds, counts = np.unique(self.kind[chosen], return_counts=True)
        parts = [
            Part(law, 1, int(count))
            for kind, count in zip(kinds, counts, strict=True)
            if kind >= 0
            for law in self.laws[kind]
        ]
        return log_tail(parts, int(self.scores[chosen].sum()))


def table_scored(found: Traffic, scorer: Scorer, classes: NDArray[np.intp] | None = None) -> Scored:
    """A detector made of tables."""
    kind = np.zeros(len(found), np.intp) if classes is None else classes
    laws_of = [[table.law(found.scheme.null) for table in tables] for tables in scorer.tables]
    return Scored(scorer.scores(found.values, classes), kind, laws_of)


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
    laws_of = []
    for scores, under in zip(kinds.scores, kinds.under, strict=True):
        first = int(scores.min())
        chance = np.zeros(int(scores.max()) - first + 1)
        np.add.at(chance, scores - first, under)
        laws_of.append([Law(first, chance / chance.sum())])
    return Scored(kinds.of(race.lag), kinds.kind, laws_of)


def learned_from(race: Raced) -> Provider:
    """The provider's detector from tune traffic."""
    return learn(race.lag, race.chance, race.odd)


def to_reach(scored: Scored, here: NDArray[np.intp], starts: int, level: float) -> float:
    """The median, over `starts` evenly placed among the units `here`, of how many it takes until ln p <= `level`.

    p by Bahadur and Rao's approximation (Ann. Math. Stat. 1960), which is within a few hundredths of a nat there.
    """
    tilts = np.geomspace(1 / 2000, 4.0, 120)
    cgf, spread = _cumulants(scored.laws, tilts)
    found = []
    for start in np.linspace(0, len(here), starts, endpoint=False).astype(int):
        line = np.roll(here, -start)[: min(len(here), 2500)]
        kind, said = scored.kind[line], scored.kind[line] >= 0
        total = np.cumsum(scored.scores[line])
        bound = np.cumsum(np.where(said[:, None], cgf[kind], 0.0), axis=0) - total[:, None] * tilts
        best = bound.argmin(1)
        wide = np.cumsum(np.where(said[:, None], spread[kind], 0.0), axis=0)[np.arange(len(line)), best]
        log_p = bound[np.arange(len(line)), best] - np.log(
            np.maximum(tilts[best] * np.sqrt(2 * np.pi * np.maximum(wide, 1e-9)), 1.0)
        )
        hit = np.flatnonzero(log_p <= level)
        found.append(float(hit[0] + 1) if len(hit) else np.inf)
    return float(np.median(found))


def _cumulants(laws_of: list[list[Law]], tilts: Floats) -> tuple[Floats, Floats]:
    """By kind and tilt the logarithm of the moment generating function, and its second derivative."""
    cgf, spread = np.zeros((len(laws_of), len(tilts))), np.zeros((len(laws_of), len(tilts)))
    for kind, every in enumerate(laws_of):
        for law in every:
            inside = np.flatnonzero(law.chance)
            values = law.first + inside
            exponent = values[:, None] * tilts + np.log(law.chance[inside])[:, None]
            top = exponent.max(0)
            weight = np.exp(exponent - top)
            norm = weight.sum(0)
            mean = (weight * values[:, None]).sum(0) / norm
            cgf[kind] += top + np.log(norm)
            spread[kind] += (weight * values[:, None] ** 2).sum(0) / norm - mean**2
    return cgf, spread
