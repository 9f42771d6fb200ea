"""Fingerprinting codes for answers of which versions can be picked: symmetric Tardos codes (Skoric, Katzenbeisser and
Celik, 2008) with the discrete biases of Nuida and others (2009), and an exact p-value for every account.

Each answer exists in two versions, 0 and 1; which one an account is given is its codeword. Colluders who compare
their answers can only pass on a version that one of them was given. Whoever never was among them has a score whose
law is known exactly, since every bit of its codeword was drawn at random, whatever the colluders did.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from headwater.errors import UsageError
from headwater.mark.law import Law, Part, log_tails
from headwater.mark.trace import holm

#: Steps of a score to one standard deviation.
_STEPS = 64
_LONGEST = 10_000_000


@dataclass(frozen=True)
class Accused:
    """An account that was among the colluders: ln of its exact p-value, and with all accounts counted (Holm)."""

    name: str
    log_p: float
    log_adjusted: float


@dataclass(frozen=True)
class Code:
    """A code of `length` binary positions, made to hold against `colluders` who compare their versions.

    More colluders may stay unfound; an innocent account is as safe as ever. `key`: at least 16 secret bytes: everything
    about the code follows from it.
    """

    key: bytes = field(repr=False)
    length: int
    colluders: int

    def __post_init__(self) -> None:
        if len(self.key) < 16:
            raise UsageError("a code's key must have at least 16 bytes")
        if not 1 <= self.length <= _LONGEST:
            raise UsageError(f"a code's length must be from 1 to {_LONGEST}")
        if not 1 <= self.colluders <= 1000:
            raise UsageError("a code is for 1 to 1000 colluders")

    @cached_property
    def kinds(self) -> NDArray[np.intp]:
        """Which of `biases` each position has (length,): secret."""
        _, chance = biases(self.colluders)
        drawn = self._stream(b"biases", b"") / 2.0**64
        found: NDArray[np.intp] = np.minimum(np.searchsorted(np.cumsum(chance), drawn), len(chance) - 1)
        return found

    def word(self, account: str) -> NDArray[np.uint8]:
        """Which version of each position `account` is given (length,): 1 with the position's bias."""
        return (self._stream(b"word", account.encode()) < self._ceilings).astype(np.uint8)

    def accuse(
        self, seen: Sequence[int] | NDArray[np.int64], accounts: Iterable[str], *, level: float = 0.05
    ) -> tuple[Accused, ...]:
        """Those of `accounts` that were among the colluders, most evidence first; all are counted.

        `seen`: (length,) the version found at each position, -1 where it can't be read. `level`: the chance that any
        innocent account is named is at most this. Raises `UsageError` for a sequence that is no such thing.
        """
        found = np.asarray(seen)
        if (
            found.shape != (self.length,)
            or found.dtype.kind not in "iu"
            or not np.isin(found, (-1, 0, 1)).all()
        ):
            raise UsageError("versions are 0, 1 or -1, one for each position of the code")
        if not 0 < level < 1:
            raise UsageError("the level must be between 0 and 1")
        names = list(accounts)
        if len(set(names)) < len(names):
            raise UsageError("an account is listed twice")
        log_p = self.log_p(found, names)
        adjusted = holm.adjusted(log_p, len(names))
        order = [int(i) for i in np.argsort(log_p, kind="stable") if adjusted[i] <= math.log(level)]
        return tuple(Accused(names[i], float(log_p[i]), float(adjusted[i])) for i in order)

    def log_p(self, seen: NDArray[np.int64], accounts: Sequence[str]) -> NDArray[np.float64]:
        """ln of each account's exact p-value (accounts,), one at a time."""
        of_one, of_zero = _scores(biases(self.colluders)[0])
        # By version seen and bias: what a 1 and a 0 of the codeword score.
        ones = np.where(seen == 1, of_one[self.kinds], -of_one[self.kinds]) * (seen >= 0)
        zeros = np.where(seen == 1, -of_zero[self.kinds], of_zero[self.kinds]) * (seen >= 0)
        base, gain = int(zeros.sum()), (ones - zeros).astype(np.int64)
        totals = np.array([base + int(gain[self.word(name) == 1].sum()) for name in accounts], np.int64)
        if not len(totals) or not (seen >= 0).any():
            return np.zeros(len(totals))
        distinct, back = np.unique(totals, return_inverse=True)
        tails: NDArray[np.float64] = np.minimum(0.0, log_tails(self._laws(seen), distinct))[back]
        return tails

    def _laws(self, seen: NDArray[np.int64]) -> list[Part]:
        chances, _ = biases(self.colluders)
        of_one, of_zero = _scores(chances)
        found = []
        for kind, chance in enumerate(chances):
            for version, sign in ((1, 1), (0, -1)):
                count = int(np.sum((self.kinds == kind) & (seen == version)))
                if count:
                    law = _two(sign * int(of_one[kind]), float(chance), -sign * int(of_zero[kind]))
                    found.append(Part(law, 1, count))
        return found

    @cached_property
    def _ceilings(self) -> NDArray[np.uint64]:
        chances, _ = biases(self.colluders)
        return np.array([int(chance * 2**64) for chance in chances], np.uint64)[self.kinds]

    def _stream(self, purpose: bytes, name: bytes) -> NDArray[np.uint64]:
        """Uniform words of 64 bits, one a position: Philox under a key that BLAKE2b draws from the code's."""
        digest = hashlib.blake2b(name, key=self.key[:64], digest_size=16, person=b"hw-tardos-" + purpose[:6])
        drawn: NDArray[np.uint64] = np.random.Philox(
            key=int.from_bytes(digest.digest(), "little")
        ).random_raw(self.length)
        return drawn


def biases(colluders: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The chances of a 1 that positions have, and how often each: the shortest codes against `colluders`.

    They are the zeros of a Legendre polynomial, weighted so that the colluders' joint score has the same mean whatever
    they do (Nuida and others, "An improvement of discrete Tardos fingerprinting codes", 2009).
    """
    zeros, weights = np.polynomial.legendre.leggauss((colluders + 1) // 2)
    chances = (1 + zeros) / 2
    weights = weights / np.sqrt(chances * (1 - chances))
    return chances, weights / weights.sum()


def joint_score(colluders: int) -> float:
    """The mean of the colluders' scores together, a position, in standard deviations of an innocent's: 1 for two of
    them, falling to 2/pi for many."""
    zeros, weights = np.polynomial.legendre.leggauss((colluders + 1) // 2)
    chances = (1 + zeros) / 2
    return 4.0 / float((weights / np.sqrt(chances * (1 - chances))).sum())


def length(accounts: int, colluders: int, *, level: float = 0.05, miss: float = 0.05) -> int:
    """How many positions a code needs so that of `colluders` among `accounts` at least one is found.

    The threshold is Chernoff's, rigorous for any strategy; that the colluders' mean score reaches it but for a chance
    `miss` is by a normal law. Near 2 c^2 ln(accounts/level) / joint_score^2, which for many colluders is
    4.93 c^2 ln(accounts/level).
    """
    if not (accounts >= 1 and colluders >= 1 and 0 < level < 1 and 0 < miss < 1):
        raise UsageError("a code needs an account, a colluder, and chances between 0 and 1")
    chances, often = biases(colluders)
    a, b = np.sqrt((1 - chances) / chances), np.sqrt(chances / (1 - chances))
    slopes = np.geomspace(1e-4, 20, 400)
    # For each bias the version that helps an innocent least, in ln of the mean of exp(slope * score).
    one = np.logaddexp(np.log(chances) + slopes[:, None] * a, np.log1p(-chances) - slopes[:, None] * b)
    zero = np.logaddexp(np.log(chances) - slopes[:, None] * a, np.log1p(-chances) + slopes[:, None] * b)
    growth = np.maximum(one, zero) @ often
    joint = joint_score(colluders)
    # A position's joint score has the second moment `colluders`, whatever they do.
    sigmas = NormalDist().inv_cdf(1 - miss) * math.sqrt(colluders - joint**2) / colluders

    def holds(many: int) -> bool:
        threshold = float(((growth * many + math.log(accounts / level)) / slopes).min())
        return many * joint / colluders - sigmas * math.sqrt(many) >= threshold

    found = bisect_left(range(_LONGEST + 1), True, lo=1, key=holds)
    if found > _LONGEST:
        raise UsageError(f"no code of at most {_LONGEST} positions is long enough")
    return found


def _scores(chances: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What a 1 and a 0 of a codeword score where a 1 or a 0 was seen, in steps; the other version scores minus."""
    ones = np.rint(_STEPS * np.sqrt((1 - chances) / chances)).astype(np.int64)
    return ones, np.rint(_STEPS * np.sqrt(chances / (1 - chances))).astype(np.int64)


def _two(of_one: int, chance: float, of_zero: int) -> Law:
    first = min(of_one, of_zero)
    law = np.zeros(max(of_one, of_zero) - first + 1)
    law[of_one - first] += chance
    law[of_zero - first] += 1 - chance
    return Law(first, law)
