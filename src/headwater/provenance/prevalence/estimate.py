"""The share of a corpus that chat models wrote, from a random sample of its texts: a figure, an interval, or a refusal.

Reading, scoring, likelihood and interval are put together here. Drawing the sample is the caller's; no row is judged.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from headwater.errors import UsageError
from headwater.provenance.prevalence.fitted import CONCENTRATION, LEVELS, Fitted, Given, fitted, priors
from headwater.provenance.prevalence.interval import accepted, clopper_pearson
from headwater.provenance.prevalence.mixture import (
    SHARES,
    Laws,
    counted,
    likelihood,
    multinomial,
    referred,
)
from headwater.provenance.prevalence.reading import read
from headwater.provenance.prevalence.result import NotEstimated, Prevalence, Widths

Floats = npt.NDArray[np.float64]

#: Readable rows that an estimate needs, and the most that are read: domain, not chance, sets the width beyond.
LEAST_ROWS, MOST_ROWS = 200, 2000
#: Readable texts that a reference needs.
LEAST_REFERENCE = 100
#: Share of the sample that must be readable.
LEAST_READABLE = 0.5

METHOD = (
    "mixture of two laws of a linear score of four-character runs, with domain and model as random effects; "
    "likelihood-ratio set with drops calibrated on human domains and models held out"
)
_CAUTION = (
    "A share of the corpus, never a verdict on a row. It counts what reads like a chat model's answer: templates, "
    "boilerplate, translated or edited text and some non-native writing raise it; paraphrased model text, base models "
    "and models unlike those measured lower it. "
)
_UNREFERENCED = (
    "Without reference texts of the same domain the interval is wide; a low end of 0 says that none is shown."
)
_REFERENCED = (
    "It holds only if the reference texts are of the corpus' domain and by whom they are said to be."
)


def estimate(
    texts: Sequence[str],
    *,
    human: Sequence[str] = (),
    machine: Sequence[str] = (),
    seed: int,
    level: float = 0.95,
    certain: int = 0,
) -> Prevalence | NotEstimated:
    """Share of readable rows that chat models wrote, from a random sample `texts` of a corpus.

    `human`, `machine`: texts of the same domain known to be written by people or by the model asked about; they narrow
    the interval. `seed` draws which rows are read where there are more than `MOST_ROWS`. `level`: 0.5 to 0.99.
    `certain`: how many of `texts` carry an exact artefact of a model; it bounds the share from below (Clopper–Pearson).
    Raises `UsageError` for a level or a count out of range.
    """
    if not LEVELS[0] <= level <= LEVELS[-1]:
        raise UsageError(f"the level of an interval is between {LEVELS[0]} and {LEVELS[-1]}")
    if not 0 <= certain <= len(texts):
        raise UsageError("`certain` counts texts of the sample")
    found = fitted()
    at_least = clopper_pearson(certain, len(texts), level)[0] if certain else 0.0
    rows, left_out = _drawn(texts, seed)
    given, refusal = _references(human, machine)
    if refusal is None:
        refusal = _unfit(len(rows), left_out)
    if refusal is not None:
        return NotEstimated(refusal, len(rows), left_out, at_least)
    parts = tuple(found.scorer.of(part[:MOST_ROWS]) if part else None for part in (human, machine))
    for name, part in zip(("human", "machine"), parts, strict=True):
        if part is not None and len(part) < LEAST_REFERENCE:
            reason = f"fewer than {LEAST_REFERENCE} of the {name} reference texts can be read"
            return NotEstimated(reason, len(rows), left_out, at_least)
    return inferred(
        found.scorer(rows), found, human=parts[0], machine=parts[1], given=given, level=level, left_out=left_out,
        at_least=at_least,
    )  # fmt: skip


def inferred(
    scores: Floats,
    found: Fitted,
    *,
    human: Floats | None,
    machine: Floats | None,
    given: Given,
    level: float,
    left_out: int = 0,
    at_least: float = 0.0,
) -> Prevalence | NotEstimated:
    """The same from scores of the sample and of the reference texts."""
    prior_human, prior_machine = priors(found.human, found.machine)
    laws = (
        prior_human if human is None else referred(human),
        prior_machine if machine is None else referred(machine),
    )
    counts = counted(scores)
    like = likelihood(counts, *laws, CONCENTRATION[given])
    if like.misfit > found.misfit:
        reason = "the sample's scores are no mixture of what was measured"
        return NotEstimated(reason, len(scores), left_out, at_least)
    low, high = accepted(like.log, found.drops(given, level))
    best = float(SHARES[int(like.log.argmax())])
    widths = _widths(counts, laws, like.best, CONCENTRATION[given], level, high - low)
    low = max(low, at_least)
    return Prevalence(
        estimate=min(max(best, low), max(high, low)),
        low=low,
        high=max(high, low),
        level=level,
        sampled=len(scores),
        left_out=left_out,
        method=METHOD + ("" if given == "none" else f"; reference texts given: {given}"),
        caution=_CAUTION + (_UNREFERENCED if given == "none" else _REFERENCED),
        width_from=widths,
    )


def _widths(
    counts: Floats,
    laws: tuple[Laws, Laws],
    best: tuple[int, int],
    concentration: float,
    level: float,
    whole: float,
) -> Widths:
    """The width with both laws known; then with their shapes uncertain; the rest is that of their places."""
    drop = np.full(len(SHARES), float(ndtri((1 + level) / 2)) ** 2 / 2)
    human, machine = (Laws(law.bins[[at]], np.zeros(1)) for law, at in zip(laws, best, strict=True))
    low, high = accepted(multinomial(counts, human.bins[0], machine.bins[0]), drop)
    sampling = min(high - low, whole)
    low, high = accepted(likelihood(counts, human, machine, concentration).log, drop)
    reference = min(max(high - low - sampling, 0.0), whole - sampling)
    return Widths(sampling, reference, whole - sampling - reference)


def _drawn(texts: Sequence[str], seed: int) -> tuple[list[str], int]:
    """Readable rows in an order drawn with the seed, at most `MOST_ROWS`, and how many were met that are not."""
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)
    rows: list[str] = []
    left_out = 0
    for at in order:
        part = read(texts[at])
        if part is None:
            left_out += 1
        else:
            rows.append(part)
            if len(rows) == MOST_ROWS:
                break
    return rows, left_out


def _references(human: Sequence[str], machine: Sequence[str]) -> tuple[Given, str | None]:
    given: Given = "both" if human and machine else "human" if human else "machine" if machine else "none"
    short = [
        name for name, part in (("human", human), ("machine", machine)) if 0 < len(part) < LEAST_REFERENCE
    ]
    if short:
        return given, f"fewer than {LEAST_REFERENCE} {short[0]} reference texts are given"
    return given, None


def _unfit(readable: int, left_out: int) -> str | None:
    if readable + left_out == 0:
        return "the sample is empty"
    if readable < LEAST_READABLE * (readable + left_out):
        return "most rows are too short, not running English, or mostly code"
    if readable < LEAST_ROWS:
        return f"fewer than {LEAST_ROWS} rows of the sample can be read"
    return None
