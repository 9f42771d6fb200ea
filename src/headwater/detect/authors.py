"""How accounts differ in what they ask: the two-covariance model of authors (PLDA), learned from the log itself.

An account's expected content is drawn once, with covariance B; each of its exchanges lies around it, with covariance
W. Speaker recognition asks of two recordings what is asked here of two accounts: one source or two, given how little
was heard of each. What an account of few exchanges says is weighed as what it is, next to nothing.

Source: N. Brümmer and E. de Villiers, "The speaker partitioning problem", Odyssey 2010; S. Prince and J. Elder,
"Probabilistic linear discriminant analysis", ICCV 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

from headwater.detect.population import A_ACCOUNT

Array = npt.NDArray[np.float64]

#: Share of content's variance that lies between real accounts, at the median (see docs/explanation/detection.md). Where
#: a log's own is smaller, most of its accounts may have one author: they must not define how alike people are.
USUAL = 0.055
#: Accounts under one author differ by this share of what authors differ by: a queue drifts, and is dealt in batches.
DRIFT = 0.02
#: Accounts that are turned into the model's directions at once.
BLOCK = 16_384
#: Effective exchanges are taken in steps of this ratio, so that accounts can be judged together by step.
STEP = 1.15
#: In no direction do authors differ by more than this share of all there is, whatever an estimate says.
MOST_BETWEEN = 0.9
#: Directions in which authors differ less than this share of the most telling one are left out.
TELLING = 1e-3


@dataclass(frozen=True)
class Accounts:
    """Mean content of m accounts in k directions in which W is the identity and B is diagonal.

    `step` (m) ascending: an account has STEP^step effective exchanges (those of one session repeat each other).
    `code` (m), `mean` (m × k), `between` (k) the diagonal of B.
    """

    code: npt.NDArray[np.int32]
    mean: npt.NDArray[np.float32]
    step: npt.NDArray[np.int64]
    between: Array

    @cached_property
    def count(self) -> Array:
        """Effective exchanges (m)."""
        return np.asarray(STEP ** self.step.astype(np.float64))

    @cached_property
    def square(self) -> npt.NDArray[np.float32]:
        """Squares of `mean`."""
        return np.asarray(self.mean**2)

    @cached_property
    def steps(self) -> tuple[tuple[float, slice], ...]:
        """Each number of effective exchanges, and the rows that have it."""
        found, start = np.unique(self.step, return_index=True)
        ends = np.append(start[1:], len(self.step))
        return tuple((STEP ** float(s), slice(a, b)) for s, a, b in zip(found, start, ends, strict=True))

    @property
    def drift(self) -> Array:
        """Variance (k) between accounts of one author."""
        return DRIFT * self.between

    def __len__(self) -> int:
        return len(self.code)


@dataclass(frozen=True)
class Sessions:
    """Sums of content vectors by session: `total` (s × d), `count` (s) of exchanges, `account` (s)."""

    total: Array
    count: Array
    account: npt.NDArray[np.int32]


def summed(values: npt.NDArray[Any], group: npt.NDArray[Any], groups: int) -> npt.NDArray[Any]:
    """Sums (groups × d) of rows of `values` (n × d) by `group` (n)."""
    order = np.argsort(group, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=groups))])
    ones = np.ones(len(group), values.dtype)
    return np.asarray(sparse.csr_matrix((ones, order, start), shape=(groups, len(group))) @ values)


@dataclass(frozen=True)
class Model:
    """How authors differ: `directions` (d × k) in which W is the identity, `between` (k) the diagonal of B.

    `repeats`: how far exchanges of one session repeat each other (0: not at all, 1: they are one).
    """

    directions: Array
    between: Array
    repeats: float

    def effective(self, count: Array, squares: Array) -> Array:
        """Independent exchanges that `count` are worth; `squares` sums the squared counts of their sessions."""
        return np.asarray(np.maximum(count / (1 + (squares / count - 1) * self.repeats), 1.0))


def learn(sessions: Sessions, covariance: Array) -> Model | None:
    """The model, from the sessions of all accounts or a sample of them; None where no account has two sessions.

    `covariance` (d × d) is that of all exchanges; sums are about their mean. B comes from pairs of exchanges of one
    account in different sessions, so that neither a conversation nor noise enters it; a busy account weighs in it what
    it weighs in the covariance.
    """
    v, account = sessions.total, np.unique(sessions.account, return_inverse=True)[1]
    size = int(account.max(initial=-1)) + 1
    n = np.bincount(account, sessions.count, size)
    squares = np.bincount(account, sessions.count**2, size)
    pairs = n**2 - squares
    if not (pairs > 0).any():
        return None
    total = summed(v, account, size)
    share = np.where(pairs > 0, np.minimum(n, A_ACCOUNT), 0.0)
    weight = share / share.sum() / np.maximum(pairs, 1)
    between = (total * weight[:, None]).T @ total - (v * weight[account][:, None]).T @ v
    between = (between + between.T) / 2
    everything = float(np.trace(covariance))
    alike = float(np.einsum("ij,ij->", v, v)) - float(n.sum()) * everything
    alike = alike / max(float((squares - n).sum()), 1.0) - float(np.trace(between))
    within = covariance - between
    repeats = float(np.clip(alike / max(float(np.trace(within)), 1e-9), 0.0, 1.0))
    directions, diagonal = _diagonal(covariance, between)
    if not len(diagonal):
        return None
    found = float(np.trace(between)) / everything
    return Model(directions, diagonal * max(1.0, USUAL / max(found, 1e-9)), repeats)


def described(
    model: Model, code: npt.NDArray[np.int32], mean: npt.NDArray[np.floating[Any]], effective: Array
) -> Accounts:
    """Accounts (m) by their mean content (m × d, about that of all exchanges) and effective exchanges (m)."""
    step = np.rint(np.log(effective) / np.log(STEP)).astype(np.int64)
    order = np.argsort(step, kind="stable")
    at_once = range(0, len(code), BLOCK)
    turned = [(mean[order[at : at + BLOCK]] @ model.directions).astype(np.float32) for at in at_once]
    empty = np.empty((0, len(model.between)), np.float32)
    return Accounts(code[order], np.concatenate([empty, *turned]), step[order], model.between)


def _diagonal(covariance: Array, between: Array) -> tuple[Array, Array]:
    """Directions (d × k) that make W the identity and B diagonal, and that diagonal (k)."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors / np.sqrt(np.maximum(values, TELLING * values.max()))
    share, turned = np.linalg.eigh(root.T @ between @ root)
    keep = share > TELLING * max(float(share.max()), 0.0)
    share = np.minimum(share[keep], MOST_BETWEEN)
    return root @ turned[:, keep] / np.sqrt(1 - share), share / (1 - share)


def apart(accounts: Accounts) -> Array:
    """Log density (m) of each account as an author of its own, but for a constant."""
    return _density(accounts, np.zeros(len(accounts.between)), accounts.between)


@dataclass(frozen=True)
class Author:
    """What the accounts of one author tell about its content: precision (k) and precision-weighted sum (k)."""

    precision: Array
    total: Array

    def sees(self, accounts: Accounts, more: float = 0.0) -> Array:
        """Log density (m) of every account under this author, but for the constant of `apart`.

        `more`: further variance of the accounts, as a share of what authors differ by.
        """
        known = self.precision + 1 / accounts.between
        return _density(accounts, self.total / known, 1 / known + accounts.drift + more * accounts.between)

    def without(self, accounts: Accounts, rows: npt.NDArray[np.int64], more: float = 0.0) -> Array:
        """As `sees`, each of `rows` (its accounts) seen by the author that the others make."""
        precision, mean = _precision(accounts, rows), accounts.mean[rows].astype(np.float64)
        known = self.precision - precision + 1 / accounts.between
        centre = (self.total - precision * mean) / known
        spread = 1 / accounts.count[rows, None] + 1 / known + accounts.drift + more * accounts.between
        return np.asarray(-0.5 * ((mean - centre) ** 2 / spread + np.log(spread)).sum(axis=1))


def author(accounts: Accounts, rows: npt.NDArray[np.int64]) -> Author:
    """The author of `rows` (ascending), if they have one."""
    return Author(*_author(accounts.mean, accounts.count, rows, accounts.drift))


def _precision(accounts: Accounts, rows: npt.NDArray[np.int64]) -> Array:
    return np.asarray(1 / (1 / accounts.count[rows, None] + accounts.drift))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _author(
    mean: npt.NDArray[np.float32], count: Array, rows: npt.NDArray[np.int64], drift: Array
) -> tuple[Array, Array]:
    precision, total = np.zeros(len(drift)), np.zeros(len(drift))
    one, before = np.empty(len(drift)), 0.0
    for row in rows:
        # Counts ascend, and few differ: what two divisions give is worked out once for each.
        if count[row] != before:
            before = count[row]
            for k in range(len(drift)):
                one[k] = 1 / (1 / before + drift[k])
        for k in range(len(drift)):
            precision[k] += one[k]
            total[k] += one[k] * mean[row, k]
    return precision, total


def _density(accounts: Accounts, centre: Array, unsure: Array) -> Array:
    counts = np.array([count for count, _ in accounts.steps])
    starts = np.array([rows.start for _, rows in accounts.steps] + [len(accounts)], np.int64)
    spread = unsure + 1 / counts[:, None]
    constant = (centre**2 / spread + np.log(spread)).sum(axis=1)
    near, slope = (1 / spread).astype(np.float32), (2 * centre / spread).astype(np.float32)
    return np.asarray(_densities(accounts.mean, starts, near, slope, constant))


@numba.njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator,unused-ignore]
def _densities(
    mean: npt.NDArray[np.float32],
    starts: npt.NDArray[np.int64],
    near: npt.NDArray[np.float32],
    slope: npt.NDArray[np.float32],
    constant: Array,
) -> Array:
    """Log densities (m) of means: `near`, `slope` (steps × k) and `constant` (steps) belong to their step."""
    out = np.empty(len(mean))
    for step in range(len(constant)):
        a, b = near[step], slope[step]
        for row in range(starts[step], starts[step + 1]):
            x, far = mean[row], np.float32(0)
            for k in range(len(a)):
                far += x[k] * (x[k] * a[k] - b[k])
            out[row] = -0.5 * (far + constant[step])
    return out
