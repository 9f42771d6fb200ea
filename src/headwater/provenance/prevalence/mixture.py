"""How likely the scores of a sample are at each share of machine text, averaged over domains and models.

A corpus' binned scores are a mixture of two laws. Where each of them lies and how wide it is differs from domain to
domain and from model to model, so these are random effects with the spread that was measured; what the shapes still
differ by is a Dirichlet's concentration. Sources: Minka 2000 (Dirichlet-multinomial), Forman 2008 (quantification).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, ndtr

Floats = npt.NDArray[np.float64]

#: Bounds of the bins of scores.
EDGES: Floats = np.concatenate([[-np.inf], np.arange(-4.5, 4.01, 0.5), [np.inf]])
#: Shares of machine text that are asked.
SHARES: Floats = np.concatenate(
    [
        [0, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.13, 0.16],
        np.linspace(0.2, 1.0, 17),
    ]
)
#: Texts of no kind in a hundred of each law, spread wider.
_STRAYS = 0.02
#: What a reference's counts are smoothed by: so many texts with the law that fits them.
_SMOOTH = 10.0


@dataclass(frozen=True)
class Spread:
    """Between-domain law of one writer's scores: places, and logarithms of widths."""

    place: float
    place_sd: float
    log_width: float
    log_width_sd: float


@dataclass(frozen=True)
class Laws:
    """Binned laws that scores may follow (one a row, summing to 1), with the logarithm of each one's prior chance."""

    bins: Floats
    log_prior: Floats


def counted(scores: Floats) -> Floats:
    """Scores in each bin."""
    return np.histogram(scores, EDGES)[0].astype(np.float64)


def law(place: float, width: float) -> Floats:
    """Binned normal law with a few strays."""

    def binned(deviation: float) -> Floats:
        return np.diff(ndtr((EDGES - place) / deviation))

    return (1 - _STRAYS) * binned(width) + _STRAYS * binned(2.5 * width)


def laws(spread: Spread, places: int, widths: tuple[float, ...]) -> Laws:
    """A grid over a spread: two and a half deviations of places, `widths` in deviations; tails of Student's t."""
    at, wide = np.meshgrid(np.linspace(-2.5, 2.5, places), np.array(widths), indexing="ij")
    at, wide = at.ravel(), wide.ravel()
    width = np.exp(spread.log_width + wide * spread.log_width_sd)
    bins = [law(spread.place + a * spread.place_sd, float(w)) for a, w in zip(at, width, strict=True)]
    log_prior = -2.5 * (np.log1p(at * at / 4) + np.log1p(wide * wide / 4))
    return Laws(np.array(bins), log_prior - np.logaddexp.reduce(log_prior))


def referred(scores: Floats) -> Laws:
    """The one law that reference texts of the same domain show."""
    counts = counted(scores)
    fitted = law(float(np.median(scores)), max(0.2, float(scores.std())))
    return Laws(((counts + _SMOOTH * fitted) / (counts.sum() + _SMOOTH))[None, :], np.zeros(1))


@dataclass(frozen=True)
class Likelihood:
    """Log-likelihood of each of `SHARES`, up to a constant; `best`: its laws' indices at the likeliest share.

    `misfit`: how far the likeliest mixture stays behind the observed shares of bins themselves, in nats.
    """

    log: Floats
    best: tuple[int, int]
    misfit: float


def likelihood(counts: Floats, human: Laws, machine: Laws, concentration: float) -> Likelihood:
    """Integrated over both sets of laws, at each of `SHARES`."""
    seen = np.flatnonzero(counts)
    here = counts[seen]
    log = np.empty(len(SHARES))
    best, top = (0, 0), -np.inf
    for number, share in enumerate(SHARES):
        mixed = (1 - share) * human.bins[:, None, seen] + share * machine.bins[None, :, seen]
        each = _polya(here, concentration * mixed)
        likeliest = int(each.argmax())
        if each.flat[likeliest] > top:
            top = float(each.flat[likeliest])
            best = (likeliest // each.shape[1], likeliest % each.shape[1])
        each += human.log_prior[:, None] + machine.log_prior[None, :]
        log[number] = np.logaddexp.reduce(each, axis=None)
    whole = float(_polya(here, concentration * here / here.sum()))
    return Likelihood(log - log.max(), best, whole - top)


def _polya(counts: Floats, weights: Floats) -> Floats:
    """Dirichlet-multinomial log-likelihood without what doesn't depend on the mixture."""
    weights = weights + 1e-9
    found: Floats = (gammaln(counts + weights) - gammaln(weights)).sum(-1)
    return found


def multinomial(counts: Floats, human: Floats, machine: Floats) -> Floats:
    """Log-likelihood of each of `SHARES` where both laws are known, relative to the likeliest."""
    mixed = (1 - SHARES[:, None]) * human + SHARES[:, None] * machine
    log: Floats = (counts * np.log(mixed + 1e-12)).sum(1)
    log -= log.max()
    return log
