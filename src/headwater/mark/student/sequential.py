"""A test by answers alone that may stop at any time: wealth that a fair game wouldn't give (an e-process).

Each new pair of context and token is a bet that its score is high: wealth is multiplied by exp(s x - K(s)), whose mean
is 1 where the key had no part, and averaged over slopes s. By Ville's inequality it ever reaches 1/alpha with a chance
of at most alpha; so one may look after every answer, and stop.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.evidence.plain import standard
from headwater.mark.law import Law, log_tails
from headwater.mark.scheme import MarkKey, Scheme, Tokens, Units
from headwater.mark.score import OwnTails, Scorer, tails
from headwater.mark.student.copies import copied
from headwater.mark.student.places import check_suited

Floats = NDArray[np.float64]

#: Slopes of the bets, times a score's standard deviation.
SLOPES: Final = 2.0 ** np.arange(-7, 1.5, 0.5)


@dataclass(frozen=True)
class Wealth:
    """How a test by answers stands: `units` distinct pairs so far; `log_e`: ln of the wealth now; `log_most`: ln of
    the most that it ever was; `log_p`: ln of the p-value that holds whenever one stops, 1 over the most (where values
    hang together, as in green lists, a little more); `log_p_exact`: ln of the exact tail over all pairs together, which
    counts only where the number of answers was fixed beforehand."""

    units: int
    log_e: float
    log_most: float
    log_p: float
    log_p_exact: float


class Sequential:
    """Answers in the order of their arrival, under one key."""

    def __init__(self, scheme: Scheme, key: MarkKey) -> None:
        check_suited(scheme)
        self.scheme, self._key = scheme, key
        self._scorer: Scorer = standard(scheme)
        laws = [table.law(scheme.null) for table in self._scorer.tables[0]]
        scale = math.sqrt(sum(law.variance for law in laws))
        self._slopes = SLOPES / scale
        self._growth = np.array([_growth(laws, slope) for slope in self._slopes])
        self._seen: set[bytes] = set()
        self._prompted: set[bytes] = set()
        self._parts: list[Units] = []
        self._total, self._units = 0, 0
        self._log = np.zeros(len(SLOPES))
        self._most = 0.0

    def asked(self, prompt: Tokens) -> None:
        """Take in a prompt, before or with its answer: from now on no context of it counts in any answer."""
        width = self.scheme.width
        for at in range(len(prompt) - width + 1 if width else 0):
            self._prompted.add(_name(prompt[at : at + width]))

    def alone(self, tokens: Tokens) -> float:
        """ln p, as `log_p` has it, of these tokens alone, all of them evidence: for texts that mustn't be marked."""
        units = self.scheme.units(tokens)
        if not len(units):
            return 0.0
        scores = self._scorer.scores(self.scheme.values(self._key, units))
        paths = np.cumsum(scores[:, None] * self._slopes - self._growth, axis=0)
        return min(0.0, -float(_log_mean(paths).max()))

    def read(self, tokens: Tokens, *, prompt: int = 0) -> float:
        """Take in an answer that follows `prompt` tokens; ln of the wealth after it.

        A pair that was there before, in this answer or an earlier one, is no evidence of its own and left out; so is
        a context of any prompt, and a token that may be copied from the prompt or from the answer before it.
        """
        self.asked(tokens[:prompt])
        units = self.scheme.units(tokens, prompt=prompt)
        copies = copied(tokens, units.position, units.token, prompt=prompt)
        fresh = []
        for at in np.flatnonzero(~copies):
            context = units.context[at]
            name = _name(np.append(context, units.token[at]))
            if name not in self._seen and _name(context) not in self._prompted:
                self._seen.add(name)
                fresh.append(at)
        if not fresh:
            return self.log_e
        new = units.part(np.array(fresh, np.intp))
        scores = self._scorer.scores(self.scheme.values(self._key, new))
        paths = self._log + np.cumsum(
            scores[:, None] * self._slopes - self._growth, axis=0
        )  # each new pair's wealth, by slope
        self._most = max(self._most, float(_log_mean(paths).max()))
        self._log = paths[-1]
        self._total += int(scores.sum())
        self._units += len(new)
        self._parts.append(
            Units(new.context, new.token, new.position, np.ones(len(new), np.int64), new.tokens)
        )
        return self.log_e

    @property
    def log_e(self) -> float:
        """ln of the wealth now."""
        return float(_log_mean(self._log[None])[0])

    def wealth(self) -> Wealth:
        """How the test stands."""
        exact, more = self._exact()
        return Wealth(self._units, self.log_e, self._most, min(0.0, more - self._most), exact)

    def log_p(self) -> float:
        """ln of the p-value that holds whenever one stops."""
        more = self._exact()[1] if isinstance(self.scheme, OwnTails) else 0.0
        return min(0.0, more - self._most)

    def _exact(self) -> tuple[float, float]:
        """ln of the exact tail, and by how much it is above that of independent values."""
        if not self._parts:
            return 0.0, 0.0
        together = Units(
            np.concatenate([each.context for each in self._parts]),
            np.concatenate([each.token for each in self._parts]),
            np.arange(self._units, dtype=np.int64),
            np.ones(self._units, np.int64),
            self._units,
        )
        total = np.array([self._total])
        found = float(tails(self.scheme, self._scorer, together, total)[0])
        if not isinstance(self.scheme, OwnTails):
            return found, 0.0
        plain = float(log_tails(self._scorer.parts(self.scheme.null, together), total)[0])
        return found, max(0.0, found - plain)


@dataclass(frozen=True)
class Rule:
    """When to stop asking: the wealth reaches `keys`/`alpha`, or a budget is spent.

    `keys`: how many keys are tested side by side (Bonferroni); `queries`, `tokens`: at most so many.
    """

    alpha: float
    keys: int
    queries: int
    tokens: int

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1 or min(self.keys, self.queries, self.tokens) < 1:
            raise UsageError("a level lies between 0 and 1, and a budget is 1 or more")

    def why(self, log_p: Sequence[float], queries: int, tokens: int) -> str:
        """Why asking stops now; empty where it goes on. `log_p`: ln of each key's p-value that holds at any time."""
        if min(log_p, default=0.0) <= math.log(self.alpha / self.keys):
            return "evidence"
        if queries >= self.queries:
            return "queries spent"
        return "tokens spent" if tokens >= self.tokens else ""


def _name(tokens: Tokens) -> bytes:
    return hashlib.blake2b(tokens.astype("<i8").tobytes(), digest_size=16).digest()


def _growth(laws: Sequence[Law], slope: float) -> float:
    """ln of the mean of exp(slope x), a touch too large rather than too small."""
    return math.fsum(law.log_mgf(slope) for law in laws) + 1e-12


def _log_mean(logs: Floats) -> Floats:
    top = logs.max(axis=1)
    found: Floats = top + np.log(np.exp(logs - top[:, None]).mean(axis=1))
    return found
