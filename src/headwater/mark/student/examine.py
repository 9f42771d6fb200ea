"""One or many keys held against a student's differences: p-values with all keys counted, decoys beside, shares.

What is shown is that the student's laws lean towards what a key favours. Nothing here knows who trained it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from headwater.errors import UsageError
from headwater.mark.decoy import DISBELIEF, at_least, bearable, drawn, unfair
from headwater.mark.detection.decoys import Decoys
from headwater.mark.detection.verdict import ALPHA, Verdict
from headwater.mark.engines.totals import Fast
from headwater.mark.scheme import MarkKey, Scheme
from headwater.mark.student.differences import Differences
from headwater.mark.student.parts import parts
from headwater.mark.student.statistic import Coefficients, coefficients
from headwater.mark.trace import holm

#: Contexts below which a key that isn't shown says nothing: served logs of 4,000 gave half of a mark's z, of 14,000
#: enough for 1e-15 at a width of 4 (toy models, `docs/explanation/student-test.md`).
WANTED: Final = 10_000
#: Decoys at most and at least, and the values of a fast or a slow scheme that all of them may take together.
MOST, FEWEST, _FAST, _SLOW = 1000, 20, 50_000_000, 4_000_000
_LEVELS: Final = (0.5, 0.1, 0.01)


@dataclass(frozen=True)
class Candidate:
    """A key that is asked about. `account`: whose it is; then its own texts are read, where the log has some."""

    name: str
    scheme: Scheme
    key: MarkKey
    account: str = ""


@dataclass(frozen=True)
class Tested:
    """What was found of one key.

    `log_p`: ln of the p-value that counts; `log_adjusted`: with all keys counted (Holm); `log_p_fixed`: the exact tail
    that takes the texts as fixed, which for served logs is an orientation; `z`: standard deviations above the mean;
    `strength`: how far S leans to the key, for each context, in standard deviations of one score times the
    coefficient, with `error`, its standard error; `decoys`: asked where the key alone would stand; `refused`: why the
    p-value isn't believed, in words.
    """

    name: str
    scheme: str
    account: str
    verdict: Verdict
    places: int
    contexts: int
    units: int
    log_p: float
    log_adjusted: float
    log_p_fixed: float
    z: float
    strength: float
    error: float
    decoys: Decoys | None
    refused: str = ""


@dataclass(frozen=True)
class AccountShare:
    """What part of all that is shown an account has, with an interval of about 95% (see `parts`)."""

    account: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Examined:
    """All keys. `shares`: of accounts that are shown; `skipped`: name and why, of keys that can't be tested so."""

    tested: tuple[Tested, ...]
    alpha: float
    served: bool
    shares: tuple[AccountShare, ...]
    skipped: tuple[tuple[str, str], ...]

    @property
    def found(self) -> tuple[Tested, ...]:
        """Those that stand."""
        return tuple(each for each in self.tested if each.verdict is Verdict.MARKED)

    @property
    def verdict(self) -> Verdict:
        """Of all together: marked where one is; not shown where all of them could have been."""
        if self.found:
            return Verdict.MARKED
        enough = self.tested and all(each.verdict is Verdict.NOT_SHOWN for each in self.tested)
        return Verdict.NOT_SHOWN if enough else Verdict.NOT_ENOUGH


def examine(
    differences: Differences,
    candidates: Sequence[Candidate],
    *,
    served: bool,
    alpha: float = ALPHA,
    told: Callable[[str, int, int | None], None] | None = None,
) -> Examined:
    """Hold every candidate's key against `differences`.

    `served`: whether the texts may carry the mark. `alpha`: the chance that any key without a part is called marked,
    all together. Raises `UsageError` without a candidate, for equal keys, or a level that is none.
    """
    if not 0 < alpha < 1:
        raise UsageError("the level must be between 0 and 1")
    if not candidates:
        raise UsageError("there is no key to test")
    if len({(each.scheme.name, each.key.numbers) for each in candidates}) < len(candidates):
        raise UsageError("two of the keys are the same", hint="list each key once")
    groups: dict[tuple[int, str], list[int]] = {}
    for at, each in enumerate(candidates):
        account = each.account if each.account in differences.accounts else ""
        groups.setdefault((id(each.scheme), account), []).append(at)
    tested: dict[int, Tested] = {}
    skipped: list[tuple[str, str]] = []
    for (_, account), places in groups.items():
        if told:
            told("test keys", len(tested), len(candidates))
        some = [candidates[at] for at in places]
        texts = differences.texts_of(differences.accounts.index(account)) if account else None
        try:
            read = coefficients(some[0].scheme, differences, served=served, texts=texts)
        except UsageError as error:
            skipped += [(each.name, error.what) for each in some]
            continue
        tested |= zip(places, _tested(some, read, math.log(alpha)), strict=True)
    order = sorted(tested)
    adjusted = holm.adjusted(np.array([tested[at].log_p for at in order]), len(candidates))
    judged = tuple(_judged(tested[at], float(log), alpha) for at, log in zip(order, adjusted, strict=True))
    return Examined(judged, alpha, served, _shares(judged, served=served), tuple(skipped))


def _tested(candidates: Sequence[Candidate], read: Coefficients, level: float) -> list[Tested]:
    """Keys of one scheme over the same texts; those with ln p of at most `level` are held against decoys."""
    totals = read.totals([each.key for each in candidates])
    fixed = read.log_p(totals)
    log_p = read.log_p_served(totals) if read.served else fixed
    z, spread = read.z(totals), read.spread / max(1, read.contexts)
    found = [
        Tested(
            each.name,
            read.scheme.name,
            each.account,
            Verdict.NOT_ENOUGH,
            read.places,
            read.contexts,
            len(read),
            float(log_p[at]),
            0.0,
            float(fixed[at]),
            float(z[at]),
            float(z[at]) * spread,
            spread,
            None,
        )
        for at, each in enumerate(candidates)
    ]
    return [
        _held(one, read, each.key) if one.log_p <= level else one
        for one, each in zip(found, candidates, strict=True)
    ]


def _held(one: Tested, read: Coefficients, key: MarkKey) -> Tested:
    held = hold(read, key, one.log_p_fixed)
    strength, error = read.lean(key)
    refused = "" if held.agrees else held.why
    return replace(one, strength=strength, error=error, decoys=held, refused=refused)


def hold(read: Coefficients, key: MarkKey, log_p: float, *, most: int = MOST) -> Decoys:
    """Keys that nobody uses under the same coefficients: their p-values must fall as p-values do.

    `log_p`: ln of the key's own, as exact tails have it.
    """
    room = _FAST if isinstance(read.scheme, Fast) else _SLOW
    count = max(FEWEST, min(bearable(read.scheme, most), room // max(1, len(read) * read.scheme.streams)))
    keys = drawn(read.scheme, [key], read.units, count)
    totals = read.totals(keys)
    above = int((totals >= read.totals([key])[0]).sum())
    disbelief = DISBELIEF / (len(_LEVELS) + 1)
    why = unfair(read.log_p(totals), _LEVELS, disbelief)
    if not why and at_least(above, len(keys), math.exp(log_p)) < disbelief:
        why = f"{above} of {len(keys)} keys that nobody uses score as high"
    return Decoys(len(keys), above, agrees=not why, why=why)


def _judged(one: Tested, log_adjusted: float, alpha: float) -> Tested:
    if one.refused:
        verdict = Verdict.NOT_ENOUGH
    elif log_adjusted <= math.log(alpha):
        verdict = Verdict.MARKED
    else:
        verdict = Verdict.NOT_SHOWN if one.contexts >= WANTED else Verdict.NOT_ENOUGH
    return replace(one, log_adjusted=log_adjusted, verdict=verdict)


def _shares(tested: Sequence[Tested], *, served: bool) -> tuple[AccountShare, ...]:
    """Accounts' parts of all that are shown; on their own served logs, weighted by the contexts read there."""
    of = [each for each in tested if each.account and each.verdict is Verdict.MARKED]
    if not of:
        return ()
    lean = np.maximum([each.strength for each in of], 0.0)
    error = np.array([each.error for each in of])
    weight = np.array([each.contexts for each in of], np.float64) if served else None
    return tuple(
        AccountShare(each.account, float(share), max(0.0, float(low)), min(1.0, float(high)))
        for each, share, low, high in zip(of, *parts(lean, error, weight), strict=True)
    )
