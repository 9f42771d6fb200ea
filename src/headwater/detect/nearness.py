"""Accounts whose prompts could all come from one queue, found without a template.

Accounts dealt from one queue have the same expected content: one author, in the model of `authors`. From each seed (an
account and its likeliest companions) the author is refined until the set of accounts that it explains stands still.
Sets that are no tighter than a narrow group of people are dropped. What is left is a proposal, to be confirmed on
fresh sessions by the permutation test: innocents chosen for being alike look alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.detect.authors import Accounts, apart, author

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

ROUNDS = 12
#: Nats by which one author must explain a member better than an author of its own does.
MEMBER = 2.0
#: Members of a narrow group of people (a class, a trade) differ by this share of what people differ by.
NARROW = 0.25
#: Seeds that are tried, and nats by which a seed's companions must be of its author, at the mean.
MOST_SEEDS, COMPANION = 200, 1.0
#: Sets that share more than this part of the smaller one are one set.
SAME = 0.5
#: A set that grows to share this part of the larger of itself and one that was found is on its way there.
KNOWN = 0.8
#: Nats by which one author must explain all accounts better than a narrow group does.
TIGHT = 5.0
#: Steps of the search for a share (EM).
STEPS = 30
#: Members of a larger set are judged by the author of all of them: one more or less says nothing.
MANY = 500


@dataclass(frozen=True)
class Cluster:
    """Accounts that one author explains: rows of `Accounts`, and by how many nats better than a narrow group."""

    members: Rows
    tightness: float


def clusters(accounts: Accounts, neighbours: Rows, score: Array, *, fewest: int = 5) -> list[Cluster]:
    """Sets that one author explains better than a narrow group of people, tightest first; no two are the same."""
    alone = apart(accounts)
    rank = score.mean(axis=1)
    covered = np.zeros(len(accounts), bool)
    found: list[Cluster] = []
    sets: list[tuple[npt.NDArray[np.bool_], int]] = []
    tried = 0
    for seed in np.lexsort((accounts.code, -rank)):
        if tried >= MOST_SEEDS or rank[seed] < COMPANION:
            break
        if covered[seed]:
            continue
        tried += 1
        covered[seed] = True
        members = _grow(accounts, alone, np.unique(np.append(neighbours[seed], seed)), fewest, sets)
        if members is not None:
            covered[members] = True
            sets.append((_among(members, len(accounts)), len(members)))
            cluster = judged(accounts, alone, members)
            if cluster.tightness > TIGHT:
                found.append(cluster)
    found.sort(key=lambda cluster: (-cluster.tightness, int(cluster.members[0])))
    return list(_different(found, len(accounts)))


def _among(members: Rows, size: int) -> npt.NDArray[np.bool_]:
    inside = np.zeros(size, bool)
    inside[members] = True
    return inside


def _shared(members: Rows, inside: npt.NDArray[np.bool_]) -> float:
    """Part of the smaller of two sets that the other holds too."""
    return float(inside[members].sum()) / min(len(members), int(inside.sum()))


def _different(found: list[Cluster], size: int) -> Iterator[Cluster]:
    kept: list[npt.NDArray[np.bool_]] = []
    for cluster in found:
        if all(_shared(cluster.members, other) <= SAME for other in kept):
            kept.append(_among(cluster.members, size))
            yield cluster


def _grow(
    accounts: Accounts,
    alone: Array,
    members: Rows,
    fewest: int,
    known: list[tuple[npt.NDArray[np.bool_], int]],
) -> Rows | None:
    """The set that stands still; None where it is none, or grows into one of the `known` ones."""
    for turn in range(ROUNDS):
        inside = np.flatnonzero(gain(accounts, alone, members) > MEMBER)
        if len(inside) < fewest:
            return None
        if turn and any(_mostly(inside, other, size) for other, size in known):
            return None
        if np.array_equal(inside, members):
            break
        members = inside
    return members


def _mostly(members: Rows, other: npt.NDArray[np.bool_], size: int) -> bool:
    """Whether both share KNOWN of the larger one; `other` has `size` members."""
    least = KNOWN * max(size, len(members))
    return min(size, len(members)) > least and bool(np.count_nonzero(other[members]) > least)


def gain(accounts: Accounts, alone: Array, members: Rows, more: float = 0.0) -> Array:
    """Nats (m) by which the author of `members` explains each account better than one of its own (`alone`)."""
    one = author(accounts, members)
    nats = one.sees(accounts, more) - alone
    if len(members) <= MANY:
        nats[members] = one.without(accounts, members, more) - alone[members]
    return nats


def judged(accounts: Accounts, alone: Array, members: Rows) -> Cluster:
    """`members` with how much tighter than a narrow group they are.

    All accounts are explained twice, as a share of them that has one author (or is a narrow group around it) and a
    rest of authors: those that were picked because they lie near tell nothing unless the others lie far.
    """
    tight = mixture(gain(accounts, alone, members))
    return Cluster(members, tight - mixture(gain(accounts, alone, members, NARROW)))


def mixture(nats: Array) -> float:
    """The log likelihood gained where `nats` for one author apply to the likeliest share of accounts."""
    ratio = np.exp(np.clip(nats, -50, 50))
    share = 0.1
    for _ in range(STEPS):
        share = float(np.clip((share * ratio / (share * ratio + 1 - share)).mean(), 1e-6, 1 - 1e-6))
    return float(np.log(share * ratio + 1 - share).sum())
