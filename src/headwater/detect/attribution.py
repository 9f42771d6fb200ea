"""Which exchanges belong to a ring, and which are its accounts' other business.

A template belongs to a ring if most accounts committed to it are the ring's and hardly anybody else uses it. An
exchange is attributed where a member fills one of its ring's templates; in a ring that has none, content decides. Where
neither tells anything apart nobody can be named, and no such ring is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, betaincinv

from headwater.detect.fold import NO_KEY, Batch, Ring
from headwater.detect.objects import Counts, code_bits

#: Share of the accounts that used an object that must be the ring's (at this chance of error: seven of eleven users may
#: be a topic's), and how much likelier a member uses it.
MAJORITY, DOUBT, LIFT, USE_LIFT = 0.55, 0.2, 5.0, 3.0
#: Share of the members that must have used it: what a few of thousands repeat is a popular question, no template.
OF_RING = 0.02
FEWEST = 3
#: Bits of a value behind those that are looked at first.
PREFIX = np.uint64(44)
#: A member fills its ring's templates seldom at less than this share of the usual rate (with this chance of error).
SELDOM, ERROR = 0.5, 0.02
#: Share of what as many fillings of the ring's templates usually say: whoever fills one of many has a habit in common.
VARIED = 0.3


@dataclass(frozen=True)
class RingObjects:
    """Template objects owned by rings: `objects` ascending (uint64), `ring` (int32) the owner of each.

    `nats`: by how much an account's use of each speaks for the ring rather than for everybody else.
    """

    objects: npt.NDArray[np.uint64]
    ring: npt.NDArray[np.int32]
    nats: npt.NDArray[np.float64]
    #: last bits of an object that don't count (`objects.code_bits`)
    bits: int = 0

    @classmethod
    def none(cls) -> RingObjects:
        """No ring owns anything."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0))

    def owner(self, values: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
        """The ring that owns each value (−1: none)."""
        out = np.full(len(values), -1, np.int32)
        if not len(self.objects):
            return out
        # Nearly all values are nobody's: a look at their first bits spares the search.
        some = np.flatnonzero(self._begin[values >> PREFIX])
        wanted = values[some] >> np.uint64(self.bits) << np.uint64(self.bits)
        at = np.searchsorted(self.objects, wanted)
        at[at == len(self.objects)] = 0
        hit = self.objects[at] == wanted
        out[some[hit]] = self.ring[at[hit]]
        return out

    @cached_property
    def _begin(self) -> npt.NDArray[np.bool_]:
        """Which first bits the owned objects have."""
        out = np.zeros(1 << (64 - int(PREFIX)), bool)
        out[self.objects >> PREFIX] = True
        return out


def ring_objects(counts: Counts, rings: Sequence[Ring], volume: npt.NDArray[np.int64]) -> RingObjects:
    """The objects that each ring owns, from the uses of shared objects in the proposing half.

    Most accounts that ever used it are the ring's, and a member is several times as likely to have used it as anybody
    else is: in a log where most accounts are one ring's, a greeting belongs to nobody all the same.
    """
    size = len(volume)
    ring_of = ring_by_account(rings, size)
    nothing = RingObjects.none()
    if not len(counts.objects) or not rings:
        return nothing
    start = np.flatnonzero(np.concatenate([[True], counts.objects[1:] != counts.objects[:-1]]))
    touched = np.diff(np.append(start, len(counts.objects)))
    owner = ring_of[counts.accounts]
    inside = owner >= 0
    if not inside.any():
        return nothing
    object_of = np.repeat(np.arange(len(start)), touched)
    key, place, count = np.unique(
        object_of[inside] * np.int64(len(rings)) + owner[inside], return_inverse=True, return_counts=True
    )
    at, ring = key // len(rings), (key % len(rings)).astype(np.int32)
    members = np.array([len(r.members) for r in rings])[ring]
    outside = touched[at] - count
    lift = (count / members) / ((outside + 0.5) / np.maximum(size - members, 1))
    # The same in exchanges: accounts that serve many people have touched everything once.
    sent = np.array([volume[r.members].sum() for r in rings])[ring]
    uses = np.bincount(place, counts.times[inside], len(key))
    other_uses = np.bincount(object_of, counts.times, len(start))[at] - uses
    use_lift = (uses / np.maximum(sent, 1)) / ((other_uses + 0.5) / np.maximum(volume.sum() - sent, 1))
    usual = np.maximum(FEWEST, OF_RING * members)
    keep = (
        (count >= usual)
        & (_at_least(count, touched[at]) >= MAJORITY)
        & (lift >= LIFT)
        & (use_lift >= USE_LIFT)
    )
    bits = code_bits(size)
    chosen, ring = counts.objects[start[at[keep]]] >> bits << bits, ring[keep]
    order = np.argsort(chosen)
    return RingObjects(chosen[order], ring[order], np.log(lift[keep])[order], int(bits))


def _at_least(count: npt.NDArray[np.int64], of: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The lower bound of a share of which `count` of `of` were seen (Clopper and Pearson 1934)."""
    return np.asarray(betaincinv(count, of - count + 1, DOUBT))


def ring_by_account(rings: Sequence[Ring], size: int) -> npt.NDArray[np.int32]:
    """The ring of each account code (−1: none), int32 of length `size`."""
    out = np.full(size, -1, np.int32)
    for at, ring in enumerate(rings):
        out[ring.members] = at
    return out


def filled(
    owned: RingObjects, objects: Sequence[npt.NDArray[np.uint64]], rows: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64]]:
    """For each row the ring whose template it fills (−1: none), and by which object: the first that a ring owns."""
    ring, key = np.full(rows, -1, np.int32), np.full(rows, NO_KEY, np.uint64)
    for values in objects:
        owner = owned.owner(values)
        first = (ring < 0) & (owner >= 0)
        ring[first], key[first] = owner[first], values[first]
    return ring, key


def keys(
    owned: RingObjects, objects: Sequence[npt.NDArray[np.uint64]], batch: Batch
) -> npt.NDArray[np.uint64]:
    """For each row the first object that its account's own ring owns (NO_KEY: none)."""
    out = np.full(len(batch), NO_KEY, np.uint64)
    rows = np.flatnonzero(batch.ring >= 0)
    for values in objects:
        mine = values[rows]
        hit = (out[rows] == NO_KEY) & (owned.owner(mine) == batch.ring[rows])
        out[rows[hit]] = mine[hit]
    return out


def seldom(times: npt.NDArray[np.int64], sent: npt.NDArray[np.int64], usual: float) -> npt.NDArray[np.bool_]:
    """Whether so few of the exchanges sent fill a template that the account does it far less than is usual.

    A binomial test: an account that sent too little to tell isn't one of these. (One exchange may use an object more
    than once.)
    """
    return np.asarray(bdtr(np.minimum(times, sent), sent, SELDOM * min(usual, 1.0)) < ERROR)


def variety(
    account: npt.NDArray[np.int64],
    item: npt.NDArray[np.int64],
    times: npt.NDArray[np.int64],
    worth: npt.NDArray[np.float64],
    accounts: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Nats (accounts) of the different templates that each filled, and of as many fillings drawn from all of them.

    `account`, `item`, `times` are counts of the fillings of each template, `worth` (items) their nats. The same opening
    again says nothing new: it may be a habit.
    """
    nats = np.bincount(account, worth[item], accounts)
    every = np.bincount(item, times, len(worth))
    return np.asarray(nats, np.float64), rarefied(worth, every, np.bincount(account, times, accounts))


def rarefied(
    worth: npt.NDArray[np.float64], every: npt.NDArray[np.number[Any]], fills: npt.NDArray[np.number[Any]]
) -> npt.NDArray[np.float64]:
    """What so many fillings (accounts) would say on average, drawn from `every` (items) of which each is worth so much.

    Source: S. Hurlbert, Ecology 52 (1971).
    """
    missed = 1 - every / max(every.sum(), 1)
    count, of = np.unique(fills.astype(np.int64), return_inverse=True)
    expected = np.array([float((worth * (1 - missed**n)).sum()) for n in count.tolist()])
    return np.asarray(expected[of], np.float64)
