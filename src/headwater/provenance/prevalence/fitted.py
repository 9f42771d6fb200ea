"""What was fitted on the corpora of the tune side, as it ships: weights, spreads and critical drops of likelihood.

Written by `benchmarks/audit/prevalence_fit.py`. It holds no text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Literal

import numpy as np
import numpy.typing as npt

from headwater.provenance.prevalence.mixture import SHARES, Laws, Spread, laws
from headwater.provenance.prevalence.reading import read
from headwater.provenance.prevalence.scorer import scores

Floats = npt.NDArray[np.float64]
#: Which reference texts were given.
Given = Literal["none", "human", "machine", "both"]
GIVEN: tuple[Given, ...] = ("none", "human", "machine", "both")
#: Levels for which critical drops were measured.
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)
#: Shares at which they were; between them the line is drawn.
MEASURED: Floats = np.array([0, 0.001, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0])
#: Concentration of the Dirichlet by the references that were given: what shapes of one domain's scores differ by.
CONCENTRATION: dict[Given, float] = {"none": 100.0, "human": 200.0, "machine": 100.0, "both": 300.0}
#: Grids of the laws: how many places; widths in deviations. People's corpora mix tasks, so theirs reach further.
HUMAN_GRID = (24, (-1.5, -0.5, 0.5, 1.5, 2.5, 3.5))
MACHINE_GRID = (9, (-1.5, -0.5, 0.5, 1.5))
#: Share of the measured deviation of places that is averaged over. Narrower averages gave shorter intervals on the
#: tune side; domains further out are paid for by the critical drops.
HUMAN_SHARE, MACHINE_SHARE = 0.8, 0.4


@dataclass(frozen=True)
class Scorer:
    """`weights` of buckets, which of them are `known`, and the intercept."""

    weights: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]
    bias: float

    def __call__(self, prepared: Iterable[str]) -> Floats:
        """Scores of texts that `reading.read` has prepared."""
        return scores(prepared, self.weights, self.known, self.bias)

    def of(self, texts: Iterable[str]) -> Floats:
        """Scores of those texts that can be read."""
        return self(part for text in texts if (part := read(text)) is not None)


@dataclass(frozen=True)
class Fitted:
    """Everything that was fitted. `critical`: by references given, level, share. `misfit`: the most that was seen."""

    scorer: Scorer
    human: Spread
    machine: Spread
    critical: Floats
    misfit: float

    def drops(self, given: Given, level: float) -> Floats:
        """Critical drop at each of `mixture.SHARES` for the next level that was measured, or that one itself."""
        row = next(number for number, measured in enumerate(LEVELS) if measured >= level - 1e-12)
        found: Floats = np.interp(SHARES, MEASURED, self.critical[GIVEN.index(given), row])
        return found


@cache
def fitted() -> Fitted:
    """The file that ships with the package."""
    return loaded(files("headwater.provenance.prevalence").joinpath("fitted.npz").read_bytes())


def loaded(data: bytes) -> Fitted:
    """What a file of `written` holds."""
    with np.load(BytesIO(data), allow_pickle=False) as file:
        known = np.unpackbits(file["known"]).astype(bool)
        weights = file["weights"].astype(np.float32) * np.float32(file["scale"])
        human, machine = (Spread(*map(float, file[name])) for name in ("human", "machine"))
        scorer = Scorer(weights, known, float(file["bias"]))
        return Fitted(scorer, human, machine, file["critical"], float(file["misfit"]))


def written(found: Fitted) -> bytes:
    """The same as bytes: weights to eight bits."""
    scale = float(np.abs(found.scorer.weights).max()) / 127
    spreads = [
        np.array([each.place, each.place_sd, each.log_width, each.log_width_sd])
        for each in (found.human, found.machine)
    ]
    file = BytesIO()
    np.savez_compressed(
        file,
        weights=np.rint(found.scorer.weights / scale).astype(np.int8),
        scale=np.float64(scale),
        known=np.packbits(found.scorer.known),
        bias=np.float64(found.scorer.bias),
        critical=found.critical,
        misfit=np.float64(found.misfit),
        human=spreads[0],
        machine=spreads[1],
    )
    return file.getvalue()


def priors(human: Spread, machine: Spread) -> tuple[Laws, Laws]:
    """The laws that scores of human and of machine text may follow in a domain that nothing is known of."""
    narrow = [
        replace(spread, place_sd=spread.place_sd * share)
        for spread, share in ((human, HUMAN_SHARE), (machine, MACHINE_SHARE))
    ]
    return laws(narrow[0], *HUMAN_GRID), laws(narrow[1], *MACHINE_GRID)
