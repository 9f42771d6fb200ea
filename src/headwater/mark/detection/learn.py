"""A detector for one mark, learned from texts that were served with it, and how much better than the plain it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.evidence import Evidence, Grid, by_class, grid, mixture, standard
from headwater.mark.keyring import Mark
from headwater.mark.proxy import Proxy
from headwater.mark.scheme import Tokens, Units, Values
from headwater.mark.score import Scorer, tails

#: Fewer units teach nothing that the engine's own statistic doesn't know.
LEAST_UNITS: Final = 2000
#: Steps of the proxy's features: of how expected the token was, and of how much choice there was.
_STEPS: Final = (8, 3)


@dataclass(frozen=True)
class Learned:
    """`evidence`: the detector. `units`: what it was learned from. `gain`: the evidence of a unit beside the plain
    detector's, on every second text, after learning from the others.
    """

    evidence: Evidence
    units: int
    gain: float


@dataclass(frozen=True)
class _Text:
    tokens: Tokens
    units: Units
    values: Values
    features: NDArray[np.float64] | None


def learned(mark: Mark, texts: Sequence[str], *, proxy: Proxy | None = None) -> Learned:
    """Raises `UsageError` where the texts have fewer than 2,000 units, or don't carry the mark."""
    read = [_read(mark, text, proxy) for text in texts]
    count = sum(len(each.units) for each in read)
    if count < LEAST_UNITS or len(read) < 2:
        raise UsageError(
            f"{count:,} units in {len(read):,} texts: too few to learn from",
            hint=f"{LEAST_UNITS:,} are needed",
        )
    plain = Evidence(mark.scheme.name, standard(mark.scheme))
    if _evidence(mark, read, plain) < 5:
        raise UsageError(
            f"the texts don't show the mark {mark.name}", hint="name texts that were served with it"
        )
    half = _made(mark, read[::2], proxy)
    gain = _evidence(mark, read[1::2], half) / max(1e-9, _evidence(mark, read[1::2], plain))
    return Learned(_made(mark, read, proxy), count, gain)


def _read(mark: Mark, text: str, proxy: Proxy | None) -> _Text:
    tokens = mark.tokenizers[0].encode(text).ids
    units = mark.scheme.units(tokens)
    features = None if proxy is None else proxy.read(tokens).rows(units.position)
    return _Text(tokens, units, mark.scheme.values(mark.key, units), features)


def _made(mark: Mark, read: Sequence[_Text], proxy: Proxy | None) -> Evidence:
    values = np.concatenate([each.values for each in read])
    if proxy is None:
        return Evidence(mark.scheme.name, mixture(mark.scheme.null, values))
    features = np.concatenate([each.features for each in read if each.features is not None])
    cells: Grid = grid(features, _STEPS[: features.shape[1]])
    scorer: Scorer = by_class(mark.scheme.null, values, cells.classes(features), cells.count)
    return Evidence(mark.scheme.name, scorer, cells, proxy)


def _evidence(mark: Mark, read: Sequence[_Text], evidence: Evidence) -> float:
    """-ln p of all texts, each by itself."""
    found = 0.0
    for each in read:
        if not len(each.units):
            continue
        kinds = None
        if evidence.grid is not None and each.features is not None:
            kinds = evidence.grid.classes(each.features)
        total = int(evidence.scorer.scores(each.values, kinds) @ each.units.times)
        found -= float(tails(mark.scheme, evidence.scorer, each.units, np.array([total]), kinds)[0])
    return found
