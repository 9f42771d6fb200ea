"""A detector for one mark, learned from texts that were served with it, and how much better than the plain it is.

A table that is fitted to values under a key depends on that key at the units that they came from. So each distinct unit
is taken once over all texts, and the detector keeps the fingerprints of all of them: they are never scored with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.evidence import Evidence, by_class, fingerprints, grid, mixture, standard
from headwater.mark.evidence.fingerprints import MOST
from headwater.mark.marks import Mark
from headwater.mark.proxy import Counts, Proxy, counted
from headwater.mark.scheme import Units, Values
from headwater.mark.score import tails
from headwater.mark.tokenizer import Tokenizer

#: Fewer units teach nothing that the engine's own statistic doesn't know.
LEAST_UNITS: Final = 2000
#: ln of the p-value by which the texts, all together, must show the mark.
SHOWN: Final = math.log(1e-6)
#: Units that the gain must at least be learned from, and measured on.
_LEAST_HALF: Final = 100
#: Steps of the proxy's features: of how expected the token was, and of how much choice there was.
_STEPS: Final = (8, 3)


@dataclass(frozen=True)
class Learned:
    """`evidence`: the detector. `units`: distinct ones that it was learned from. `gain`: the evidence of a unit beside
    the plain detector's, on every second text's units, after learning from the others', which have none of them.
    """

    evidence: Evidence
    units: int
    gain: float


@dataclass(frozen=True)
class _Read:
    """Distinct units with their values under the key. `text` (n,): the number of the text that each stands first in."""

    units: Units
    values: Values
    features: NDArray[np.float64] | None
    text: NDArray[np.intp]

    def part(self, chosen: NDArray[np.bool_]) -> _Read:
        features = None if self.features is None else self.features[chosen]
        return _Read(self.units.part(chosen), self.values[chosen], features, self.text[chosen])


def learned(mark: Mark, texts: Sequence[str], *, proxy: Proxy | None = None) -> Learned:
    """p-values of the detector are exact for units that it wasn't learned from; the others aren't scored with it.

    `proxy`: must not have been trained on what was served with the key. Raises `UsageError` where the texts have fewer
    than 2,000 distinct units or more than 4,000,000, don't show the mark, or are nearly all the same.
    """
    read = _distinct(mark, texts, proxy)
    count = len(read.units)
    if count < LEAST_UNITS or len(texts) < 2:
        raise UsageError(
            f"{count:,} distinct units in {len(texts):,} texts: too few to learn from",
            hint=f"{LEAST_UNITS:,} are needed",
        )
    if count > MOST:
        raise UsageError(f"{count:,} distinct units: too many to learn from", hint=f"{MOST:,} are enough")
    plain = Evidence(mark.scheme.name, standard(mark.scheme))
    if _log_p(mark, read, plain) > SHOWN:
        raise UsageError(
            f"the texts don't show the mark {mark.name}", hint="name texts that were served with it"
        )
    second = np.unique(read.text, return_inverse=True)[1] % 2 == 1
    if min(int(second.sum()), int((~second).sum())) < _LEAST_HALF:
        raise UsageError("the texts are nearly all the same", hint="name texts that differ")
    half, other = _made(mark, read.part(~second), proxy), read.part(second)
    gain = _log_p(mark, other, half) / min(-1e-9, _log_p(mark, other, plain))
    return Learned(_made(mark, read, proxy), count, gain)


def _distinct(mark: Mark, texts: Sequence[str], proxy: Proxy | None) -> _Read:
    """Each unit once over all texts, as it stands in the first of them."""
    units, features = [], []
    for each_text in texts:
        tokens = mark.tokenizers[0].encode(each_text).ids
        units.append(mark.scheme.units(tokens))
        if proxy is not None:
            features.append(proxy.read(tokens).rows(units[-1].position))
    if not units:
        raise UsageError("there are no texts to learn from")
    size = sum(map(len, units))
    every = Units(
        np.concatenate([each.context for each in units]),
        np.concatenate([each.token for each in units]),
        np.arange(size),
        np.ones(size, np.int64),
        size,
    )
    first = np.sort(np.unique(fingerprints(every), return_index=True)[1])
    once = every.part(first)
    text = np.repeat(np.arange(len(units)), [len(each) for each in units])[first]
    told = np.concatenate(features)[first] if features else None
    return _Read(once, mark.scheme.values(mark.key, once), told, text)


def _made(mark: Mark, read: _Read, proxy: Proxy | None) -> Evidence:
    known = np.unique(fingerprints(read.units))
    if proxy is None or read.features is None:
        return Evidence(mark.scheme.name, mixture(mark.scheme.null, read.values), learned=known)
    cells = grid(read.features, _STEPS[: read.features.shape[1]])
    scorer = by_class(mark.scheme.null, read.values, cells.classes(read.features), cells.count)
    return Evidence(mark.scheme.name, scorer, cells, proxy, known)


def _log_p(mark: Mark, read: _Read, evidence: Evidence) -> float:
    """ln p of the total over all units."""
    kinds = None
    if evidence.grid is not None and read.features is not None:
        kinds = evidence.grid.classes(read.features)
    total = int(evidence.scorer.scores(read.values, kinds).sum())
    return float(tails(mark.scheme, evidence.scorer, read.units, np.array([total]), kinds)[0])


def count_tokens(tokenizer: Tokenizer, texts: Sequence[str], *, order: int) -> tuple[Counts, int]:
    """Counts of `texts` as a proxy, and how many tokens they have; `UsageError` where there are none."""
    read = [tokenizer.encode(text).ids for text in texts]
    tokens = sum(len(each) for each in read)
    if not tokens:
        raise UsageError("the texts have no tokens to count")
    size = tokenizer.vocab_size or 1 + max(int(each.max()) for each in read if len(each))
    return counted(read, size, order=order), tokens
